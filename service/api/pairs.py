"""The stored arrays of one pair of examples: where they are, or why they are not there.

Tiles hold pairs i < j. Asked the other way round, [v_j, v_i] = −[v_i, v_j] gives the sign.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from schemas.blocks import ObjectRef
from schemas.brackets import Brackets
from schemas.data import Indices, Random, largest_index
from schemas.states import TERMINAL_JOBS, JobState
from service.api import slices
from service.api.problems import ProblemError
from service.db.results import results
from service.objects import ObjectStore
from service.queue import history, jobs

_KEPT = "kept/"
_SHOWN_STEPS = 12


@dataclass(frozen=True)
class PairPlace:
    """A pair's tile, its rows in the tile's arrays, and the sign of the order asked for."""

    ref: ObjectRef
    position: int
    kept_position: int | None
    sign: int


def find(connection: Connection, job_id: int, step: int, i: int, j: int) -> PairPlace:
    """Look a pair up.

    Args:
        connection: for reading.
        job_id: a brackets job.
        step: a checkpoint of it.
        i: train-split index of x in [v_x, v_y].
        j: train-split index of y.

    Raises:
        Missing: there is no such job.
        ProblemError: 422 for i = j; 404 when the pair is not there, saying why and what to put into the spec.
    """
    if i == j:
        raise ProblemError("invalid", f"the bracket of example {i} with itself is zero by definition: choose i ≠ j")
    pairs = results["pairs"].c
    query = select(pairs.object, pairs.position, pairs.kept_position).where(
        pairs.job_id == job_id, pairs.step == step, pairs.i == min(i, j), pairs.j == max(i, j)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise ProblemError("not_found", _why_missing(connection, job_id, step, i, j))
    ref = history.named_object(connection, job_id, row.object)
    return PairPlace(ref, row.position, row.kept_position, 1 if i < j else -1)


def logits(store: ObjectStore, place: PairPlace) -> bytes:
    """Safetensors with `logits` (test, output): J_t [v_i, v_j], without any power of the learning rate.

    Raises:
        ProblemError: 404, the job was not asked for them.
    """
    stored = slices.layout(store, place.ref).get("logits")
    if stored is None:
        raise ProblemError(
            "not_stored",
            "this job holds no logit perturbations: submit it with `test_examples`, "
            'for example {"kind": "first", "count": 32}',
        )
    return slices.pack({"logits": place.sign * slices.read_row(store, place.ref, stored, place.position)})


def bracket(store: ObjectStore, place: PairPlace, i: int, j: int) -> bytes:
    """Safetensors with [v_i, v_j], one array per parameter.

    Raises:
        ProblemError: 404, the bracket was not kept.
    """
    kept = place.kept_position
    if kept is None:
        raise ProblemError(
            "not_stored",
            f"the bracket of examples {i} and {j} was not kept, only its norms: submit the job with "
            f'keep = "all", or keep = [[{min(i, j)}, {max(i, j)}]]',
        )
    return slices.pack(
        {
            name.removeprefix(_KEPT): place.sign * slices.read_row(store, place.ref, stored, kept)
            for name, stored in slices.layout(store, place.ref).items()
            if name.startswith(_KEPT)
        }
    )


def _why_missing(connection: Connection, job_id: int, step: int, i: int, j: int) -> str:
    job = jobs.detail(connection, job_id)
    spec = job.spec
    if not isinstance(spec, Brackets):
        return f"job {job_id} is a {job.kind} job: only brackets jobs have pairs"
    if step not in spec.checkpoints:
        steps = ", ".join(map(str, spec.checkpoints[:_SHOWN_STEPS]))
        more = f" and {len(spec.checkpoints) - _SHOWN_STEPS} more" if len(spec.checkpoints) > _SHOWN_STEPS else ""
        return (
            f"job {job_id} has brackets at steps {steps}{more}, not at {step}: "
            "put the step into `training.checkpoints` and `steps`"
        )
    outside = [index for index in (i, j) if not _chosen(spec, index)]
    if outside:
        return f"example {outside[0]} is not among those of job {job_id}: put it into `examples`"
    if job.state is JobState.DONE:
        return f"job {job_id} does not hold the pair ({i}, {j}): put both into `examples`"
    advice = "retry it" if job.state in TERMINAL_JOBS else "wait until it is done"
    return f"job {job_id} is {job.state} and has not computed the pair ({i}, {j}) at step {step}: {advice}"


def _chosen(spec: Brackets, index: int) -> bool:
    """Whether a selection may hold an example; a random one is drawn by the workers, so it may hold any."""
    match spec.examples:
        case Indices(indices=indices):
            return index in indices
        case Random():
            return True
        case first:
            return index <= largest_index(first)
