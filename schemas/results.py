"""The result tables: one definition for the worker that fills them, the database, the client and the docs.

Every table also has `job_id`. N, K, T and P are as in the spec modules. Brackets are
[v_x, v_y] = H_y g_x − H_x g_y with v = −∇L, without any power of the learning rate.
"""

from dataclasses import dataclass
from typing import Literal

ColumnType = Literal["int", "float", "text", "bool"]


@dataclass(frozen=True)
class Column:
    """One column: `key` columns, with job_id, are the primary key; others may be null when `nullable`."""

    name: str
    type: ColumnType
    meaning: str
    key: bool = False
    nullable: bool = False


@dataclass(frozen=True)
class ResultTable:
    """A table of results."""

    name: str
    meaning: str
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column | None:
        """The column of that name, if there is one."""
        return next((column for column in self.columns if column.name == name), None)


_STEP = Column("step", "int", "Optimizer step of the checkpoint.", key=True)

CHECKPOINTS = ResultTable(
    "checkpoints",
    "Checkpoints of training runs.",
    (
        _STEP,
        Column("train_loss", "float", "Mean loss over the train split, model in eval mode."),
        Column("test_loss", "float", "Mean loss over the test split, model in eval mode."),
        Column(
            "train_accuracy",
            "float",
            "Share of train examples whose largest logit is their label; for data with independent labels, the share "
            "of (example, label) whose logit has the right sign.",
        ),
        Column("test_accuracy", "float", "The same over the test split."),
        Column("parameter_norm", "float", "Euclidean norm of all parameters."),
        Column("requested", "bool", "False for a checkpoint kept only so that the run can be resumed."),
    ),
)

TRAINING_STEPS = ResultTable(
    "training_steps",
    "What each optimizer step saw.",
    (
        Column("step", "int", "Optimizer step, from 1.", key=True),
        Column("loss", "float", "Mean loss over the batch, before the step, model in train mode."),
        Column("gradient_norm", "float", "Euclidean norm of the batch gradient."),
        Column("lr", "float", "Learning rate of the step."),
    ),
)

PAIRS = ResultTable(
    "pairs",
    "One row per unordered pair i < j of examples and checkpoint; values are of [v_i, v_j].",
    (
        _STEP,
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
            "logit_rms",
            "float",
            "Root mean square over test examples and outputs of J_t [v_i, v_j].",
            nullable=True,
        ),
        Column("logit_max", "float", "Largest |J_t [v_i, v_j]| over test examples and outputs.", nullable=True),
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
        _STEP,
        Column("tensor", "text", "Name of the parameter tensor.", key=True),
        Column("position", "int", "Order of the tensor within the model."),
        Column("numel", "int", "Number of elements."),
        Column("gradient_rms", "float", "√ mean over examples and elements of (∇L)²."),
        Column("bracket_rms", "float", "√ mean over unordered pairs and elements of [v_i, v_j]²."),
        Column("zero_gradient", "bool", "True where every example's gradient is exactly 0; left out of fits."),
    ),
)

FITS = ResultTable(
    "fits",
    "Proportionality of bracket RMS to gradient RMS over tensors, on log10 axes; one row per checkpoint.",
    (
        _STEP,
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

OUTPUTS = ResultTable(
    "outputs",
    "How far each output moves under swaps; one row per output and checkpoint, over pairs and test examples.",
    (
        _STEP,
        Column("output", "int", "Index of the output, from 0.", key=True),
        Column("label", "text", "Name of the output's label."),
        Column("logit_rms", "float", "√ mean over pairs and test examples of (J_t [v_i, v_j])²."),
        Column("logit_max", "float", "Largest |J_t [v_i, v_j]|."),
        Column(
            "slack",
            "float",
            "Mean over test examples of p(1 − p): how much a probability moves per unit of logit. "
            "p is the sigmoid of the logit for independent labels, else the softmax.",
        ),
        Column(
            "probability_rms",
            "float",
            "√ mean of (p(1 − p) J_t [v_i, v_j])²: the same in probability; for a softmax, the part due to the "
            "output's own logit.",
        ),
        Column("label_rate", "float", "Share of the T test examples that carry the label."),
    ),
)

RESULT_TABLES: dict[str, ResultTable] = {
    table.name: table for table in (CHECKPOINTS, TRAINING_STEPS, PAIRS, TENSORS, FITS, OUTPUTS)
}
