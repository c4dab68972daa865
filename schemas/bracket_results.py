"""Result tables of bracket jobs.

N, K, T and P are as in the spec modules. Brackets are [v_x, v_y] = H_y g_x − H_x g_y with v = −∇L, without any power
of the learning rate.
"""

from schemas.columns import STEP, Column, ResultTable

PAIRS = ResultTable(
    "pairs",
    "One row per unordered pair i < j of examples and checkpoint; values are of [v_i, v_j].",
    (
        STEP,
        Column("i", "int", "Train-split index of the first example.", key=True),
        Column("j", "int", "Train-split index of the second example, j > i.", key=True),
        Column("bracket_norm", "float", "‖[v_i, v_j]‖ over all P parameters; symmetric in i, j."),
        Column("bracket_rms", "float", "bracket_norm / √P."),
        Column("gradient_norm_i", "float", "‖∇L_i‖."),
        Column("gradient_norm_j", "float", "‖∇L_j‖."),
        Column("cosine_i", "float", "Cosine of [v_i, v_j] with ∇L_i; 0 where either vanishes."),
        Column("cosine_j", "float", "Cosine of [v_i, v_j] with ∇L_j; 0 where either vanishes."),
        Column("gradient_cosine", "float", "Cosine of ∇L_i with ∇L_j."),
        Column("defect", "float", "Commutator defect ‖[v_i, v_j]‖ / (‖∇L_i‖ ‖∇L_j‖); 0 where a gradient vanishes."),
        Column("hvp_norm_ij", "float", "‖H_j ∇L_i‖."),
        Column("hvp_norm_ji", "float", "‖H_i ∇L_j‖."),
        Column(
            "cancellation",
            "float",
            "bracket_norm / (hvp_norm_ij + hvp_norm_ji), 1 where both vanish: small values mean digits were lost in "
            "the difference.",
        ),
        Column("loss_i", "float", "L_i."),
        Column("loss_j", "float", "L_j."),
        Column(
            "recomputed",
            "bool",
            "True where cancellation was below 1e-3, so the pair was taken in float64 (equal examples: exactly 0).",
        ),
        Column("gauss_newton_norm", "float", "Norm of the bracket's Gauss–Newton part, if asked for.", nullable=True),
        Column(
            "gauss_newton_cosine",
            "float",
            "Cosine of the bracket with its Gauss–Newton part; 0 where either vanishes.",
            nullable=True,
        ),
        Column("object", "text", "Name of the object that holds the pair's arrays."),
        Column("position", "int", "Index of the pair along the `pair` axis of that object's arrays."),
        Column(
            "kept_position",
            "int",
            "Index of the pair in that object's kept brackets, if kept.",
            nullable=True,
        ),
    ),
)

TENSORS = ResultTable(
    "tensors",
    "One row per parameter tensor and checkpoint, over all pairs.",
    (
        STEP,
        Column("tensor", "text", "Name of the parameter tensor.", key=True),
        Column("position", "int", "Order of the tensor within the model."),
        Column("numel", "int", "Number of elements."),
        Column("gradient_rms", "float", "√ mean over examples and elements of (∇L)²."),
        Column("bracket_rms", "float", "√ mean over unordered pairs and elements of [v_i, v_j]²."),
        Column("gauss_newton_rms", "float", "The same of the brackets' Gauss–Newton parts.", nullable=True),
        Column("zero_gradient", "bool", "True where every example's gradient is exactly 0; left out of fits."),
    ),
)

FITS = ResultTable(
    "fits",
    "Proportionality of bracket RMS to gradient RMS over tensors, on log10 axes; one row per checkpoint and part.",
    (
        STEP,
        Column("part", "text", "`bracket`, or `gauss_newton` for the brackets' Gauss–Newton parts.", key=True),
        Column("tensors", "int", "Tensors in the fit."),
        Column("excluded", "int", "Tensors left out: zero gradient or zero bracket."),
        Column("intercept", "float", "Slope-1 fit: mean of log10(bracket RMS) − log10(gradient RMS).", nullable=True),
        Column("residual_sd_decades", "float", "S.d. of the slope-1 residuals, in decades (n − 1).", nullable=True),
        Column("slope", "float", "Slope of the free least-squares line.", nullable=True),
        Column("free_intercept", "float", "Its intercept.", nullable=True),
        Column("pearson_r", "float", "Pearson correlation of the logarithms.", nullable=True),
        Column(
            "r_squared_slope_1",
            "float",
            "R² of the slope-1 fit; negative when a constant does better.",
            nullable=True,
        ),
    ),
)

DEFECTS = ResultTable(
    "defects",
    "Commutator defects ‖[v_i, v_j]‖ / (‖∇L_i‖ ‖∇L_j‖) over all pairs, beside random directions; one per checkpoint.",
    (
        STEP,
        Column("pairs", "int", "Pairs with two non-zero gradients."),
        Column("median", "float", "Median defect.", nullable=True),
        Column("low", "float", "Its 5 % quantile.", nullable=True),
        Column("high", "float", "Its 95 % quantile.", nullable=True),
        Column("null_pairs", "int", "Pairs drawn for the null whose two gradients are not zero."),
        Column(
            "null_median",
            "float",
            "Median of ‖H_j u − H_i w‖ / (‖∇L_i‖ ‖∇L_j‖), u and w random directions as long as ∇L_i and ∇L_j.",
            nullable=True,
        ),
        Column("null_low", "float", "Its 5 % quantile.", nullable=True),
        Column("null_high", "float", "Its 95 % quantile.", nullable=True),
    ),
)

VERIFICATIONS = ResultTable(
    "verifications",
    "Pairs computed again on the generic path in float64; errors are relative to that.",
    (
        STEP,
        Column("i", "int", "Train-split index of the first example.", key=True),
        Column("j", "int", "Train-split index of the second example.", key=True),
        Column("path", "text", "Path that computed the pair."),
        Column("bracket_norm", "float", "‖[v_i, v_j]‖ in float64."),
        Column("norm_error", "float", "Relative error of the stored norm."),
        Column("tensor_error", "float", "Largest over tensors of |error of the RMS| / RMS; 0 where both vanish."),
        Column("cosine_error", "float", "Larger of the errors of cosine_i and cosine_j (absolute)."),
        Column(
            "logit_error",
            "float",
            "Largest |error| of the pair's logit perturbations / largest |perturbation|, if they are stored.",
            nullable=True,
        ),
    ),
)

PERTURBATIONS = ResultTable(
    "perturbations",
    "Δz_t = J_t [v_i, v_j] of one pair over all T test examples, without lr²; one row per pair and checkpoint.",
    (
        STEP,
        Column("i", "int", "Train-split index of the first example.", key=True),
        Column("j", "int", "Train-split index of the second example, j > i.", key=True),
        Column("logit_rms", "float", "Root mean square of Δz over test examples and outputs."),
        Column("logit_max", "float", "Largest |Δz|."),
        Column("norm_euclidean", "float", "√ mean_t Σ_k Δz²: function-space norm with G_z = I."),
        Column("norm_softmax", "float", "√ mean_t Δzᵀ (diag(p) − ppᵀ) Δz, p the softmax of z_t."),
        Column("norm_bernoulli", "float", "√ mean_t Σ_k p(1 − p) Δz², p the sigmoid of z_t."),
        Column("object", "text", "Name of the object that holds the pair's perturbations."),
        Column("position", "int", "Index of the pair along the `pair` axis of its `logits`."),
    ),
)

PROJECTIONS = ResultTable(
    "projections",
    "q · [v_i, v_j] = (H_j q) · ∇L_i − (H_i q) · ∇L_j: times lr², what i before j adds against j before i.",
    (
        STEP,
        Column("i", "int", "Train-split index of the first example.", key=True),
        Column("j", "int", "Train-split index of the second example, j > i.", key=True),
        Column("target", "text", "Direction q: `test_loss`, `logit/example/output` or `saved/…`.", key=True),
        Column("value", "float", "The projection; changes its sign with the order of i and j."),
    ),
)

MINIBATCHES = ResultTable(
    "minibatches",
    "[v_B, v_C] = H_C g_B − H_B g_C of batch means; one row per pair of minibatches and checkpoint.",
    (
        STEP,
        Column("b", "int", "Place of the first minibatch in the spec, from 0.", key=True),
        Column("c", "int", "Place of the second minibatch, c > b.", key=True),
        Column("shared", "int", "Examples in both; their own terms cancel."),
        Column("bracket_norm", "float", "‖[v_B, v_C]‖; symmetric in b, c."),
        Column("bracket_rms", "float", "bracket_norm / √P."),
        Column("gradient_norm_b", "float", "Norm of the mean gradient of the first."),
        Column("gradient_norm_c", "float", "Norm of the mean gradient of the second."),
        Column("gradient_cosine", "float", "Cosine of the two mean gradients."),
        Column("defect", "float", "bracket_norm / (gradient_norm_b · gradient_norm_c); 0 where a gradient vanishes."),
        Column("cancellation", "float", "bracket_norm / (‖H_C g_B‖ + ‖H_B g_C‖), 1 where both vanish."),
    ),
)

REORDERINGS = ResultTable(
    "reorderings",
    "Order σ against order τ of plain gradient steps, one step per example, from the checkpoint; effects are divided "
    "by lr². Losses are of the test examples.",
    (
        STEP,
        Column("reordering", "int", "Number of the reordering within the job, from 0.", key=True),
        Column("items", "int", "Examples in each order."),
        Column("i", "int", "First example of σ, for swaps of two.", nullable=True),
        Column("j", "int", "Second example of σ, for swaps of two.", nullable=True),
        Column("lr", "float", "Learning rate of the exact steps."),
        Column("predicted_norm", "float", "‖S(σ) − S(τ)‖, the sum of brackets of the pairs that change order."),
        Column("exact_norm", "float", "‖θ_σ − θ_τ‖ / lr² after the steps."),
        Column(
            "relative_error",
            "float",
            "‖exact − predicted‖ / ‖exact‖: first order in lr. 0 where both vanish, 1 where only the exact does.",
        ),
        Column("cosine", "float", "Cosine of predicted and exact effect; 0 where either vanishes."),
        Column("predicted_loss", "float", "∇L_test · (S(σ) − S(τ)).", nullable=True),
        Column("realised_loss", "float", "(L_test(θ_σ) − L_test(θ_τ)) / lr².", nullable=True),
        Column("agrees", "bool", "Whether both have one sign; two exact zeros agree, one does not.", nullable=True),
    ),
)

ORDER_ACCURACY = ResultTable(
    "order_accuracy",
    "How well brackets predict which order leaves the smaller test loss; one row per checkpoint.",
    (
        STEP,
        Column("reorderings", "int", "Reorderings compared."),
        Column("agreeing", "int", "Of them, those whose predicted and realised loss difference have one sign."),
        Column("accuracy", "float", "agreeing / reorderings.", nullable=True),
        Column("pearson_r", "float", "Correlation of predicted and realised differences.", nullable=True),
        Column("median_relative_error", "float", "Median of the reorderings' relative errors."),
    ),
)

OUTPUTS = ResultTable(
    "outputs",
    "How far each output moves under swaps; one row per output and checkpoint, over the pairs with logit "
    "perturbations and all test examples.",
    (
        STEP,
        Column("output", "int", "Index of the output, from 0.", key=True),
        Column("label", "text", "Name of the output's label."),
        Column("logit_rms", "float", "√ mean over pairs and test examples of (J_t [v_i, v_j])²."),
        Column("logit_max", "float", "Largest |J_t [v_i, v_j]|."),
        Column(
            "slack",
            "float",
            "Root mean square over test examples of p(1 − p): how much a probability moves per unit of logit. "
            "p is the sigmoid of the logit for independent labels, else the softmax.",
        ),
        Column("normalised_rms", "float", "logit_rms / slack: not large merely because p(1 − p) is.", nullable=True),
        Column(
            "probability_rms",
            "float",
            "√ mean of (p(1 − p) J_t [v_i, v_j])²: the same in probability; for a softmax, the part due to the "
            "output's own logit.",
        ),
        Column(
            "multiple",
            "float",
            "normalised_rms over its median among the outputs that are no controls.",
            nullable=True,
        ),
        Column("flagged", "bool", "True where the multiple is 2 or more."),
        Column("label_rate", "float", "Share of the T test examples that carry the label."),
        Column("train_rate", "float", "Share of the train split that carries the label."),
        Column(
            "rival",
            "text",
            "Among independent labels, that which it meets furthest below chance in the train split.",
            nullable=True,
        ),
        Column("rival_lift", "float", "P(both) / (P(label) P(rival)): 0 if never together.", nullable=True),
        Column("rival_expected", "float", "Train examples that would carry both by chance.", nullable=True),
        Column("companion", "text", "The label that exceeds chance furthest.", nullable=True),
        Column("companion_lift", "float", "Its lift.", nullable=True),
    ),
)

BRACKET_TABLES = (
    PAIRS,
    TENSORS,
    FITS,
    DEFECTS,
    VERIFICATIONS,
    PERTURBATIONS,
    PROJECTIONS,
    MINIBATCHES,
    REORDERINGS,
    ORDER_ACCURACY,
    OUTPUTS,
)
