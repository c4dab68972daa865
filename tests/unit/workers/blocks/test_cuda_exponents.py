"""Exponents on a GPU: bits that do not depend on how the run is cut, and the CPU's numbers."""

import pytest
import torch

from schemas.blocks import ObjectRef, ReplicaExponents
from schemas.models import Mlp
from schemas.optimizers import Adam
from schemas.perturbations import Gaussian
from schemas.replicas import Arm, Lyapunov, Replicas
from schemas.training import Training
from tests.support.memory_context import MemoryContext
from workers.blocks.replica_exponents import replica_exponents

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
SPEC = Replicas(
    training=Training(
        model=Mlp(hidden=(8,), activation="tanh"), steps=12, batch_size=300, optimizer=Adam(), dtype="float64"
    ),
    arms=(Arm(perturbations=(Gaussian(epsilon=0.1, scale="global"),), replicas=1),),
    lyapunov=Lyapunov(exponents=3, every=5),
)


class CudaContext(MemoryContext):
    device = torch.device("cuda")


def exponents(stops: tuple[int, ...], context: MemoryContext) -> list[float]:
    found: list[float] = []
    inputs: tuple[ObjectRef, ...] = ()
    for start, stop in zip((0, *stops), stops, strict=False):
        outcome = replica_exponents(SPEC, ReplicaExponents(start=start, stop=stop), inputs, context)
        found += outcome.rows["replica_exponents"]["exponent"]
        inputs = outcome.objects
    return found


def test_both_devices_agree_and_no_cut_shows() -> None:
    whole = exponents((12,), CudaContext())
    assert whole == exponents((4, 12), CudaContext())
    assert whole == pytest.approx(exponents((12,), MemoryContext()), rel=1e-8)
