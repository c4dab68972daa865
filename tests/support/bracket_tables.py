"""Small result tables of bracket jobs, for what shows them."""

import polars

DEFECTS = polars.DataFrame(
    {
        "step": [0, 9],
        "pairs": [10, 0],
        "median": [6.0, None],
        "low": [2.0, None],
        "high": [9.0, None],
        "null_pairs": [8, 0],
        "null_median": [0.5, None],
        "null_low": [0.4, None],
        "null_high": [0.6, None],
    }
)
MINIBATCHES = polars.DataFrame(
    {
        "step": [0] * 6,
        "b": [0, 0, 0, 1, 1, 2],
        "c": [1, 2, 3, 2, 3, 3],
        "shared": [0] * 6,
        "bracket_norm": [1.0, 6.0, 2.0, 5.0, 3.0, 4.0],
        "bracket_rms": [0.1] * 6,
        "defect": [0.5] * 6,
        "cancellation": [0.25] * 6,
    }
)
VERIFICATIONS = polars.DataFrame(
    {
        "step": [9, 9],
        "norm_error": [1e-8, 3e-7],
        "tensor_error": [2e-6, 1e-7],
        "logit_error": [None, None],
    },
    schema_overrides={"logit_error": polars.Float64},
)
PROJECTIONS = polars.DataFrame(
    {"step": [0] * 3, "i": [0, 0, 1], "j": [1, 2, 2], "target": ["test_loss"] * 3, "value": [-0.5, 0.25, 2.0]}
)
ORDER_ACCURACY = polars.DataFrame(
    {
        "step": [0, 9],
        "reorderings": [200, 1],
        "agreeing": [190, 0],
        "accuracy": [0.95, None],
        "pearson_r": [0.99, None],
        "median_relative_error": [2e-3, 0.5],
    }
)
