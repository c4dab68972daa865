"""Result tables of training runs."""

from schemas.columns import STEP, Column, ResultTable

CHECKPOINTS = ResultTable(
    "checkpoints",
    "Checkpoints of training runs.",
    (
        STEP,
        Column("train_loss", "float", "loss", "Mean loss over the train split, model in eval mode."),
        Column("test_loss", "float", "loss", "Mean loss over the test split, model in eval mode."),
        Column(
            "train_accuracy",
            "float",
            "1",
            "Share of train examples whose largest logit is their label; for data with independent labels, the share "
            "of (example, label) whose logit has the right sign.",
        ),
        Column("test_accuracy", "float", "1", "The same over the test split."),
        Column("parameter_norm", "float", "θ", "Euclidean norm of all parameters."),
        Column("requested", "bool", "yes/no", "False for a checkpoint kept only so that the run can be resumed."),
    ),
)

TRAINING_STEPS = ResultTable(
    "training_steps",
    "What each optimizer step saw.",
    (
        Column("step", "int", "step", "Optimizer step, from 1.", key=True),
        Column("loss", "float", "loss", "Mean loss over the batch, before the step, model in train mode."),
        Column("gradient_norm", "float", "loss·θ⁻¹", "Euclidean norm of the batch gradient."),
        Column(
            "lr",
            "float",
            "θ²·loss⁻¹ or θ",
            "Learning rate of the step; in θ for updates whose size does not follow the gradient's (Adam, AdamW, "
            "RMSprop).",
        ),
    ),
)

TRAINING_TABLES = (CHECKPOINTS, TRAINING_STEPS)
