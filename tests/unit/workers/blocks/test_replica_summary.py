import pytest
import torch

from schemas.blocks import ObjectRef
from schemas.models import Mlp
from schemas.optimizers import Sgd
from schemas.perturbations import Gaussian, Reshuffle
from schemas.replica_results import REPLICA_TABLES
from schemas.replicas import Alignment, Arm, Barriers, Measures, Replicas
from schemas.training import Training
from tests.support.memory_context import MemoryContext
from tests.support.replica_runs import compared, trained
from workers.outcome import Finished

STEPS = 12
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
    autocorrelation=True,
    stability_error=0.05,
)
COUNT = SPEC.count


@pytest.fixture(scope="module")
def job() -> tuple[MemoryContext, list[ObjectRef], Finished]:
    """A job in two groups and two segments."""
    torch.set_num_threads(1)
    context, groups = MemoryContext(), ((0, 4), (4, COUNT))
    objects = trained(SPEC, groups, (6, STEPS), context)
    return context, objects, compared(SPEC, groups, objects, context)


def test_every_table_has_all_its_columns(job: tuple[MemoryContext, list[ObjectRef], Finished]) -> None:
    _, _, summary = job
    assert set(summary.rows) == {
        "replicas", "replica_statistics", "replica_growth", "replica_correlations", "replica_stability"
    }  # fmt: skip
    for table, columns in summary.rows.items():
        assert list(columns) == TABLES[table]
        assert len({len(values) for values in columns.values()}) == 1


def test_no_bit_depends_on_how_replicas_are_grouped(job: tuple[MemoryContext, list[ObjectRef], Finished]) -> None:
    context, groups = MemoryContext(), ((0, COUNT),)
    other = compared(SPEC, groups, trained(SPEC, groups, (STEPS,), context), context)
    for table, columns in job[2].rows.items():
        alone = other.rows[table]
        real = [place for place in range(len(columns["arm"])) if columns["arm"][place] != "twin"]
        for name in columns.keys() - {"group"}:
            assert [columns[name][place] for place in real] == list(alone[name])[: len(real)], (table, name)
