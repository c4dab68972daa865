"""Result tables of replica jobs.

w_i is a replica, w_0 the baseline, both at the same step; z their logits on T test examples, p the probabilities.
Differences are the replica's value less the baseline's. A value that is not finite is null.
"""

from schemas.columns import Column, ResultTable

_STEP = Column("step", "int", "step", "Optimizer step.", key=True)
_REPLICA = Column(
    "replica", "int", "index", "Number of the replica within the job, from 0; −1 − g for a twin.", key=True
)
_ARM = Column("arm", "text", "name", "Name of the arm.", key=True)


def _float(name: str, unit: str, meaning: str, sign: str | None = None) -> Column:
    return Column(name, "float", unit, meaning, sign, nullable=True)


REPLICAS = ResultTable(
    "replicas",
    "One row per replica, and one (−1 − group) for the twin of each group.",
    (
        Column(
            "replica",
            "int",
            "index",
            "Number of the replica within the job; −1 − g for the twin of group g.",
            key=True,
        ),
        Column("arm", "text", "name", "Name of the arm; `twin` for a twin."),
        Column("number", "int", "index", "Number within the arm: equal numbers have the same random draws."),
        Column("group_number", "int", "index", "Group it was trained in."),
        _float(
            "epsilon",
            "1 or θ",
            "ε of the arm's first perturbation that has one: in θ where its scale is `absolute` or `per_element`; 0 "
            "for a twin.",
        ),
        _float("start_distance", "θ", "‖w_i − w_0‖ just after the first move of parameters; null without one."),
        _float("distance", "θ", "‖w_i − w_0‖ at the end."),
        Column(
            "diverged_step", "int", "step", "First look at which a loss or parameter is not finite.", nullable=True
        ),
        Column(
            "floor_held", "bool", "yes/no", "Whether the twin of its group equals the baseline bit by bit to the end."
        ),
    ),
)

REPLICA_METRICS = ResultTable(
    "replica_metrics",
    "One row per look and replica: distances to the baseline at the same step; also of the twins.",
    (
        _STEP,
        _REPLICA,
        _float("distance", "θ", "‖w_i − w_0‖₂ over all parameters."),
        _float("distance_l1", "θ", "‖w_i − w_0‖₁."),
        _float("distance_sup", "θ", "Largest |w_i − w_0| of an element."),
        _float("relative_now", "1", "distance / ‖w_0‖ at this step."),
        _float("relative_start", "1", "distance / ‖w_0‖ at step 0."),
        _float("over_epsilon", "θ or 1", "distance / ε; null without an ε above 0."),
        _float("growth", "1", "distance / distance just after the first move; null before it and where that is 0."),
        _float("cosine", "1", "Cosine of w_i and w_0.", "1 for one direction, −1 for opposite ones"),
        _float("train_loss", "loss", "Mean loss over the measured training examples, model in eval mode."),
        _float("test_loss", "loss", "Mean loss over the measured test examples."),
        _float("train_accuracy", "1", "Share of the measured training examples that are classified right."),
        _float("test_accuracy", "1", "Share of the measured test examples."),
        _float(
            "train_loss_difference",
            "loss",
            "train_loss less the baseline's.",
            "positive where the replica's is larger",
        ),
        _float(
            "test_loss_difference", "loss", "test_loss less the baseline's.", "positive where the replica's is larger"
        ),
        _float(
            "train_accuracy_difference",
            "1",
            "train_accuracy less the baseline's.",
            "positive where the replica's is larger",
        ),
        _float(
            "test_accuracy_difference",
            "1",
            "test_accuracy less the baseline's.",
            "positive where the replica's is larger",
        ),
        _float(
            "counterfactual_loss",
            "loss",
            "Mean loss over test examples against the labels the baseline predicts now.",
        ),
        _float("counterfactual_accuracy", "1", "Share of test examples on which the baseline's label is predicted."),
        _float("churn", "1", "Share of test examples whose prediction differs: 1 − counterfactual_accuracy."),
        _float("logit_distance", "logit", "√ mean over test examples of ‖z_i − z_0‖²."),
        _float("logit_sup", "logit", "Largest |z_i − z_0| over test examples and outputs."),
        _float(
            "kl",
            "nat",
            "Mean over test examples of KL(p_0 ‖ p_i), for independent labels the sum over them; null where the "
            "loss does not say what p is.",
        ),
        _float(
            "root_js",
            "√nat",
            "Mean over test examples, and over independent labels, of √JS(p_0, p_i), at most √ln 2; null as kl.",
        ),
        Column("train_examples", "int", "count", "Training examples measured."),
        Column("test_examples", "int", "count", "Test examples measured."),
    ),
)

REPLICA_TENSORS = ResultTable(
    "replica_tensors",
    "One row per look, replica and parameter tensor.",
    (
        _STEP,
        _REPLICA,
        Column("tensor", "text", "name", "Name of the parameter tensor.", key=True),
        _float("distance", "θ", "‖w_i − w_0‖₂ of the tensor."),
        _float("relative_now", "1", "distance / ‖w_0‖ of the tensor at this step; null where that is 0."),
        _float("relative_start", "1", "distance / ‖w_0‖ of the tensor at step 0; null where that is 0."),
        _float(
            "cosine",
            "1",
            "Cosine of the two tensors; null where either vanishes.",
            "1 for one direction, −1 for opposite ones",
        ),
    ),
)

REPLICA_LAYERS = ResultTable(
    "replica_layers",
    "One row per checkpoint, replica and hidden layer.",
    (
        _STEP,
        _REPLICA,
        Column("layer", "text", "name", "Name of the module whose output is compared.", key=True),
        _float("cka", "1", "Linear CKA with the baseline's output over the drawn test examples."),
    ),
)

REPLICA_BASELINE = ResultTable(
    "replica_baseline",
    "One row per look: the baseline itself.",
    (
        _STEP,
        Column("norm", "float", "θ", "‖w_0‖."),
        Column("train_loss", "float", "loss", "Mean loss over the measured training examples."),
        Column("test_loss", "float", "loss", "Mean loss over the measured test examples."),
        Column("train_accuracy", "float", "1", "Share of the measured training examples that are classified right."),
        Column("test_accuracy", "float", "1", "Share of the measured test examples."),
        Column(
            "lr",
            "float",
            "θ²·loss⁻¹ or θ",
            "Learning rate of the step, of the first one at step 0; in θ for updates whose size does not follow the "
            "gradient's (Adam, AdamW, RMSprop).",
        ),
        Column("train_examples", "int", "count", "Training examples measured."),
        Column("test_examples", "int", "count", "Test examples measured."),
    ),
)

REPLICA_ALIGNMENTS = ResultTable(
    "replica_alignments",
    "One row per checkpoint and replica: distance up to permutations of hidden units.",
    (
        _STEP,
        _REPLICA,
        _float("distance", "θ", "‖w_i − w_0‖ as they are."),
        _float("aligned_distance", "θ", "The smallest ‖π(w_i) − w_0‖ that weight matching found."),
        _float("aligned_median", "θ", "Median of it over the restarts."),
        _float("aligned_highest", "θ", "Largest of it over the restarts."),
        Column("restarts", "int", "count", "Restarts."),
        _float("moved_units", "1", "Share of hidden units that the best permutation moves."),
    ),
)

REPLICA_BARRIERS = ResultTable(
    "replica_barriers",
    "Along the straight path from the baseline to a replica; one row per checkpoint, replica, alignment, split and "
    "quantity.",
    (
        _STEP,
        _REPLICA,
        Column("aligned", "bool", "yes/no", "Whether the replica was permuted first.", key=True),
        Column("split", "text", "name", "`train` or `test`.", key=True),
        Column("quantity", "text", "name", "`loss`, or `error`: 1 − accuracy.", key=True),
        _float(
            "max_minus_ends",
            "loss or 1",
            "Largest value on the path less the mean of its two ends.",
            "positive where the path lies above the mean of its ends",
        ),
        _float(
            "midpoint",
            "loss or 1",
            "Value half way less the mean of the ends.",
            "positive where the path lies above the mean of its ends half way",
        ),
        _float(
            "mean_minus_chord",
            "loss or 1",
            "Mean over the path of value less the straight line between the ends.",
            "positive where the path lies above its chord on average",
        ),
        _float("at_baseline", "loss or 1", "Value at the baseline."),
        _float("at_replica", "loss or 1", "Value at the replica."),
        Column("points", "int", "count", "Points of the path."),
        Column("examples", "int", "count", "Examples measured."),
    ),
)

REPLICA_STATISTICS = ResultTable(
    "replica_statistics",
    "Over the replicas of an arm; one row per look, arm and metric. Replicas that diverged are left out.",
    (
        _STEP,
        _ARM,
        Column("metric", "text", "name", "Column of `replica_metrics`, or `aligned_distance`.", key=True),
        Column("count", "int", "count", "Replicas with a finite value, which have not diverged by then."),
        _float("mean", "by metric", "Mean, in the metric's unit and with its sign."),
        _float("sd", "by metric", "Standard deviation over replicas (n − 1)."),
        _float("low", "by metric", "Lower end of the bootstrap interval of the mean."),
        _float("high", "by metric", "Its upper end."),
    ),
)

REPLICA_GROWTH = ResultTable(
    "replica_growth",
    "Laws fitted to an arm's mean distance over the growth window; one row per arm and law.",
    (
        _ARM,
        Column(
            "law",
            "text",
            "name",
            "`exponential` a·e^(bt), `linear` a + bt, `sqrt` a + b√t or `power` a·t^b.",
            key=True,
        ),
        _float("a", "by law", "First parameter: in θ, for `power` in θ·step⁻ᵇ."),
        _float(
            "b",
            "by law",
            "Second parameter: in step⁻¹ for `exponential`, θ·step⁻¹ for `linear`, θ·√step⁻¹ for `sqrt`, a pure "
            "number for `power`.",
            "positive where the distance grows",
        ),
        _float("rss", "θ²", "Residual sum of squares of the distance."),
        _float(
            "aic",
            "1",
            "n ln(rss / n) + 2k, k = 3: the two parameters and the variance; null where rss is 0.",
            "the smaller, the better; only differences within an arm mean something",
        ),
        _float("aic_difference", "1", "aic less the smallest of the arm."),
        Column(
            "points",
            "int",
            "count",
            "Looks in the window at which a replica has not diverged, n; at least 3 for a fit.",
        ),
        Column(
            "start", "int", "step", "First step of the window, not before the first look at which the arm has parted."
        ),
        Column("stop", "int", "step", "Last step of the window."),
    ),
)

REPLICA_EXPONENTS = ResultTable(
    "replica_exponents",
    "Finite-time Lyapunov exponents of the baseline, in the Euclidean norm of parameters and optimizer state "
    "together; one row per orthonormalisation and exponent. −∞, of a direction that steps forget, is null.",
    (
        _STEP,
        Column("index", "int", "index", "Place of the exponent, 0 the leading one.", key=True),
        _float(
            "log_growth",
            "nat",
            "Logarithm of the growth since the row before.",
            "positive where nearby states drift apart",
        ),
        _float(
            "exponent",
            "nat·step⁻¹",
            "Mean logarithmic growth per step since step 0.",
            "positive where nearby states drift apart",
        ),
        _float(
            "exponent_per_epoch",
            "nat·epoch⁻¹",
            "exponent times the steps of an epoch.",
            "positive where nearby states drift apart",
        ),
    ),
)

REPLICA_CORRELATIONS = ResultTable(
    "replica_correlations",
    "Autocorrelation between two checkpoints, centred and normalised, averaged over the replicas of an arm.",
    (
        _ARM,
        Column("quantity", "text", "name", "`weights` or `logits` (of the drawn test examples).", key=True),
        Column("start_step", "int", "step", "The earlier checkpoint.", key=True),
        Column("step", "int", "step", "The later checkpoint.", key=True),
        _float(
            "correlation",
            "1",
            "Mean over replicas of the Pearson correlation over elements.",
            "positive where elements stay on one side of the mean",
        ),
        _float("sd", "1", "Standard deviation over replicas (n − 1)."),
        Column("count", "int", "count", "Replicas with a finite value."),
    ),
)

REPLICA_STABILITY = ResultTable(
    "replica_stability",
    "Arms whose schedule leaves the baseline's after a step: the stability time is the earliest such step from which "
    "on the barrier in test error stays below the limit.",
    (
        _ARM,
        Column("after", "int", "step", "Last step that the arm's runs share with the baseline."),
        _float(
            "barrier",
            "1",
            "Mean over replicas of max_minus_ends of the error on the test split at the end.",
            "positive where the path lies above the mean of its ends",
        ),
        _float("aligned_barrier", "1", "The same after alignment.", "as of barrier"),
        Column("stable", "bool", "yes/no", "Whether `barrier` is below the limit; false where no replica has one."),
        Column(
            "stability_time",
            "int",
            "step",
            "The stability time over all arms; null if none is stable.",
            nullable=True,
        ),
    ),
)

REPLICA_TABLES = (
    REPLICAS,
    REPLICA_METRICS,
    REPLICA_TENSORS,
    REPLICA_LAYERS,
    REPLICA_BASELINE,
    REPLICA_ALIGNMENTS,
    REPLICA_BARRIERS,
    REPLICA_STATISTICS,
    REPLICA_GROWTH,
    REPLICA_EXPONENTS,
    REPLICA_CORRELATIONS,
    REPLICA_STABILITY,
)
