import pytest

from schemas.blocks import (
    BracketMinibatches,
    BracketPerturbations,
    BracketProjections,
    BracketReorderings,
    BracketSummary,
    BracketTile,
    DiagnosticBlock,
    JobId,
    ReplicaCorrelations,
    ReplicaExponents,
    ReplicaPaths,
    ReplicaSegment,
    ReplicaSummary,
    TrainingSegment,
)
from schemas.brackets import Brackets, TopPairs
from schemas.data import Digits, First, RegistryData
from schemas.looks import Every, LogSpaced
from schemas.models import ConvNet, Mlp, MxResNet, RegistryModel
from schemas.perturbations import Gaussian
from schemas.replicas import Alignment, Arm, Barriers, Lyapunov, Measures, Replicas
from schemas.training import Training
from service.planner.costs import Costs, bracket_keys, cost_keys, on, replica_keys, training_key, units
from service.planner.guesses import UNKNOWN_SPLIT, guessed_replica_seconds, measured_examples
from service.planner.memory import MAX_MICRO, PROJECTED_BYTES, micro_edge, projected_micro, projected_rows
from service.planner.paths import likely_path
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
        (BracketMinibatches(step=0, start=2, stop=9), 7),
        (BracketReorderings(step=0, start=0, stop=3), 3),
        (BracketPerturbations(step=0, start=5, stop=6, micro=1), 1),
        (BracketProjections(step=0, rows=(0, 4), targets=(0, 1), micro=1), None),
        (BracketSummary(step=0), None),
        (ReplicaSegment(group=0, replicas=(3, 7), start=5, stop=9, save=(9,)), 4 * 6),
        (ReplicaSegment(group=0, replicas=(3, 7), start=0, stop=0, save=(0,)), None),
        (ReplicaPaths(step=0, group=0, first=3, replicas=(4, 7)), 3),
        (ReplicaExponents(start=10, stop=30), 20),
        (ReplicaCorrelations(group=0, replicas=(3, 7)), 4),
        (ReplicaSummary(), None),
        (DiagnosticBlock(index=0), None),
    ],
)
def test_units(payload, expected):
    assert units(payload) == expected


def test_keys_follow_what_changes_the_cost():
    run = SPEC.training
    assert training_key(run) == training_key(run.model_copy(update={"seed": 3, "steps": 9}))
    assert training_key(run) != training_key(run.model_copy(update={"batch_size": 3}))
    key = pair_key(SPEC)
    assert key == pair_key(changed(examples=First(count=9)))
    for change in (
        {"test_examples": First(count=9)},
        {"dtype": "float64"},
        {"path": "generic"},
        {"gauss_newton": True},
        {"batchnorm": "frozen"},
    ):
        assert pair_key(changed(**change)) != key, change
    top = changed(test_examples=First(count=9), logits=TopPairs(count=3))
    assert list(bracket_keys(top)) == ["bracket_tile", "bracket_perturbations"]


def changed(**changes):
    return SPEC.model_copy(update=changes)


def pair_key(spec):
    return bracket_keys(spec)["bracket_tile"]


def test_measurements_replace_guesses_on_their_device():
    costs = Costs({on(pair_key(SPEC), "cuda"): 2.0})
    arguments = {"job_id": JobId(2), "parent_id": JobId(1), "data": DIGITS, "costs": costs}
    cpu = plan(SPEC, **arguments, cluster=Cluster(cpu=2))
    cuda = plan(SPEC, **arguments, cluster=Cluster(cpu=2, cuda=1))
    assert (cpu.details["measured"], cuda.details["measured"]) == ([], ["bracket_tile"])
    assert cuda.details["seconds_per_unit"] == {"bracket_tile": 2.0}
    assert len(cuda.blocks) > len(cpu.blocks)
    assert cuda.details["costs"] == bracket_keys(SPEC)


@pytest.mark.parametrize(
    ("model", "cpu", "cuda"),
    [
        (Mlp(), "structured", "tap"),
        (ConvNet(channels=(4,)), "tap", "tap"),
        (MxResNet(depth=18), "tap", "tap"),
        (RegistryModel(name="x"), "generic", "generic"),
    ],
)
def test_the_likely_path(model, cpu, cuda):
    spec = Brackets(training=Training(steps=1, model=model), examples=First(count=2))
    assert (likely_path(spec, "cpu"), likely_path(spec, "cuda")) == (cpu, cuda)
    assert likely_path(spec.model_copy(update={"path": "generic"}), "cpu") == "generic"


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


def sized(parameters: int, activations: int = 1) -> ModelSize:
    return ModelSize(parameters, tensors=1, forward_flops=1, activations=activations)


def test_the_inner_tile_fits_the_budget():
    assert micro_edge("generic", sized(5_000), "float32") == MAX_MICRO["generic"]
    assert micro_edge("generic", sized(1_250_000), "float32") == 4
    assert micro_edge("generic", sized(1_250_000), "float64") == 2
    assert micro_edge("generic", sized(10**9), "float32") == 1
    assert micro_edge("structured", sized(10**9, activations=2_000), "float32") == MAX_MICRO["structured"]
    assert micro_edge("tap", sized(1, activations=10**9), "float32") == 1


def test_projections_fit_the_budget():
    assert projected_rows(sized(10**9), "float32", 3, factored=False) == 1
    assert projected_micro(sized(10**9), "float32", 3) == 1
    rows = projected_rows(sized(1_000_000), "float32", 3, factored=False)
    assert PROJECTED_BYTES / 2 < rows * 4 * 1_000_000 * 4 <= PROJECTED_BYTES
    assert projected_rows(sized(10**9, activations=1_000), "float32", 100, factored=True) > 10_000


REPLICAS = Replicas(
    training=Training(steps=100, checkpoints=(0, 50)),
    arms=[Arm(perturbations=[Gaussian(epsilon=0.1, scale="global")])],
    alignment=Alignment(),
    barriers=Barriers(),
    lyapunov=Lyapunov(),
    autocorrelation=True,
)


def test_each_kind_of_block_of_a_replica_job_has_a_key_and_a_guess():
    guesses = guessed_replica_seconds(REPLICAS, model_size(REPLICAS.training, DIGITS), DIGITS)
    assert guesses.keys() == replica_keys(REPLICAS).keys() == cost_keys(REPLICAS).keys()
    assert all(guess > 0 for guess in guesses.values())
    plain = REPLICAS.model_copy(
        update={"alignment": None, "barriers": None, "lyapunov": None, "autocorrelation": False}
    )
    assert list(replica_keys(plain)) == ["replica_segment"]


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("replica_segment", {"looks": LogSpaced()}),
        ("replica_segment", {"measures": Measures(cka=True)}),
        ("replica_paths", {"alignment": None}),
        ("replica_paths", {"barriers": Barriers(points=51)}),
        ("replica_exponents", {"lyapunov": Lyapunov(exponents=3)}),
        ("replica_correlations", {"measures": Measures(test_examples=7)}),
    ],
)
def test_keys_of_replica_jobs_follow_what_changes_the_cost(kind, change):
    changed = REPLICAS.model_copy(update=change)
    assert replica_keys(changed)[kind] != replica_keys(REPLICAS)[kind]
    seeded = REPLICAS.model_copy(update={"seed": 9, "group_size": 3})
    assert replica_keys(seeded) == replica_keys(REPLICAS)


def test_more_work_is_guessed_to_take_longer():
    def guess(kind, **changes):
        spec = REPLICAS.model_copy(update=changes)
        return guessed_replica_seconds(spec, model_size(spec.training, DIGITS), DIGITS)[kind]

    assert guess("replica_segment", looks=Every(steps=1)) > guess("replica_segment", looks=Every(steps=50))
    assert guess("replica_paths", alignment=None) < guess("replica_paths")
    assert guess("replica_exponents", lyapunov=Lyapunov(exponents=4)) > guess("replica_exponents")


def test_measured_examples_are_those_there_are():
    assert [measured_examples(wanted, 360) for wanted in (10, 1_000, "all")] == [10, 360, 360]
    assert measured_examples(10, None) == 10
    assert measured_examples("all", None) == UNKNOWN_SPLIT
