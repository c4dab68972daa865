"""What is refused at submission, before a row is written: jobs too large, and examples that are not there."""

from typing import assert_never

from schemas.brackets import Brackets
from schemas.data import DIGITS_LABELS
from schemas.diagnostic import Diagnostic
from schemas.jobs import AnyJob
from schemas.misfit import misfit
from schemas.models import RegistryModel
from schemas.replicas import Replicas
from schemas.training import Training
from service.errors import Refused
from service.planner.bracket_limits import check_brackets
from service.planner.ceilings import MAX_BLOCKS, check_bytes
from service.planner.memory import ITEM_BYTES
from service.planner.replica_limits import check_replicas
from service.planner.size import DataSize, model_size

# The batch schedule is one object, and every segment of the run reads it.
MAX_SCHEDULE_BYTES = 2**31


def check(spec: AnyJob, data: DataSize) -> None:
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
            check_brackets(spec, data)
        case Replicas():
            _check_training(spec.training, data)
            check_replicas(spec, data)
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
    labels = data.labels or DIGITS_LABELS
    reason = None if data.shape is None else misfit(spec.model, data.shape, data.vocabulary, labels)
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
    check_bytes(f"{len(spec.checkpoints):,} checkpoints of {each:,} bytes", len(spec.checkpoints) * each)
