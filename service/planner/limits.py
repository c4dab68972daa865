"""What is refused at submission, before a row is written: jobs too large, and examples that are not there."""

from typing import assert_never

from schemas.brackets import Brackets
from schemas.data import First, Indices, Random, count_examples, largest_index
from schemas.diagnostic import Diagnostic
from schemas.misfit import misfit
from schemas.models import RegistryModel
from schemas.training import Training
from service.errors import Refused
from service.planner.memory import ITEM_BYTES
from service.planner.size import DataSize, model_size

MAX_BLOCKS = 1_000_000
MAX_PAIR_ROWS = 200_000_000
MAX_OBJECT_BYTES = 2**40
# The batch schedule is one object, and every segment of the run reads it.
MAX_SCHEDULE_BYTES = 2**31


def check(spec: Training | Brackets | Diagnostic, data: DataSize) -> None:
    """Refuse a spec that cannot be computed here.

    Raises:
        Refused: `too_large` with the arithmetic, `out_of_range`, `outputs_mismatch`, or
            `inputs_mismatch`.
    """
    match spec:
        case Diagnostic():
            if spec.blocks > MAX_BLOCKS:
                raise Refused(
                    "too_large",
                    f"a job has at most {MAX_BLOCKS:,} blocks; this diagnostic asks for {spec.blocks:,}: "
                    f"ask for fewer, or for {-(-spec.blocks // MAX_BLOCKS):,} jobs",
                )
        case Training():
            _check_training(spec, data)
        case Brackets():
            _check_training(spec.training, data)
            _check_brackets(spec, data)
        case _:
            assert_never(spec)


def _check_training(spec: Training, data: DataSize) -> None:
    outputs = None if isinstance(spec.model, RegistryModel) else spec.model.outputs
    if outputs is not None and data.labels is not None and outputs != data.labels:
        raise Refused(
            "outputs_mismatch",
            f"the model has {outputs} outputs but the dataset has {data.labels} labels: "
            "leave `outputs` out, or make them equal",
        )
    reason = None if data.shape is None else misfit(spec.model, data.shape, data.vocabulary)
    if reason is not None:
        raise Refused("inputs_mismatch", reason)
    batch = min(spec.batch_size, data.train or spec.batch_size)
    if 8 * batch * spec.steps > MAX_SCHEDULE_BYTES:
        raise Refused(
            "too_large",
            f"a batch schedule has at most {MAX_SCHEDULE_BYTES:,} bytes; this one needs {spec.steps:,} steps × "
            f"{batch:,} examples × 8 bytes = {8 * batch * spec.steps:,}: take fewer steps or smaller batches",
        )
    # Parameters and, for Adam, two moments.
    each = 3 * model_size(spec, data).parameters * ITEM_BYTES[spec.dtype]
    _check_bytes(f"{len(spec.checkpoints):,} checkpoints of {each:,} bytes", len(spec.checkpoints) * each)


def _check_brackets(spec: Brackets, data: DataSize) -> None:
    _check_range("examples", "train", spec.examples, data.train)
    if spec.test_examples is not None:
        _check_range("test_examples", "test", spec.test_examples, data.test)
    examples, checkpoints = count_examples(spec.examples), len(spec.checkpoints)
    pairs = examples * (examples - 1) // 2 * checkpoints
    product = f"{examples:,} × {examples - 1:,} / 2 pairs × {checkpoints:,} checkpoints = {pairs:,}"
    if pairs > MAX_PAIR_ROWS:
        raise Refused(
            "too_large",
            f"a job stores at most {MAX_PAIR_ROWS:,} pairs; this one has {product}: take fewer examples or steps",
        )
    size, item = model_size(spec.training, data), ITEM_BYTES[spec.dtype]
    if spec.test_examples is not None:
        test, outputs = count_examples(spec.test_examples), data.labels or 10
        _check_bytes(
            f"logits of {product} × {test:,} test examples × {outputs:,} outputs × {item} bytes",
            pairs * test * outputs * item,
        )
    if spec.keep != "none":
        kept = pairs if spec.keep == "all" else len(spec.keep) * checkpoints
        _check_bytes(
            f"{kept:,} kept brackets × {size.parameters:,} parameters × {item} bytes", kept * size.parameters * item
        )


def _check_range(field: str, split: str, examples: Indices | First | Random, count: int | None) -> None:
    if count is not None and largest_index(examples) >= count:
        raise Refused(
            "out_of_range",
            f"{field} reaches index {largest_index(examples):,} but the {split} split has {count:,} examples, "
            f"numbered 0 to {count - 1:,}",
        )


def _check_bytes(product: str, total: int) -> None:
    if total > MAX_OBJECT_BYTES:
        raise Refused(
            "too_large",
            f"a job stores at most {MAX_OBJECT_BYTES:,} bytes of each kind of array; this one asks for {product} "
            f"= {total:,} bytes",
        )
