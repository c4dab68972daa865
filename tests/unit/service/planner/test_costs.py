import pytest

from schemas.blocks import BracketSummary, BracketTile, DiagnosticBlock, JobId, TrainingSegment
from schemas.brackets import Brackets
from schemas.data import Digits, First, RegistryData
from schemas.models import ConvNet, Mlp, RegistryModel
from schemas.training import Training
from service.planner.costs import Costs, on, pair_key, training_key, units
from service.planner.memory import MAX_MICRO, micro_edge
from service.planner.plan import Cluster, plan
from service.planner.size import UNKNOWN_MODEL, ModelSize, data_size, model_size

DIGITS = data_size(Digits(), None)
SPEC = Brackets(training=Training(steps=1), examples=First(count=32))


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (BracketTile(step=0, rows=(0, 4), columns=(0, 4), micro=1), 12),
        (BracketTile(step=0, rows=(0, 4), columns=(4, 9), micro=1), 40),
        (BracketTile(step=0, rows=(3, 4), columns=(3, 4), micro=1), None),
        (TrainingSegment(start=5, stop=9, save=(9,)), 4),
        (TrainingSegment(start=0, stop=0, save=(0,)), None),
        (BracketSummary(step=0), None),
        (DiagnosticBlock(index=0), None),
    ],
)
def test_units(payload, expected):
    assert units(payload) == expected


def test_keys_follow_what_changes_the_cost():
    run = SPEC.training
    assert training_key(run) == training_key(run.model_copy(update={"seed": 3, "steps": 9}))
    assert training_key(run) != training_key(run.model_copy(update={"batch_size": 3}))
    assert pair_key(SPEC) == pair_key(SPEC.model_copy(update={"examples": First(count=9)}))
    assert pair_key(SPEC) != pair_key(SPEC.model_copy(update={"test_examples": First(count=9)}))
    assert pair_key(SPEC) != pair_key(SPEC.model_copy(update={"dtype": "float64"}))


def test_measurements_replace_guesses_on_their_device():
    costs = Costs({on(pair_key(SPEC), "cuda"): 2.0})
    arguments = {"job_id": JobId(2), "parent_id": JobId(1), "data": DIGITS, "costs": costs}
    cpu = plan(SPEC, **arguments, cluster=Cluster(cpu=2))
    cuda = plan(SPEC, **arguments, cluster=Cluster(cpu=2, cuda=1))
    assert (cpu.details["measured"], cuda.details["measured"]) == (False, True)
    assert cuda.details["seconds_per_pair"] == 2.0
    assert len(cuda.blocks) > len(cpu.blocks)
    assert cuda.details["costs"] == {"bracket_tile": pair_key(SPEC)}


def test_a_bracket_job_needs_its_parent():
    with pytest.raises(ValueError, match="needs a training run as its parent"):
        plan(SPEC, job_id=JobId(2), parent_id=None, data=DIGITS, costs=Costs(), cluster=Cluster())


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        (Mlp(), 64 * 100 + 100 + 100 * 10 + 10),
        (Mlp(hidden=(), bias=False), 640),
        (ConvNet(channels=(8, 16)), 9 * 8 + 16 + 9 * 8 * 16 + 32 + 16 * 10 + 10),
        (ConvNet(channels=(4,), norm="none"), 9 * 4 + 4 + 4 * 10 + 10),
        (RegistryModel(name="x"), UNKNOWN_MODEL.parameters),
    ],
)
def test_parameters_are_counted_from_the_spec(model, parameters):
    size = model_size(Training(steps=1, model=model), DIGITS)
    assert size.parameters == parameters
    assert size.forward_flops > 0
    assert model_size(Training(steps=1, model=model), data_size(RegistryData(name="x"), None)).parameters > 0


def sized(parameters: int) -> ModelSize:
    return ModelSize(parameters, tensors=1, forward_flops=1, activations=1)


def test_the_inner_tile_fits_the_budget():
    assert micro_edge(sized(5_000), "float32") == MAX_MICRO
    assert micro_edge(sized(1_250_000), "float32") == 4
    assert micro_edge(sized(1_250_000), "float64") == 2
    assert micro_edge(sized(10**9), "float32") == 1
