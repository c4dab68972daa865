import math

import pytest
import torch

from schemas.blocks import ObjectRef, ReplicaExponents
from schemas.models import ConvNet, Mlp
from schemas.optimizers import Adam, Sgd
from schemas.perturbations import Gaussian
from schemas.rates import LinearDecay
from schemas.replica_results import REPLICA_EXPONENTS
from schemas.replicas import Arm, Lyapunov, Replicas
from schemas.training import Training
from tests.support.memory_context import MemoryContext
from workers.blocks.replica_exponents import replica_exponents
from workers.data import load
from workers.errors import BlockFault, Cancelled, UserFault
from workers.outcome import Finished
from workers.replicas.dynamics.step_map import named
from workers.replicas.stack import Part, stack
from workers.training.schedule import batch_schedule

STEPS = 12


def job(training: Training, lyapunov: Lyapunov | None) -> Replicas:
    arm = Arm(perturbations=(Gaussian(epsilon=0.1, scale="global"),), replicas=2)
    return Replicas(training=training, arms=(arm,), lyapunov=lyapunov)


def training(**fields: object) -> Training:
    base = {"model": Mlp(hidden=(4,)), "steps": STEPS, "batch_size": 700, "optimizer": Sgd(lr=0.1, momentum=0.9)}
    return Training.model_validate({**base, **fields})


def blocks(spec: Replicas, stops: list[int], context: MemoryContext) -> list[Finished]:
    """Blocks that end at `stops`, one after the other."""
    outcomes: list[Finished] = []
    inputs: tuple[ObjectRef, ...] = ()
    for start, stop in zip([0, *stops], stops, strict=False):
        outcomes.append(replica_exponents(spec, ReplicaExponents(start=start, stop=stop), inputs, context))
        inputs = outcomes[-1].objects
    return outcomes


def rows(outcomes: list[Finished]) -> dict[str, list[float]]:
    tables = [outcome.rows["replica_exponents"] for outcome in outcomes]
    return {name: [value for table in tables for value in table[name]] for name in tables[0]}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"dtype": "float64"},
        {"optimizer": Adam(), "rate": LinearDecay()},
        {"model": ConvNet(channels=(2,)), "batch_size": 40},
    ],
    ids=["momentum", "float64", "adam-decay", "convnet-batchnorm"],
)
def test_no_bit_depends_on_how_the_run_is_cut(fields: dict[str, object], context: MemoryContext) -> None:
    spec = job(training(**fields), Lyapunov(exponents=2, every=5))
    whole, parts = blocks(spec, [12], context), blocks(spec, [5, 7, 10, 12], context)
    assert rows(whole) == rows(parts)
    last, other = (context.arrays(outcomes[-1].objects[0]) for outcomes in (whole, parts))
    assert last.keys() == other.keys()
    assert all(torch.equal(last[name], other[name]) for name in last)


def test_the_trajectory_is_that_of_the_baseline_among_replicas(context: MemoryContext) -> None:
    spec = job(training(), Lyapunov())
    dataset = load(spec.training.data, context, torch.float32)
    among = stack(spec.training, dataset, torch.float32, 3)
    next(iter(among.parameters.values()))[2] += 0.5
    schedule = batch_schedule(0, len(dataset.train), 700, STEPS)
    for step in range(1, STEPS + 1):
        among.step(step, (Part((0, 1, 2), schedule.batch(step), spec.training.optimizer),))
    assert blocks(spec, [STEPS], context)[0].data["baseline_digest"] == among.digest(0)


def test_rows_have_every_column_and_exponents_are_means_of_growths(context: MemoryContext) -> None:
    found = rows(blocks(job(training(), Lyapunov(exponents=2, every=5)), [12], context))
    assert set(found) == {column.name for column in REPLICA_EXPONENTS.columns}
    assert found["step"] == [5, 5, 10, 10, 12, 12]
    assert found["index"] == [0, 1] * 3
    for index in (0, 1):
        growths, exponents = found["log_growth"][index::2], found["exponent"][index::2]
        for place, step in enumerate((5, 10, 12)):
            assert exponents[place] == pytest.approx(sum(growths[: place + 1]) / step, rel=1e-12)
    # 1,437 examples in batches of 700: three steps an epoch.
    assert found["exponent_per_epoch"] == [3 * exponent for exponent in found["exponent"]]


def test_a_nearby_run_drifts_away_as_the_leading_tangent_says(context: MemoryContext) -> None:
    """Two runs that begin 1e-7 apart along the first tangent, in float64: their distance at the end, by training."""
    spec = job(training(dtype="float64", model=Mlp(hidden=(4,), activation="tanh")), Lyapunov(every=4))
    (outcome,) = blocks(spec, [STEPS], context)
    (first,) = blocks(spec, [1], context)
    dataset = load(spec.training.data, context, torch.float64)
    pair, schedule = (
        stack(spec.training, dataset, torch.float64, 2),
        batch_schedule(0, len(dataset.train), 700, STEPS),
    )
    arrays = context.arrays(first.objects[0])
    pair.restore(
        {name.removeprefix("baseline/"): torch.cat([a, a]) for name, a in arrays.items() if "baseline/" in name}
    )
    shapes = {name: pair.parameters[name].shape[1:] for name in pair.trainable}
    moves, buffers = (
        named(arrays[f"tangents/{name}"][0], shapes) for name in ("parameters", "slots/momentum_buffer")
    )
    for name in pair.trainable:
        pair.parameters[name][1] += 1e-7 * moves[name]
        pair.slots[name]["momentum_buffer"][1] += 1e-7 * buffers[name]
    for step in range(2, STEPS + 1):
        pair.step(step, (Part((0, 1), schedule.batch(step), spec.training.optimizer),))
    tensors = [
        tensor for name in pair.trainable for tensor in (pair.parameters[name], pair.slots[name]["momentum_buffer"])
    ]
    apart = math.sqrt(sum(float((tensor[1] - tensor[0]).square().sum()) for tensor in tensors)) / 1e-7
    assert math.log(apart) == pytest.approx(rows([outcome])["exponent"][-1] * STEPS, abs=1e-4)


def test_a_diverging_baseline_is_one_clear_line_and_keeps_its_rows(context: MemoryContext) -> None:
    spec = job(training(optimizer=Sgd(lr=1e30), steps=40), Lyapunov(every=1))
    with pytest.raises(
        UserFault, match=r"need a baseline that stays finite, .* at step \d+: lower the learning"
    ) as fault:
        blocks(spec, [40], context)
    assert fault.value.partial is not None
    assert fault.value.partial.rows["replica_exponents"]["step"][0] == 1


def test_a_job_that_asks_for_no_exponents_is_an_internal_fault(context: MemoryContext) -> None:
    with pytest.raises(BlockFault, match="the job asks for none"):
        blocks(job(training(), None), [1], context)


def test_a_block_that_is_told_to_stop_stops(context: MemoryContext) -> None:
    context.cancelled = True
    with pytest.raises(Cancelled):
        blocks(job(training(), Lyapunov()), [STEPS], context)
