"""How a replica job is cut, and what befalls its workers, changes no bit of any replica.

Through the real queue, dispatcher and workers: rows are compared bit by bit.
"""

import os
import signal

import psutil
import pytest

from schemas.models import ConvNet, Mlp
from schemas.optimizers import Adam, Sgd
from schemas.perturbations import Change, DropExample, Gaussian, Reseed
from schemas.replica_results import REPLICA_TABLES, REPLICAS
from schemas.replicas import Alignment, Arm, Barriers, Lyapunov, Measures, Replicas
from schemas.training import Training
from tests.support.dispatching import Dispatchers, Queue

STEPS = (0, 8, 16, 24)
ARMS = (
    Arm(name="noise", replicas=5, perturbations=(Gaussian(epsilon=0.01, scale="global"),)),
    Arm(name="data", replicas=3, perturbations=(Reseed(after=9),)),
    Arm(
        name="mixed",
        replicas=3,
        perturbations=(DropExample(example=3), Change(parameter="lr", factor=0.5, start=3, stop=6)),
    ),
)
MODELS = {
    "mlp": {"model": Mlp(hidden=(12,)), "optimizer": Sgd(lr=0.05, momentum=0.9)},
    "convnet": {"model": ConvNet(channels=(4, 6)), "optimizer": Adam()},
}


def job(model: str, group_size: int | None = None) -> Replicas:
    return Replicas(
        training=Training(steps=STEPS[-1], checkpoints=STEPS, **MODELS[model]),
        arms=ARMS,
        measures=Measures(train_examples=200, test_examples=100, cka=True),
        alignment=Alignment(restarts=2),
        barriers=Barriers(examples=100, batchnorm_examples=100),
        lyapunov=Lyapunov(every=8),
        autocorrelation=True,
        group_size=group_size,
    )


def rows(queue: Queue, number: int) -> dict[str, list[tuple[object, ...]]]:
    """Every result row of replicas and arms: not of twins, of which each group has one."""
    found = {}
    for table in REPLICA_TABLES:
        names = [column.name for column in table.columns if (table, column.name) != (REPLICAS, "group_number")]
        keys = ", ".join(column.name for column in table.columns if column.key)
        replicas = "and replica >= 0" if "replica" in names else ""
        query = f"select {', '.join(names)} from {table.name} where job_id = :job {replicas} order by {keys}"  # noqa: S608 - constants
        found[table.name] = [tuple(row) for row in queue.all(query, job=number)]
    return found


def same(found: dict[str, list[tuple[object, ...]]], expected: dict[str, list[tuple[object, ...]]]) -> None:
    for table, lines in found.items():
        assert lines, f"{table} is empty"
        different = [pair for pair in zip(lines, expected[table], strict=True) if pair[0] != pair[1]]
        assert different[:1] == [], f"{len(different)} of {len(lines)} rows of {table} differ"


@pytest.mark.parametrize("model", MODELS)
def test_groups_change_no_bit(queue: Queue, dispatchers: Dispatchers, model: str) -> None:
    dispatchers.start()
    numbers = {size: queue.submit(job(model, size)) for size in (None, 1, 5)}
    for number in numbers.values():
        queue.done(number, 240)
    grouped = {size: queue.job(number).plan["groups"] for size, number in numbers.items()}
    assert grouped[1] > grouped[5] > 1
    expected = rows(queue, numbers[None])
    for size in (1, 5):
        same(rows(queue, numbers[size]), expected)
    [held] = queue.all("select bool_and(floor_held) as held, count(*) from replicas where replica < 0")
    assert tuple(held) == (True, sum(grouped.values()))


def test_killed_workers_lose_nothing(queue: Queue, dispatchers: Dispatchers, ray_cluster) -> None:
    dispatchers.start()
    undisturbed = queue.submit(job("convnet", 3))
    queue.done(undisturbed, 240)
    number = queue.submit(job("convnet", 3))
    queue.wait(lambda: queue.job(number).blocks_done >= 3 and queue.running(number))
    for process in psutil.Process(ray_cluster.pid).children(recursive=True):
        if "BlockActor" in " ".join(process.cmdline()):
            os.kill(process.pid, signal.SIGKILL)
    queue.done(number, 240)
    blocks = queue.blocks(number)
    assert any(block.runs > 1 for block in blocks)
    assert all(block.state == "done" and block.attempts == 0 for block in blocks)
    same(rows(queue, number), rows(queue, undisturbed))
