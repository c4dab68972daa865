"""Result tables of replica jobs.

w_i is a replica, w_0 the baseline, both at the same step; z their logits on T test examples, p the probabilities.
Differences are the replica's value less the baseline's. A value that is not finite is null.
"""

from schemas.columns import Column, ResultTable

_STEP = Column("step", "int", "Optimizer step.", key=True)
_REPLICA = Column("replica", "int", "Number of the replica within the job, from 0; −1 − g for a twin.", key=True)
_ARM = Column("arm", "text", "Name of the arm.", key=True)


def _float(name: str, meaning: str) -> Column:
    return Column(name, "float", meaning, nullable=True)


REPLICAS = ResultTable(
    "replicas",
    "One row per replica, and one (−1 − group) for the twin of each group.",
    (
        Column("replica", "int", "Number of the replica within the job; −1 − g for the twin of group g.", key=True),
        Column("arm", "text", "Name of the arm; `twin` for a twin."),
        Column("number", "int", "Number within the arm: equal numbers have the same random draws."),
        Column("group_number", "int", "Group it was trained in."),
        _float("epsilon", "ε of the arm's first perturbation that has one; 0 for a twin."),
        _float("start_distance", "‖w_i − w_0‖ just after the first move of parameters; null without one."),
        _float("distance", "‖w_i − w_0‖ at the end."),
        Column("diverged_step", "int", "First look at which a loss or parameter is not finite.", nullable=True),
        Column("floor_held", "bool", "Whether the twin of its group equals the baseline bit by bit to the end."),
    ),
)

REPLICA_METRICS = ResultTable(
    "replica_metrics",
    "One row per look and replica: distances to the baseline at the same step; also of the twins.",
    (
        _STEP,
        _REPLICA,
        _float("distance", "‖w_i − w_0‖₂ over all parameters."),
        _float("distance_l1", "‖w_i − w_0‖₁."),
        _float("distance_sup", "Largest |w_i − w_0| of an element."),
        _float("relative_now", "distance / ‖w_0‖ at this step."),
        _float("relative_start", "distance / ‖w_0‖ at step 0."),
        _float("over_epsilon", "distance / ε; null without an ε above 0."),
        _float("growth", "distance / distance just after the first move; null before it and where that is 0."),
        _float("cosine", "Cosine of w_i and w_0."),
        _float("train_loss", "Mean loss over the measured training examples, model in eval mode."),
        _float("test_loss", "Mean loss over the measured test examples."),
        _float("train_accuracy", "Share of the measured training examples that are classified right."),
        _float("test_accuracy", "Share of the measured test examples."),
        _float("train_loss_difference", "train_loss less the baseline's."),
        _float("test_loss_difference", "test_loss less the baseline's."),
        _float("train_accuracy_difference", "train_accuracy less the baseline's."),
        _float("test_accuracy_difference", "test_accuracy less the baseline's."),
        _float("counterfactual_loss", "Mean loss over test examples against the labels the baseline predicts now."),
        _float("counterfactual_accuracy", "Share of test examples on which the baseline's label is predicted."),
        _float("churn", "Share of test examples whose prediction differs: 1 − counterfactual_accuracy."),
        _float("logit_distance", "√ mean over test examples of ‖z_i − z_0‖²."),
        _float("logit_sup", "Largest |z_i − z_0| over test examples and outputs."),
        _float(
            "kl",
            "Mean over test examples of KL(p_0 ‖ p_i), in nats, for independent labels the sum over them; "
            "null where the loss does not say what p is.",
        ),
        _float(
            "root_js",
            "Mean over test examples, and over independent labels, of √JS(p_0, p_i), at most √ln 2; null as kl.",
        ),
        Column("train_examples", "int", "Training examples measured."),
        Column("test_examples", "int", "Test examples measured."),
    ),
)

REPLICA_TENSORS = ResultTable(
    "replica_tensors",
    "One row per look, replica and parameter tensor.",
    (
        _STEP,
        _REPLICA,
        Column("tensor", "text", "Name of the parameter tensor.", key=True),
        _float("distance", "‖w_i − w_0‖₂ of the tensor."),
        _float("relative_now", "distance / ‖w_0‖ of the tensor at this step; null where that is 0."),
        _float("relative_start", "distance / ‖w_0‖ of the tensor at step 0; null where that is 0."),
        _float("cosine", "Cosine of the two tensors; null where either vanishes."),
    ),
)

REPLICA_LAYERS = ResultTable(
    "replica_layers",
    "One row per checkpoint, replica and hidden layer.",
    (
        _STEP,
        _REPLICA,
        Column("layer", "text", "Name of the module whose output is compared.", key=True),
        _float("cka", "Linear CKA with the baseline's output over the drawn test examples."),
    ),
)

REPLICA_BASELINE = ResultTable(
    "replica_baseline",
    "One row per look: the baseline itself.",
    (
        _STEP,
        Column("norm", "float", "‖w_0‖."),
        Column("train_loss", "float", "Mean loss over the measured training examples."),
        Column("test_loss", "float", "Mean loss over the measured test examples."),
        Column("train_accuracy", "float", "Share of the measured training examples that are classified right."),
        Column("test_accuracy", "float", "Share of the measured test examples."),
        Column("lr", "float", "Learning rate of the step; of the first one at step 0."),
        Column("train_examples", "int", "Training examples measured."),
        Column("test_examples", "int", "Test examples measured."),
    ),
)

REPLICA_ALIGNMENTS = ResultTable(
    "replica_alignments",
    "One row per checkpoint and replica: distance up to permutations of hidden units.",
    (
        _STEP,
        _REPLICA,
        _float("distance", "‖w_i − w_0‖ as they are."),
        _float("aligned_distance", "The smallest ‖π(w_i) − w_0‖ that weight matching found."),
        _float("aligned_median", "Median of it over the restarts."),
        _float("aligned_highest", "Largest of it over the restarts."),
        Column("restarts", "int", "Restarts."),
        _float("moved_units", "Share of hidden units that the best permutation moves."),
    ),
)

REPLICA_BARRIERS = ResultTable(
    "replica_barriers",
    "Along the straight path from the baseline to a replica; one row per checkpoint, replica, alignment, split and "
    "quantity.",
    (
        _STEP,
        _REPLICA,
        Column("aligned", "bool", "Whether the replica was permuted first.", key=True),
        Column("split", "text", "`train` or `test`.", key=True),
        Column("quantity", "text", "`loss`, or `error`: 1 − accuracy.", key=True),
        _float("max_minus_ends", "Largest value on the path less the mean of its two ends."),
        _float("midpoint", "Value half way less the mean of the ends."),
        _float("mean_minus_chord", "Mean over the path of value less the straight line between the ends."),
        _float("at_baseline", "Value at the baseline."),
        _float("at_replica", "Value at the replica."),
        Column("points", "int", "Points of the path."),
        Column("examples", "int", "Examples measured."),
    ),
)

REPLICA_STATISTICS = ResultTable(
    "replica_statistics",
    "Over the replicas of an arm; one row per look, arm and metric. Replicas that diverged are left out.",
    (
        _STEP,
        _ARM,
        Column("metric", "text", "Column of `replica_metrics`, or `aligned_distance`.", key=True),
        Column("count", "int", "Replicas with a finite value, which have not diverged by then."),
        _float("mean", "Mean."),
        _float("sd", "Standard deviation over replicas (n − 1)."),
        _float("low", "Lower end of the bootstrap interval of the mean."),
        _float("high", "Upper end."),
    ),
)

REPLICA_GROWTH = ResultTable(
    "replica_growth",
    "Laws fitted to an arm's mean distance over the growth window; one row per arm and law.",
    (
        _ARM,
        Column("law", "text", "`exponential` a·e^(bt), `linear` a + bt, `sqrt` a + b√t or `power` a·t^b.", key=True),
        _float("a", "First parameter."),
        _float("b", "Second parameter."),
        _float("rss", "Residual sum of squares of the distance."),
        _float("aic", "n ln(rss / n) + 2k, k = 3: the two parameters and the variance; null where rss is 0."),
        _float("aic_difference", "aic less the smallest of the arm."),
        Column("points", "int", "Looks in the window at which a replica has not diverged, n; at least 3 for a fit."),
        Column("start", "int", "First step of the window, not before the first look at which the arm has parted."),
        Column("stop", "int", "Last step of the window."),
    ),
)

REPLICA_EXPONENTS = ResultTable(
    "replica_exponents",
    "Finite-time Lyapunov exponents of the baseline, in the Euclidean norm of parameters and optimizer state "
    "together; one row per orthonormalisation and exponent. −∞, of a direction that steps forget, is null.",
    (
        _STEP,
        Column("index", "int", "Place of the exponent, 0 the leading one.", key=True),
        _float("log_growth", "Logarithm of the growth since the row before."),
        _float("exponent", "Mean logarithmic growth per step since step 0."),
        _float("exponent_per_epoch", "exponent times the steps of an epoch."),
    ),
)

REPLICA_CORRELATIONS = ResultTable(
    "replica_correlations",
    "Autocorrelation between two checkpoints, centred and normalised, averaged over the replicas of an arm.",
    (
        _ARM,
        Column("quantity", "text", "`weights` or `logits` (of the drawn test examples).", key=True),
        Column("start_step", "int", "The earlier checkpoint.", key=True),
        Column("step", "int", "The later checkpoint.", key=True),
        _float("correlation", "Mean over replicas of the Pearson correlation over elements."),
        _float("sd", "Standard deviation over replicas (n − 1)."),
        Column("count", "int", "Replicas with a finite value."),
    ),
)

REPLICA_STABILITY = ResultTable(
    "replica_stability",
    "Arms whose schedule leaves the baseline's after a step: the stability time is the earliest such step from which "
    "on the barrier in test error stays below the limit.",
    (
        _ARM,
        Column("after", "int", "Last step that the arm's runs share with the baseline."),
        _float("barrier", "Mean over replicas of max_minus_ends of the error on the test split at the end."),
        _float("aligned_barrier", "The same after alignment."),
        Column("stable", "bool", "Whether `barrier` is below the limit; false where no replica has one."),
        Column("stability_time", "int", "The stability time over all arms; null if none is stable.", nullable=True),
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
