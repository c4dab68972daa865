import numpy as np
import pytest
import torch
from torch import Tensor

from schemas.blocks import ObjectRef, ReplicaCorrelations
from schemas.models import Mlp
from schemas.optimizers import Sgd
from schemas.perturbations import Gaussian
from schemas.replicas import Arm, Measures, Replicas
from schemas.training import Training
from tests.support.memory_context import MemoryContext
from tests.support.replica_jobs import finished, trained
from workers.blocks import replica_correlations as module
from workers.data import load
from workers.errors import BlockFault, Cancelled
from workers.models import initialised
from workers.replicas.distances.examples import drawn

SPEC = Replicas(
    training=Training(
        model=Mlp(hidden=(4,)), steps=6, batch_size=200, checkpoints=(0, 4), optimizer=Sgd(lr=0.1, momentum=0.5)
    ),
    arms=(Arm(perturbations=(Gaussian(epsilon=0.5, scale="global"),), replicas=3),),
    measures=Measures(train_examples=50, test_examples=50),
    autocorrelation=True,
)
BLOCK = ReplicaCorrelations(group=0, replicas=(0, 3))
STEPS = (0, 4, 6)


@pytest.fixture(scope="module")
def job() -> tuple[MemoryContext, list[ObjectRef]]:
    torch.set_num_threads(1)
    context = MemoryContext()
    return context, trained(SPEC, ((0, 3),), (6,), context)


def found(job: tuple[MemoryContext, list[ObjectRef]]) -> dict[str, Tensor]:
    context, objects = job
    outcome = finished(SPEC, BLOCK, objects, context)
    (stored,) = outcome.objects
    assert stored.name == "correlations/00000"
    assert outcome.data == {"group": 0, "pairs": 6}
    return context.arrays(stored)


def test_weights_and_logits_are_correlated_between_all_checkpoints(
    job: tuple[MemoryContext, list[ObjectRef]],
) -> None:
    context, objects = job
    arrays = found(job)
    pairs = list(zip(arrays["start_steps"].tolist(), arrays["steps"].tolist(), strict=True))
    assert pairs == [(0, 0), (0, 4), (0, 6), (4, 4), (4, 6), (6, 6)]
    assert arrays["replicas"].tolist() == [0, 1, 2]
    states = {ref.name: context.arrays(ref) for ref in objects if ref.name.startswith("states/")}
    dataset = load(SPEC.training.data, context, torch.float32)
    chosen = torch.from_numpy(drawn(50, len(dataset.test), SPEC.seed, 1))
    weights, logits = {}, {}
    for step in STEPS:
        state = states[f"states/{step:09d}/00000"]
        for replica in range(3):
            model = initialised(SPEC.training.model, dataset.input_shape, 10, 0, torch.float32, None)
            model.load_state_dict({n: state[f"parameters/{n}"][2 + replica] for n, _ in model.named_parameters()})
            weights[step, replica] = torch.cat([p.detach().reshape(-1) for p in model.parameters()]).double().numpy()
            logits[step, replica] = model(dataset.test.inputs[chosen]).detach().reshape(-1).double().numpy()
    for place, (start, step) in enumerate(pairs):
        for replica in range(3):
            for name, vectors in (("weights", weights), ("logits", logits)):
                expected = np.corrcoef(vectors[start, replica], vectors[step, replica])[0, 1]
                assert float(arrays[name][place, replica]) == pytest.approx(expected, rel=1e-6), (name, start, step)


def test_little_memory_changes_no_bit(
    job: tuple[MemoryContext, list[ObjectRef]], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = found(job)
    monkeypatch.setattr(module, "LOGIT_BYTES", 1)
    parts = found(job)
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_a_missing_state_is_named(job: tuple[MemoryContext, list[ObjectRef]]) -> None:
    context, objects = job
    without = [ref for ref in objects if ref.name != "states/000000004/00000"]
    with pytest.raises(BlockFault, match="needs the object 'states/000000004/00000'"):
        finished(SPEC, BLOCK, without, context)


def test_a_block_that_is_told_to_stop_stops(job: tuple[MemoryContext, list[ObjectRef]]) -> None:
    context, objects = job
    context.cancelled = True
    try:
        with pytest.raises(Cancelled):
            finished(SPEC, BLOCK, objects, context)
    finally:
        context.cancelled = False
