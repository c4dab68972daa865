import numpy as np
import pytest
import torch

from schemas.blocks import ObjectRef
from schemas.models import Mlp
from schemas.optimizers import Sgd
from schemas.perturbations import Gaussian, Reshuffle
from schemas.replica_results import REPLICA_TABLES
from schemas.replicas import Alignment, Arm, Barriers, Growth, Measures, Replicas
from schemas.training import Training
from tests.support.memory_context import MemoryContext
from tests.support.replica_jobs import compared, trained
from workers.errors import BlockFault
from workers.outcome import Finished, Rows

Job = tuple[MemoryContext, list[ObjectRef], Finished]

STEPS = 12
GROUPS = ((0, 4), (4, 7))
TABLES = {table.name: [column.name for column in table.columns] for table in REPLICA_TABLES}
SPEC = Replicas(
    training=Training(
        model=Mlp(hidden=(4,)), steps=STEPS, batch_size=200, checkpoints=(0, 6), optimizer=Sgd(lr=0.1, momentum=0.5)
    ),
    arms=(
        Arm(name="noise", perturbations=(Gaussian(epsilon=0.1, scale="global"),), replicas=3),
        Arm(name="early", perturbations=(Reshuffle(after=2),), replicas=2),
        Arm(name="late", perturbations=(Reshuffle(after=11),), replicas=2),
    ),
    measures=Measures(train_examples=50, test_examples=50),
    looks={"kind": "every", "steps": 3},
    alignment=Alignment(restarts=1),
    barriers=Barriers(examples=60, batchnorm_examples=20),
    growth=Growth(start=3),
    autocorrelation=True,
    stability_error=0.05,
)


@pytest.fixture(scope="module")
def job() -> Job:
    """A job in two groups and two segments."""
    torch.set_num_threads(1)
    context = MemoryContext()
    objects = trained(SPEC, GROUPS, (6, STEPS), context)
    return context, objects, compared(SPEC, GROUPS, objects, context)


def where(rows: Rows, **values: object) -> list[int]:
    """Places of the rows that have these values."""
    size = len(next(iter(rows.values())))
    return [place for place in range(size) if all(rows[name][place] == value for name, value in values.items())]


def test_every_table_has_all_its_columns(job: Job) -> None:
    assert set(job[2].rows) == {
        "replicas", "replica_statistics", "replica_growth", "replica_correlations", "replica_stability"
    }  # fmt: skip
    for table, columns in job[2].rows.items():
        assert list(columns) == TABLES[table]
        assert len({len(values) for values in columns.values()}) == 1


def test_no_bit_depends_on_how_replicas_are_grouped(job: Job) -> None:
    context, groups = MemoryContext(), ((0, SPEC.count),)
    other = compared(SPEC, groups, trained(SPEC, groups, (STEPS,), context), context)
    for table, columns in job[2].rows.items():
        count = SPEC.count if table == "replicas" else len(columns["arm"])  # not the twins, one of each group
        for name in columns.keys() - {"group_number"}:
            assert list(columns[name])[:count] == list(other.rows[table][name])[:count], (table, name)


def test_replicas_and_twins_have_a_row_each(job: Job) -> None:
    rows = job[2].rows["replicas"]
    assert list(rows["replica"]) == [0, 1, 2, 3, 4, 5, 6, -1, -2]
    assert list(rows["arm"]) == ["noise"] * 3 + ["early"] * 2 + ["late"] * 2 + ["twin"] * 2
    assert list(rows["number"]) == [0, 1, 2, 0, 1, 0, 1, 0, 1]
    assert list(rows["group_number"]) == [0] * 4 + [1] * 3 + [0, 1]
    assert list(rows["epsilon"]) == [0.1] * 3 + [None] * 4 + [0.0] * 2
    assert all(distance > 0 for distance in rows["start_distance"][:3])
    assert list(rows["start_distance"][3:7]) == [None] * 4
    assert list(rows["distance"][7:]) == [0.0, 0.0]
    assert set(rows["diverged_step"]) == {None}
    assert all(rows["floor_held"])


def test_statistics_are_those_of_the_measured_rows(job: Job) -> None:
    context, objects, summary = job
    rows = summary.rows["replica_statistics"]
    assert set(rows["metric"]) >= {"distance", "churn", "root_js", "aligned_distance"}
    looks = {ref.name: context.arrays(ref) for ref in objects if ref.name.startswith("looks/")}
    distances = looks["looks/00000/000000006"]["distance"][-1, 1:4].numpy()  # of the arm `noise` at the end
    (place,) = where(rows, step=STEPS, arm="noise", metric="distance")
    assert rows["count"][place] == 3
    assert rows["mean"][place] == pytest.approx(distances.mean(), rel=1e-14)
    assert rows["sd"][place] == pytest.approx(np.std(distances, ddof=1), rel=1e-12)
    assert distances.min() <= rows["low"][place] <= rows["mean"][place] <= rows["high"][place] <= distances.max()
    assert [rows["step"][place] for place in where(rows, arm="late", metric="aligned_distance")] == [0, 6, 12]


def test_growth_is_fitted_within_its_window(job: Job) -> None:
    rows = job[2].rows["replica_growth"]
    assert len(rows["arm"]) == 3 * 4
    points = dict(zip(rows["arm"], rows["points"], strict=True))
    assert points == {"noise": 4, "early": 4, "late": 1}  # the looks at 3, 6, 9 and 12; `late` parts at 12
    assert dict(zip(rows["arm"], rows["start"], strict=True)) == {"noise": 3, "early": 3, "late": STEPS}
    assert set(rows["stop"]) == {STEPS}


def test_correlations_are_averaged_over_an_arm(job: Job) -> None:
    rows = job[2].rows["replica_correlations"]
    (place,) = where(rows, arm="early", quantity="weights", start_step=6, step=6)
    assert (rows["correlation"][place], rows["count"][place]) == (pytest.approx(1), 2)
    (place,) = where(rows, arm="early", quantity="logits", start_step=0, step=STEPS)
    assert -1 <= rows["correlation"][place] < 1


def test_stability_lists_the_arms_whose_batches_depart(job: Job) -> None:
    rows = job[2].rows["replica_stability"]
    assert list(rows["arm"]) == ["early", "late"]
    assert list(rows["after"]) == [2, 11]
    assert all(aligned is not None for aligned in rows["aligned_barrier"])
    assert rows["stable"][1]  # one step apart
    assert job[2].data["stability_time"] == rows["stability_time"][0]


def test_a_floor_that_does_not_hold_is_said_everywhere(job: Job) -> None:
    context, objects, _ = job
    spoiled = list(objects)
    place = next(place for place, ref in enumerate(objects) if ref.name == "looks/00001/000000006")
    arrays = context.arrays(objects[place])
    arrays["twin_digest"] = arrays["twin_digest"] ^ 1
    spoiled[place] = context.store(objects[place].name, arrays)
    context.lines.clear()
    summary = compared(SPEC, GROUPS, spoiled, context)
    assert summary.data["floor_held"] is False
    assert list(summary.rows["replicas"]["floor_held"]) == [True] * 4 + [False] * 3 + [True, False]
    (line,) = context.lines
    assert line.level == "warning"
    assert "the floor of non-determinism is not 0: the twins of groups [1] are not their baselines" in line.message


def test_a_missing_group_is_an_internal_fault(job: Job) -> None:
    context, objects, _ = job
    with pytest.raises(BlockFault, match="must hold each of 7 replicas once"):
        compared(SPEC, GROUPS, [ref for ref in objects if not ref.name.startswith("looks/00001")], context)


def test_a_job_without_extras_has_the_tables_that_every_job_has() -> None:
    context = MemoryContext()
    spec = SPEC.model_copy(update={"alignment": None, "barriers": None, "autocorrelation": False})
    summary = compared(spec, GROUPS, trained(spec, GROUPS, (STEPS,), context), context)
    assert set(summary.rows) == {"replicas", "replica_statistics", "replica_growth"}


def test_a_run_of_no_steps_is_summarised() -> None:
    context, groups = MemoryContext(), ((0, 3),)
    training = SPEC.training.model_copy(update={"steps": 0, "checkpoints": (0,)})
    spec = SPEC.model_copy(update={"training": training, "arms": SPEC.arms[:1], "alignment": None, "barriers": None})
    summary = compared(spec, groups, trained(spec, groups, (0,), context), context)
    assert summary.data["floor_held"]
    assert set(summary.rows["replica_growth"]["a"]) == {None}
