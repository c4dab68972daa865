import pytest

from schemas.data import Digits
from schemas.optimizers import Adam, AdamW, RmsProp, Sgd
from schemas.perturbations import Change, Reseed
from schemas.replicas import Arm, Replicas
from schemas.training import Training
from service.planner.group_memory import GROUP_BYTES, member_bytes, most_replicas, saved_bytes, slots
from service.planner.size import ModelSize, data_size

SIZE = ModelSize(parameters=1_000_000, tensors=4, forward_flops=2_000_000, activations=1_000)
DIGITS = data_size(Digits(), None)


PLAIN = Sgd()


def job(optimizer=PLAIN, change="lr", **changes):
    arm = Arm(perturbations=[Change(parameter=change, factor=0.5, start=1, stop=2)])
    return Replicas(training=Training(steps=9, optimizer=optimizer, **changes), arms=[arm])


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (job(), 0),
        (job(Sgd(momentum=0.9)), 1),
        (job(change="momentum"), 1),
        (job(Adam()), 2),
        (job(AdamW()), 2),
        (job(RmsProp()), 1),
        (job(RmsProp(momentum=0.5, centered=True)), 3),
    ],
)
def test_slots_are_the_numbers_that_a_rule_remembers(spec, expected):
    assert slots(spec) == expected
    assert saved_bytes(spec, SIZE) == 4_000_000 * (1 + expected)


def test_members_take_parameters_gradients_and_the_activations_of_a_batch():
    logits = 2 * 1_024 * 10
    assert member_bytes(job(), SIZE, DIGITS) == 4 * (3 * 1_000_000 + 2 * 64 * 1_000 + logits)
    assert member_bytes(job(dtype="float64"), SIZE, DIGITS) == 2 * member_bytes(job(), SIZE, DIGITS)


def test_small_models_take_their_logits_and_the_order_of_an_epoch():
    small = ModelSize(parameters=100, tensors=2, forward_flops=100, activations=10)
    plain = job(batch_size=1)
    assert member_bytes(plain, small, DIGITS) > 4 * 2 * 1_024 * 10
    reseeded = plain.model_copy(update={"arms": (Arm(perturbations=(Reseed(after=1),)),)})
    assert member_bytes(reseeded, small, DIGITS) == member_bytes(plain, small, DIGITS) + 4 * 1_437
    assert most_replicas(plain, small, DIGITS, "cpu") < 15_000


def test_a_group_fits_its_bytes_or_holds_one_replica():
    most = most_replicas(job(), SIZE, DIGITS, "cpu")
    assert (
        (most + 2) * member_bytes(job(), SIZE, DIGITS)
        <= GROUP_BYTES["cpu"]
        < (most + 3) * member_bytes(job(), SIZE, DIGITS)
    )
    assert most_replicas(job(), SIZE, DIGITS, "cuda") > 7 * most
    assert most_replicas(job(batch_size=10**6), SIZE, DIGITS, "cpu") == 1
