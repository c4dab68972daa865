"""What differs on a GPU, or could: where tensors live, which bits repeat, which generators a checkpoint holds."""

import pytest
import torch

from schemas.blocks import BracketTile, ObjectRef, TrainingSegment
from schemas.brackets import Brackets
from schemas.losses import BinaryCrossEntropy
from schemas.models import ConvNet, Mlp, MxResNet, RegistryModel, Transformer
from schemas.optimizers import Adam, RmsProp, Sgd
from schemas.training import Training
from tests.support.memory_context import MemoryContext
from workers.blocks import Finished, run
from workers.errors import MemoryFault
from workers.memory import memory_faults

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
STEPS = 6
MODELS = {
    "convnet": ConvNet(channels=(4, 4)),
    "mlp": Mlp(hidden=(8,)),
    "mxresnet": MxResNet(),
    "transformer": Transformer(width=8, heads=2, patch=2),
    "dropout": RegistryModel(name="dropout"),
}
OPTIMIZERS = [Sgd(lr=0.1, momentum=0.9), Adam(betas=(0.8, 0.999)), RmsProp(momentum=0.5, centered=True)]


class CudaContext(MemoryContext):
    device = torch.device("cuda")


@pytest.fixture
def gpu() -> CudaContext:
    return CudaContext()


def training(**changes) -> Training:
    base = {"loss": BinaryCrossEntropy(), "steps": STEPS, "batch_size": 500, "checkpoints": tuple(range(STEPS))}
    return Training(**(base | changes))


def segment(spec: Training, start: int, inputs: tuple[ObjectRef, ...], context: MemoryContext) -> Finished:
    save = tuple(step for step in spec.checkpoints if step > start or start == 0)
    return run(spec, TrainingSegment(start=start, stop=STEPS, save=save), inputs, context, 0)


def last(finished: Finished) -> ObjectRef:
    return next(ref for ref in finished.objects if ref.name == f"checkpoints/{STEPS:09d}")


def tile(spec: Brackets, checkpoint: ObjectRef, context: MemoryContext, micro: int = 3) -> Finished:
    payload = BracketTile(step=STEPS, rows=(0, 5), columns=(0, 5), micro=micro)
    return run(spec, payload, [checkpoint], context, 0)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda spec: spec.kind)
@pytest.mark.parametrize("model", MODELS)
def test_resuming_is_bitwise(gpu: CudaContext, lab: None, model: str, optimizer) -> None:
    spec = training(model=MODELS[model], optimizer=optimizer)
    whole = segment(spec, 0, (), gpu)
    assert "rng/cuda" in gpu.arrays(last(whole))
    for cut in (1, STEPS - 1):
        torch.manual_seed(cut)
        assert last(segment(spec, cut, whole.objects, gpu)).sha256 == last(whole).sha256


@pytest.mark.parametrize("model", ["convnet", "transformer"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tiles_repeat_bitwise_and_agree_with_those_of_a_cpu(gpu: CudaContext, dtype: str, model: str) -> None:
    run_spec = training(model=MODELS[model])
    checkpoint = last(segment(run_spec, 0, (), gpu))
    spec = Brackets(training=run_spec, examples=range(10, 15), test_examples=[0, 1], keep="all", dtype=dtype)
    first, again = tile(spec, checkpoint, gpu), tile(spec, checkpoint, gpu)
    assert first.objects[0].sha256 == again.objects[0].sha256
    cpu = MemoryContext()
    cpu.objects.update(gpu.objects)
    reference = cpu.arrays(tile(spec, checkpoint, cpu).objects[0])
    tolerance = {"float32": (1e-3, 1e-5), "float64": (1e-8, 1e-11)}[dtype]
    for name, found in gpu.arrays(first.objects[0]).items():
        torch.testing.assert_close(found, reference[name], rtol=tolerance[0], atol=tolerance[1], msg=name)


def test_a_full_device_is_a_memory_fault() -> None:
    with pytest.raises(MemoryFault, match="out of memory"), memory_faults():
        torch.empty(2**50, dtype=torch.uint8, device="cuda")


def test_global_generators_are_left_alone(gpu: CudaContext, lab: None) -> None:
    state = torch.cuda.get_rng_state()
    segment(training(model=MODELS["dropout"]), 0, (), gpu)
    assert torch.equal(torch.cuda.get_rng_state(), state)
