"""The stored arrays of one pair of examples: where they are, or why they are not there.

Tiles hold pairs i < j. Asked the other way round, [v_j, v_i] = −[v_i, v_j] gives the sign.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from schemas.blocks import ObjectRef
from schemas.brackets import Brackets, TopPairs
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
    """Where arrays of a pair are: an object, the row in its arrays, and the sign of the order asked for."""

    ref: ObjectRef
    position: int
    sign: int


def find_logits(connection: Connection, job_id: int, step: int, i: int, j: int) -> PairPlace:
    """Look up the logit perturbations of a pair.

    Args:
        connection: for reading.
        job_id: a brackets job.
        step: a checkpoint of it.
        i: train-split index of x in [v_x, v_y].
        j: train-split index of y.

    Raises:
        Missing: there is no such job.
        ProblemError: 422 for i = j; 404 when the pair or its perturbations are not there, saying why and what to put
            into the spec.
    """
    moves = results["perturbations"].c
    row = _row(connection, "perturbations", (moves.object, moves.position), job_id, step, i, j)
    if row is None:
        _refuse_missing(connection, job_id, step, i, j)
        raise ProblemError("not_stored", _why_unmoved(connection, job_id, i, j))
    return PairPlace(history.named_object(connection, job_id, row.object), row.position, 1 if i < j else -1)


def find_bracket(connection: Connection, job_id: int, step: int, i: int, j: int) -> PairPlace:
    """Look up the whole bracket of a pair; arguments as for `find_logits`.

    Raises:
        Missing: there is no such job.
        ProblemError: 422 for i = j; 404 when the pair is not there or its bracket was not kept, saying why.
    """
    pairs = results["pairs"].c
    row = _row(connection, "pairs", (pairs.object, pairs.kept_position), job_id, step, i, j)
    if row is None:
        raise ProblemError("not_found", _why_missing(connection, job_id, step, i, j))
    if row.kept_position is None:
        raise ProblemError(
            "not_stored",
            f"the bracket of examples {i} and {j} was not kept, only its norms: submit the job with "
            f'keep = "all", or keep = [[{min(i, j)}, {max(i, j)}]]',
        )
    return PairPlace(history.named_object(connection, job_id, row.object), row.kept_position, 1 if i < j else -1)


def logits(store: ObjectStore, place: PairPlace) -> bytes:
    """Safetensors with `logits` (test, output): J_t [v_i, v_j], without any power of the learning rate."""
    stored = slices.layout(store, place.ref)["logits"]
    return slices.pack({"logits": place.sign * slices.read_row(store, place.ref, stored, place.position)})


def bracket(store: ObjectStore, place: PairPlace) -> bytes:
    """Safetensors with [v_i, v_j], one array per parameter."""
    return slices.pack(
        {
            name.removeprefix(_KEPT): place.sign * slices.read_row(store, place.ref, stored, place.position)
            for name, stored in slices.layout(store, place.ref).items()
            if name.startswith(_KEPT)
        }
    )


def _row(
    connection: Connection,
    table: str,
    columns: tuple[ColumnElement[Any], ...],
    job_id: int,
    step: int,
    i: int,
    j: int,
) -> Row[Any] | None:
    if i == j:
        raise ProblemError("invalid", f"the bracket of example {i} with itself is zero by definition: choose i ≠ j")
    of = results[table].c
    query = select(*columns).where(of.job_id == job_id, of.step == step, of.i == min(i, j), of.j == max(i, j))
    return connection.execute(query).one_or_none()


def _refuse_missing(connection: Connection, job_id: int, step: int, i: int, j: int) -> None:
    pairs = results["pairs"].c
    if _row(connection, "pairs", (pairs.position,), job_id, step, i, j) is None:
        raise ProblemError("not_found", _why_missing(connection, job_id, step, i, j))


def _why_unmoved(connection: Connection, job_id: int, i: int, j: int) -> str:
    job = jobs.detail(connection, job_id)
    match job.spec:
        case Brackets(test_examples=None):
            return (
                "this job holds no logit perturbations: submit it with `test_examples`, "
                'for example {"kind": "first", "count": 32}'
            )
        case Brackets(perturbed=TopPairs() as top) if job.state is JobState.DONE:
            return (
                f"this job holds the logit perturbations of the {top.count:,} pairs with the largest {top.by} at a "
                f'checkpoint, and ({min(i, j)}, {max(i, j)}) is not among them: submit it with logits = "all", or '
                f"logits = [[{min(i, j)}, {max(i, j)}]]"
            )
        case Brackets(perturbed=TopPairs()):
            return f"job {job_id} is {job.state} and takes logit perturbations last: wait until it is done"
        case _:
            return (
                f"this job holds the logit perturbations of the pairs listed in `logits`, and ({min(i, j)}, "
                f"{max(i, j)}) is not among them: list it too"
            )


def _why_missing(connection: Connection, job_id: int, step: int, i: int, j: int) -> str:
    job = jobs.detail(connection, job_id)
    spec = job.spec
    if not isinstance(spec, Brackets):
        return f"job {job_id} is a {job.kind} job: only brackets jobs have pairs"
    if not spec.norms:
        return f"job {job_id} was submitted with `norms` off, so that it looks at no single pairs: leave them on"
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
