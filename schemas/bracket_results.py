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
        Column("i", "int", "index", "Train-split index of the first example.", key=True),
        Column("j", "int", "index", "Train-split index of the second example, j > i.", key=True),
        Column("bracket_norm", "float", "loss²·θ⁻³", "‖[v_i, v_j]‖ over all P parameters; symmetric in i, j."),
        Column("bracket_rms", "float", "loss²·θ⁻³", "bracket_norm / √P."),
        Column("gradient_norm_i", "float", "loss·θ⁻¹", "‖∇L_i‖."),
        Column("gradient_norm_j", "float", "loss·θ⁻¹", "‖∇L_j‖."),
        Column(
            "cosine_i",
            "float",
            "1",
            "Cosine of [v_i, v_j] with ∇L_i; 0 where either vanishes.",
            "positive where i before j leaves L_i larger than j before i",
        ),
        Column(
            "cosine_j",
            "float",
            "1",
            "Cosine of [v_i, v_j] with ∇L_j; 0 where either vanishes.",
            "positive where i before j leaves L_j larger than j before i",
        ),
        Column(
            "gradient_cosine",
            "float",
            "1",
            "Cosine of ∇L_i with ∇L_j.",
            "positive where a step down either loss lowers the other",
        ),
        Column(
            "defect", "float", "θ⁻¹", "Commutator defect ‖[v_i, v_j]‖ / (‖∇L_i‖ ‖∇L_j‖); 0 where a gradient vanishes."
        ),
        Column("hvp_norm_ij", "float", "loss²·θ⁻³", "‖H_j ∇L_i‖."),
        Column("hvp_norm_ji", "float", "loss²·θ⁻³", "‖H_i ∇L_j‖."),
        Column(
            "cancellation",
            "float",
            "1",
            "bracket_norm / (hvp_norm_ij + hvp_norm_ji), 1 where both vanish: small values mean digits were lost in "
            "the difference.",
        ),
        Column("loss_i", "float", "loss", "L_i."),
        Column("loss_j", "float", "loss", "L_j."),
        Column(
            "recomputed",
            "bool",
            "yes/no",
            "True where cancellation was below 1e-3, so the pair was taken in float64 (equal examples: exactly 0).",
        ),
        Column(
            "gauss_newton_norm",
            "float",
            "loss²·θ⁻³",
            "Norm of the bracket's Gauss–Newton part, if asked for.",
            nullable=True,
        ),
        Column(
            "gauss_newton_cosine",
            "float",
            "1",
            "Cosine of the bracket with its Gauss–Newton part; 0 where either vanishes.",
            "1 for one direction, −1 for opposite ones",
            nullable=True,
        ),
        Column("object", "text", "name", "Name of the object that holds the pair's arrays."),
        Column("position", "int", "index", "Index of the pair along the `pair` axis of that object's arrays."),
        Column(
            "kept_position",
            "int",
            "index",
            "Index of the pair in that object's kept brackets, if kept.",
            nullable=True,
        ),
    ),
    aliases={"norm": "bracket_norm", "rms": "bracket_rms"},
)

TENSORS = ResultTable(
    "tensors",
    "One row per parameter tensor and checkpoint, over all pairs.",
    (
        STEP,
        Column("tensor", "text", "name", "Name of the parameter tensor.", key=True),
        Column("position", "int", "index", "Order of the tensor within the model."),
        Column("numel", "int", "count", "Number of elements."),
        Column("gradient_rms", "float", "loss·θ⁻¹", "√ mean over examples and elements of (∇L)²."),
        Column("bracket_rms", "float", "loss²·θ⁻³", "√ mean over unordered pairs and elements of [v_i, v_j]²."),
        Column(
            "gauss_newton_rms", "float", "loss²·θ⁻³", "The same of the brackets' Gauss–Newton parts.", nullable=True
        ),
        Column(
            "zero_gradient", "bool", "yes/no", "True where every example's gradient is exactly 0; left out of fits."
        ),
    ),
    aliases={"rms": "bracket_rms"},
)

FITS = ResultTable(
    "fits",
    "Proportionality of bracket RMS to gradient RMS over tensors, on log10 axes; one row per checkpoint and part.",
    (
        STEP,
        Column(
            "part", "text", "name", "`bracket`, or `gauss_newton` for the brackets' Gauss–Newton parts.", key=True
        ),
        Column("tensors", "int", "count", "Tensors in the fit."),
        Column("excluded", "int", "count", "Tensors left out: zero gradient or zero bracket."),
        Column(
            "intercept",
            "float",
            "decade",
            "Slope-1 fit: mean of log10(bracket RMS) − log10(gradient RMS).",
            "positive where bracket RMS / gradient RMS exceeds 1 loss·θ⁻²",
            nullable=True,
        ),
        Column("residual_sd_decades", "float", "decade", "S.d. of the slope-1 residuals (n − 1).", nullable=True),
        Column(
            "slope",
            "float",
            "1",
            "Slope of the free least-squares line.",
            "positive where tensors with larger gradients have larger brackets",
            nullable=True,
        ),
        Column(
            "free_intercept",
            "float",
            "by slope",
            "Its intercept: the line's log10(bracket RMS) where the gradient RMS is 1, of a number in loss^(2 − "
            "slope)·θ^(slope − 3).",
            nullable=True,
        ),
        Column("pearson_r", "float", "1", "Pearson correlation of the logarithms.", "as of the slope", nullable=True),
        Column(
            "r_squared_slope_1",
            "float",
            "1",
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
        Column("pairs", "int", "count", "Pairs with two non-zero gradients."),
        Column("median", "float", "θ⁻¹", "Median defect.", nullable=True),
        Column("low", "float", "θ⁻¹", "Its 5 % quantile.", nullable=True),
        Column("high", "float", "θ⁻¹", "Its 95 % quantile.", nullable=True),
        Column("null_pairs", "int", "count", "Pairs drawn for the null whose two gradients are not zero."),
        Column(
            "null_median",
            "float",
            "θ⁻¹",
            "Median of ‖H_j u − H_i w‖ / (‖∇L_i‖ ‖∇L_j‖), u and w random directions as long as ∇L_i and ∇L_j.",
            nullable=True,
        ),
        Column("null_low", "float", "θ⁻¹", "Its 5 % quantile.", nullable=True),
        Column("null_high", "float", "θ⁻¹", "Its 95 % quantile.", nullable=True),
    ),
)

VERIFICATIONS = ResultTable(
    "verifications",
    "Pairs computed again on the generic path in float64; errors are relative to that.",
    (
        STEP,
        Column("i", "int", "index", "Train-split index of the first example.", key=True),
        Column("j", "int", "index", "Train-split index of the second example.", key=True),
        Column("path", "text", "name", "Path that computed the pair."),
        Column("bracket_norm", "float", "loss²·θ⁻³", "‖[v_i, v_j]‖ in float64."),
        Column("norm_error", "float", "1", "Relative error of the stored norm."),
        Column(
            "tensor_error", "float", "1", "Largest over tensors of |error of the RMS| / RMS; 0 where both vanish."
        ),
        Column("cosine_error", "float", "1", "Larger of the errors of cosine_i and cosine_j (absolute)."),
        Column(
            "logit_error",
            "float",
            "1",
            "Largest |error| of the pair's logit perturbations / largest |perturbation|, if they are stored.",
            nullable=True,
        ),
    ),
    aliases={"norm": "bracket_norm"},
)

PERTURBATIONS = ResultTable(
    "perturbations",
    "Δz_t = J_t [v_i, v_j] of one pair over all T test examples, without lr²; one row per pair and checkpoint.",
    (
        STEP,
        Column("i", "int", "index", "Train-split index of the first example.", key=True),
        Column("j", "int", "index", "Train-split index of the second example, j > i.", key=True),
        Column("logit_rms", "float", "logit·loss²·θ⁻⁴", "Root mean square of Δz over test examples and outputs."),
        Column("logit_max", "float", "logit·loss²·θ⁻⁴", "Largest |Δz|."),
        Column("norm_euclidean", "float", "logit·loss²·θ⁻⁴", "√ mean_t Σ_k Δz²: function-space norm with G_z = I."),
        Column(
            "norm_softmax",
            "float",
            "loss²·θ⁻⁴",
            "√ mean_t Δzᵀ (diag(p) − ppᵀ) Δz, p the softmax of z_t. lr² times it is √(2 mean_t KL) of the move to "
            "leading order, so p(1 − p) is in logit⁻² here.",
        ),
        Column(
            "norm_bernoulli",
            "float",
            "loss²·θ⁻⁴",
            "√ mean_t Σ_k p(1 − p) Δz², p the sigmoid of z_t; p(1 − p) as in norm_softmax.",
        ),
        Column("object", "text", "name", "Name of the object that holds the pair's perturbations."),
        Column("position", "int", "index", "Index of the pair along the `pair` axis of its `logits`."),
    ),
    aliases={"norm": "norm_euclidean", "rms": "logit_rms", "max": "logit_max"},
)

PROJECTIONS = ResultTable(
    "projections",
    "q · [v_i, v_j] = (H_j q) · ∇L_i − (H_i q) · ∇L_j: times lr², what i before j adds against j before i.",
    (
        STEP,
        Column("i", "int", "index", "Train-split index of the first example.", key=True),
        Column("j", "int", "index", "Train-split index of the second example, j > i.", key=True),
        Column("target", "text", "name", "Direction q: `test_loss`, `logit/example/output` or `saved/…`.", key=True),
        Column(
            "value",
            "float",
            "by target",
            "The projection: loss³·θ⁻⁴ for `test_loss`, logit·loss²·θ⁻⁴ for a logit, loss²·θ⁻³ times the unit of a "
            "saved q.",
            "positive where i before j ends further along q, or with the larger loss or logit, than j before i; the "
            "other order has the other sign",
        ),
    ),
)

MINIBATCHES = ResultTable(
    "minibatches",
    "[v_B, v_C] = H_C g_B − H_B g_C of batch means; one row per pair of minibatches and checkpoint.",
    (
        STEP,
        Column("b", "int", "index", "Place of the first minibatch in the spec, from 0.", key=True),
        Column("c", "int", "index", "Place of the second minibatch, c > b.", key=True),
        Column("shared", "int", "count", "Examples in both; their own terms cancel."),
        Column("bracket_norm", "float", "loss²·θ⁻³", "‖[v_B, v_C]‖; symmetric in b, c."),
        Column("bracket_rms", "float", "loss²·θ⁻³", "bracket_norm / √P."),
        Column("gradient_norm_b", "float", "loss·θ⁻¹", "Norm of the mean gradient of the first."),
        Column("gradient_norm_c", "float", "loss·θ⁻¹", "Norm of the mean gradient of the second."),
        Column(
            "gradient_cosine",
            "float",
            "1",
            "Cosine of the two mean gradients.",
            "positive where a step down either mean loss lowers the other",
        ),
        Column(
            "defect",
            "float",
            "θ⁻¹",
            "bracket_norm / (gradient_norm_b · gradient_norm_c); 0 where a gradient vanishes.",
        ),
        Column("cancellation", "float", "1", "bracket_norm / (‖H_C g_B‖ + ‖H_B g_C‖), 1 where both vanish."),
    ),
    aliases={"norm": "bracket_norm", "rms": "bracket_rms"},
)

REORDERINGS = ResultTable(
    "reorderings",
    "Order σ against order τ of plain gradient steps, one step per example, from the checkpoint; effects are divided "
    "by lr². Losses are of the test examples.",
    (
        STEP,
        Column("reordering", "int", "index", "Number of the reordering within the job, from 0.", key=True),
        Column("items", "int", "count", "Examples in each order."),
        Column("i", "int", "index", "First example of σ, for swaps of two.", nullable=True),
        Column("j", "int", "index", "Second example of σ, for swaps of two.", nullable=True),
        Column("lr", "float", "θ²·loss⁻¹", "Learning rate of the exact steps."),
        Column(
            "predicted_norm",
            "float",
            "loss²·θ⁻³",
            "‖S(σ) − S(τ)‖, the sum of brackets of the pairs that change order.",
        ),
        Column("exact_norm", "float", "loss²·θ⁻³", "‖θ_σ − θ_τ‖ / lr² after the steps."),
        Column(
            "relative_error",
            "float",
            "1",
            "‖exact − predicted‖ / ‖exact‖: first order in lr. 0 where both vanish, 1 where only the exact does.",
        ),
        Column(
            "cosine",
            "float",
            "1",
            "Cosine of predicted and exact effect; 0 where either vanishes.",
            "1 for one direction, −1 for opposite ones",
        ),
        Column(
            "predicted_loss",
            "float",
            "loss³·θ⁻⁴",
            "∇L_test · (S(σ) − S(τ)).",
            "positive where order σ leaves the larger test loss",
            nullable=True,
        ),
        Column(
            "realised_loss",
            "float",
            "loss³·θ⁻⁴",
            "(L_test(θ_σ) − L_test(θ_τ)) / lr².",
            "positive where order σ leaves the larger test loss",
            nullable=True,
        ),
        Column(
            "agrees",
            "bool",
            "yes/no",
            "Whether both have one sign; two exact zeros agree, one does not.",
            nullable=True,
        ),
    ),
)

ORDER_ACCURACY = ResultTable(
    "order_accuracy",
    "How well brackets predict which order leaves the smaller test loss; one row per checkpoint.",
    (
        STEP,
        Column("reorderings", "int", "count", "Reorderings compared."),
        Column(
            "agreeing", "int", "count", "Of them, those whose predicted and realised loss difference have one sign."
        ),
        Column("accuracy", "float", "1", "agreeing / reorderings.", nullable=True),
        Column(
            "pearson_r",
            "float",
            "1",
            "Correlation of predicted and realised differences.",
            "positive where larger predictions come with larger differences",
            nullable=True,
        ),
        Column("median_relative_error", "float", "1", "Median of the reorderings' relative errors."),
    ),
)

OUTPUTS = ResultTable(
    "outputs",
    "How far each output moves under swaps; one row per output and checkpoint, over the pairs with logit "
    "perturbations and all test examples.",
    (
        STEP,
        Column("output", "int", "index", "Index of the output, from 0.", key=True),
        Column("label", "text", "name", "Name of the output's label."),
        Column("logit_rms", "float", "logit·loss²·θ⁻⁴", "√ mean over pairs and test examples of (J_t [v_i, v_j])²."),
        Column("logit_max", "float", "logit·loss²·θ⁻⁴", "Largest |J_t [v_i, v_j]|."),
        Column(
            "slack",
            "float",
            "logit⁻¹",
            "Root mean square over test examples of p(1 − p): how much a probability moves per unit of logit. "
            "p is the sigmoid of the logit for independent labels, else the softmax.",
        ),
        Column(
            "normalised_rms",
            "float",
            "logit²·loss²·θ⁻⁴",
            "logit_rms / slack: not large merely because p(1 − p) is.",
            nullable=True,
        ),
        Column(
            "probability_rms",
            "float",
            "loss²·θ⁻⁴",
            "√ mean of (p(1 − p) J_t [v_i, v_j])²: the same in probability; for a softmax, the part due to the "
            "output's own logit.",
        ),
        Column(
            "multiple",
            "float",
            "1",
            "normalised_rms over its median among the outputs that are no controls.",
            nullable=True,
        ),
        Column("flagged", "bool", "yes/no", "True where the multiple is 2 or more."),
        Column("label_rate", "float", "1", "Share of the T test examples that carry the label."),
        Column("train_rate", "float", "1", "Share of the train split that carries the label."),
        Column(
            "rival",
            "text",
            "name",
            "Among independent labels, that which it meets furthest below chance in the train split.",
            nullable=True,
        ),
        Column("rival_lift", "float", "1", "P(both) / (P(label) P(rival)): 0 if never together.", nullable=True),
        Column("rival_expected", "float", "count", "Train examples that would carry both by chance.", nullable=True),
        Column("companion", "text", "name", "The label that exceeds chance furthest.", nullable=True),
        Column(
            "companion_lift",
            "float",
            "1",
            "Its lift: above 1 where the two meet more often than by chance.",
            nullable=True,
        ),
    ),
    aliases={"rms": "logit_rms", "max": "logit_max"},
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
