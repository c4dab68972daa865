"""Estimates against the plans that they stand for: the sum over blocks of units times seconds per unit."""

import pytest

from schemas.blocks import JobId
from schemas.brackets import Brackets, TopPairs
from schemas.data import Digits, First
from schemas.diagnostic import Diagnostic
from schemas.models import ConvNet, RegistryModel
from schemas.perturbations import Gaussian
from schemas.reorderings import Reorderings, Shuffles
from schemas.replicas import Alignment, Arm, Barriers, Lyapunov, Replicas
from schemas.targets import SavedDirection
from schemas.training import Training
from service.planner.costs import Costs, cost_keys, on, units
from service.planner.estimate import estimate
from service.planner.plan import Cluster, plan
from service.planner.size import data_size

DIGITS = data_size(Digits(), None)
RUN = Training(steps=230, checkpoints=(0, 7, 100))
ARMS = [Arm(perturbations=[Gaussian(epsilon=0.1, scale="global")], replicas=11)]
FIVE = Cluster(cpu=5)

SPECS = {
    "training": RUN,
    "training of nothing": Training(steps=0),
    "training on a GPU": RUN.model_copy(update={"device": "cuda"}),
    "brackets": Brackets(training=RUN, examples=First(count=33)),
    "brackets of everything": Brackets(
        training=RUN,
        examples=First(count=20),
        test_examples=First(count=5),
        logits=TopPairs(count=17),
        minibatches=[[0, 1], [2, 3], [4, 5], [6, 7]],
        reorderings=Reorderings(orders=Shuffles(count=13)),
    ),
    "brackets of a convolutional network": Brackets(
        training=RUN.model_copy(update={"model": ConvNet(channels=(8, 16))}), examples=First(count=64), path="generic"
    ),
    "brackets of an unknown network": Brackets(
        training=Training(steps=5, model=RegistryModel(name="lab")), examples=First(count=9)
    ),
    "replicas": Replicas(training=RUN, arms=ARMS),
    "replicas in groups": Replicas(training=RUN, arms=ARMS, group_size=3),
    "replicas with everything": Replicas(
        training=RUN,
        arms=ARMS,
        alignment=Alignment(),
        barriers=Barriers(),
        lyapunov=Lyapunov(every=7),
        autocorrelation=True,
    ),
}


def _summed(spec, costs, cluster):
    """Slot seconds over the planned blocks, from the costs that the plan itself was made with."""
    made = plan(spec, job_id=JobId(2), parent_id=JobId(1), data=DIGITS, costs=costs, cluster=cluster)
    each = made.details.get("seconds_per_unit") or {"training_segment": made.details["seconds_per_step"]}
    return sum((units(block.payload) or 0) * each.get(block.payload.kind, 0.0) for block in made.blocks)


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("known", [False, True])
def test_it_is_the_sum_over_the_planned_blocks(name, known):
    spec = SPECS[name]
    keys = [on(key, device) for key in cost_keys(spec).values() for device in ("cpu", "cuda")]
    costs = Costs({key: 0.002 * place for place, key in enumerate(keys, 1)} if known else {})
    found = estimate(spec, DIGITS, costs, FIVE)
    assert found.slot_seconds == pytest.approx(_summed(spec, costs, FIVE), rel=1e-12)
    assert found.measured == known
    assert found.device == ("cuda" if "GPU" in name else "cpu")


def test_a_diagnostic_waits_as_long_as_it_says():
    found = estimate(Diagnostic(blocks=12, seconds=2.5), DIGITS, Costs(), FIVE)
    assert (found.slot_seconds, found.serial_seconds, found.measured) == (30.0, 2.5, True)


def test_a_training_run_is_one_chain_and_a_pair_matrix_is_none():
    training = estimate(RUN, DIGITS, Costs(), FIVE)
    assert training.serial_seconds == training.slot_seconds > 0
    assert estimate(SPECS["brackets"], DIGITS, Costs(), FIVE).serial_seconds == 0


def test_the_chain_of_replicas_is_that_of_their_largest_group():
    spec = SPECS["replicas in groups"]
    one = estimate(spec, DIGITS, Costs(), Cluster(cpu=1))
    # 11 replicas in groups of at most 3: four groups, the largest of 3 + 2 members, 11 + 8 members in all.
    assert one.serial_seconds == pytest.approx(one.slot_seconds * 5 / 19)


def test_what_has_no_units_is_not_called_measured():
    target = SavedDirection(job_id=3, object="checkpoints/000000000")
    spec = Brackets(training=RUN, examples=First(count=4), norms=False, projections=[target])
    found = estimate(spec, DIGITS, Costs(), FIVE)
    assert (found.slot_seconds, found.measured) == (0.0, False)
