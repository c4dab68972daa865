import pytest
import torch

from schemas.blocks import ObjectRef, TrainingSegment
from schemas.data import RegistryData
from schemas.losses import BinaryCrossEntropy, CrossEntropy, SquaredError
from schemas.models import ConvNet, Layers, Mlp, RegistryModel
from schemas.optimizers import Adam, AdamW, RegistryOptimizer, RmsProp, Sgd
from schemas.rates import ConstantRate, CosineDecay, ExponentialDecay, LinearDecay, StepDecay, rate_factor
from schemas.training import Training
from schemas.training_results import CHECKPOINTS, TRAINING_STEPS
from tests.support.memory_context import MemoryContext
from workers.errors import BlockFault, Cancelled, UserFault
from workers.outcome import Finished
from workers.training.segment import train_segment

STEPS = 6
# 12 points, batches of 5: an epoch ends in a short batch, and the run spans two epochs.
BASE = {
    "data": RegistryData(name="two-labels"),
    "model": Mlp(hidden=(3,)),
    "loss": BinaryCrossEntropy(),
    "steps": STEPS,
    "batch_size": 5,
}
OPTIMIZERS = [
    Sgd(lr=0.1, weight_decay=0.01),
    Sgd(lr=0.1, momentum=0.9, dampening=0.1),
    Sgd(lr=0.1, momentum=0.9, nesterov=True),
    Adam(betas=(0.8, 0.999)),
    AdamW(),
    RmsProp(momentum=0.5, centered=True),
    RegistryOptimizer(name="counting"),
]
RATES = [
    ConstantRate(warmup=4),
    StepDecay(every=2, warmup=1),
    StepDecay(milestones=(2, 4), factor=0.5),
    CosineDecay(warmup=2),
    LinearDecay(hold=1, to=0.1, over=3),
    ExponentialDecay(to=0.01),
]
MODELS = {
    "mlp": {"model": Mlp(hidden=(3,))},
    "dropout": {"model": RegistryModel(name="dropout")},
    "convnet": {
        "data": {"kind": "digits"},
        "model": ConvNet(channels=(2, 2)),
        "loss": CrossEntropy(),
        "batch_size": 500,
    },
}


def training(**changes) -> Training:
    return Training(**(BASE | changes))


def segment(spec: Training, start: int, stop: int, save: tuple[int, ...], inputs, context) -> Finished:
    return train_segment(spec, TrainingSegment(start=start, stop=stop, save=save), inputs, context)


def arrays(finished: Finished, step: int, context: MemoryContext) -> dict[str, torch.Tensor]:
    return context.arrays(find(finished.objects, f"checkpoints/{step:09d}"))


def find(objects: tuple[ObjectRef, ...], name: str) -> ObjectRef:
    return next(ref for ref in objects if ref.name == name)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda spec: f"{spec.kind}{OPTIMIZERS.index(spec)}")
@pytest.mark.parametrize("model", MODELS)
def test_resuming_at_any_step_is_bitwise(model: str, optimizer, context: MemoryContext, lab: None) -> None:
    spec = training(optimizer=optimizer, **MODELS[model])
    every = tuple(range(STEPS + 1))
    whole = segment(spec, 0, STEPS, every, (), context)
    end = find(whole.objects, f"checkpoints/{STEPS:09d}")
    assert end.sha256 != find(whole.objects, f"checkpoints/{STEPS - 1:09d}").sha256
    for cut in range(1, STEPS):
        torch.manual_seed(cut)  # another process has other global generators
        rest = segment(spec, cut, STEPS, (STEPS,), whole.objects, context)
        assert rest.rows["training_steps"]["loss"] == whole.rows["training_steps"]["loss"][cut:]
        assert find(rest.objects, end.name).sha256 == end.sha256, cut


@pytest.mark.parametrize("optimizer", [Sgd(lr=0.1, momentum=0.9), AdamW()], ids=lambda spec: spec.kind)
@pytest.mark.parametrize("rate", RATES, ids=lambda spec: f"{spec.kind}{RATES.index(spec)}")
def test_a_schedule_resumed_at_any_step_is_bitwise_and_recorded(
    rate, optimizer, context: MemoryContext, lab: None
) -> None:
    spec = training(optimizer=optimizer, rate=rate)
    whole = segment(spec, 0, STEPS, tuple(range(STEPS + 1)), (), context)
    expected = [optimizer.lr * rate_factor(rate, step, STEPS) for step in range(1, STEPS + 1)]
    assert whole.rows["training_steps"]["lr"] == expected
    for cut in range(1, STEPS):
        rest = segment(spec, cut, STEPS, (STEPS,), whole.objects, context)
        assert rest.rows["training_steps"]["lr"] == expected[cut:]
        name = f"checkpoints/{STEPS:09d}"
        assert find(rest.objects, name).sha256 == find(whole.objects, name).sha256, cut


@pytest.mark.parametrize("model", ["dropout", "dropout-left-on"])
def test_neither_looking_nor_other_draws_change_the_run(model: str, context: MemoryContext, lab: None) -> None:
    spec = training(model=RegistryModel(name=model))
    torch.manual_seed(1)
    often = segment(spec, 0, STEPS, tuple(range(STEPS + 1)), (), context)
    torch.manual_seed(2)
    once = segment(spec, 0, STEPS, (STEPS,), (), context)
    name = f"checkpoints/{STEPS:09d}"
    assert find(often.objects, name).sha256 == find(once.objects, name).sha256


def test_global_generators_are_left_alone(context: MemoryContext, lab: None) -> None:
    state = torch.get_rng_state()
    segment(training(model=RegistryModel(name="dropout")), 0, STEPS, (STEPS,), (), context)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_run_is_sgd_on_its_own_schedule(context: MemoryContext, lab: None) -> None:
    spec = training(
        model=Mlp(hidden=()), loss=SquaredError(), optimizer=Sgd(lr=0.1), dtype="float64", checkpoints=(0,)
    )
    finished = segment(spec, 0, STEPS, (0, STEPS), (), context)
    schedule = context.arrays(find(finished.objects, "schedule"))
    start, end = arrays(finished, 0, context), arrays(finished, STEPS, context)
    data = context.memory["dataset", *next(key[1:] for key in context.memory if key[0] == "dataset")]
    weight, bias = start["parameters/1.weight"].clone(), start["parameters/1.bias"].clone()
    for step in range(STEPS):
        batch = schedule["indices"][schedule["offsets"][step] : schedule["offsets"][step + 1]]
        x, t = data.train.inputs[batch], data.train.labels[batch]
        residual = (x @ weight.T + bias - t) / len(batch)
        weight, bias = weight - 0.1 * residual.T @ x, bias - 0.1 * residual.sum(0)
    torch.testing.assert_close(end["parameters/1.weight"], weight, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(end["parameters/1.bias"], bias, rtol=1e-12, atol=1e-14)


def test_rows_fill_their_tables(context: MemoryContext, lab: None) -> None:
    finished = segment(training(checkpoints=(2,)), 0, 4, (2, 4), (), context)
    assert set(finished.rows["checkpoints"]) == {column.name for column in CHECKPOINTS.columns}
    assert set(finished.rows["training_steps"]) == {column.name for column in TRAINING_STEPS.columns}
    assert finished.rows["checkpoints"]["step"] == [2, 4]
    assert finished.rows["checkpoints"]["requested"] == [True, False]
    assert finished.rows["training_steps"]["step"] == [1, 2, 3, 4]
    assert [ref.name for ref in finished.objects] == ["schedule", "checkpoints/000000002", "checkpoints/000000004"]


def test_the_number_of_parameters_is_that_of_the_width_that_was_found(context: MemoryContext, lab: None) -> None:
    # w² + 6w + 2: 18 at w = 2, 29 at w = 3, 42 at w = 4.
    spec = training(model=Mlp(hidden=Layers(depth=2, parameters=30)), steps=0)
    assert segment(spec, 0, 0, (0,), (), context).data["parameters"] == 29


def test_a_run_of_no_steps_is_its_initialisation(context: MemoryContext, lab: None) -> None:
    finished = segment(training(steps=0), 0, 0, (0,), (), context)
    assert finished.rows["checkpoints"]["step"] == [0]
    assert finished.data["last_loss"] is None


def test_a_diverging_run_names_the_step_and_keeps_what_it_stored(context: MemoryContext, lab: None) -> None:
    spec = training(optimizer=Sgd(lr=1e30), loss=SquaredError(), dtype="float64", steps=20)
    with pytest.raises(UserFault, match=r"must stay finite, it (became|is) .* (at|after) step \d+") as caught:
        segment(spec, 0, 20, (0, 1, 20), (), context)
    partial = caught.value.partial
    assert partial is not None
    assert [ref.name for ref in partial.objects] == ["schedule", "checkpoints/000000000", "checkpoints/000000001"]
    assert partial.rows["checkpoints"]["step"] == [0, 1]
    assert arrays(partial, 1, context)["parameters/1.weight"].isfinite().all()


def test_parameters_that_break_at_a_saved_step_are_not_stored(context: MemoryContext, lab: None) -> None:
    spec = training(optimizer=Sgd(lr=1e300), loss=SquaredError(), dtype="float64", steps=1)
    with pytest.raises(
        UserFault, match=r"the loss over the train split must stay finite, it is .* after step 1"
    ) as caught:
        segment(spec, 0, 1, (0, 1), (), context)
    assert [ref.name for ref in caught.value.partial.objects] == ["schedule", "checkpoints/000000000"]


def test_a_missing_checkpoint_is_named(context: MemoryContext, lab: None) -> None:
    with pytest.raises(BlockFault, match="needs the object 'checkpoints/000000003'"):
        segment(training(), 3, STEPS, (STEPS,), (), context)


def test_a_cancelled_run_stops(context: MemoryContext, lab: None) -> None:
    context.cancelled = True
    with pytest.raises(Cancelled):
        segment(training(steps=50), 0, 50, (50,), (), context)
