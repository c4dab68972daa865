"""What every path promises: members that are those of sequential training, whoever stands beside them."""

from collections.abc import Iterable
from itertools import product

import pytest
import torch

from schemas.models import ConvNet, Mlp, RegistryModel
from schemas.optimizers import RegistryOptimizer, Sgd
from tests.support.stacks import MODELS, RULES, batch, dataset, moved, small, together, training
from workers.determinism import deterministic
from workers.errors import BlockFault, UserFault
from workers.replicas.stack import Part, Stack, stack
from workers.training.run import Run

STEPS = 20
SINGLE, DOUBLE = torch.float32, torch.float64
BITS = [
    *product(("mlp", "mlp-gelu", "mlp-silu", "linear", "convnet"), ("sgd",), (SINGLE, DOUBLE)),
    *product(("mlp", "mlp-tanh", "convnet-plain", "bag", "frozen"), ("momentum",), (SINGLE,)),
    ("mlp", "adam", SINGLE),
    ("convnet", "adam", DOUBLE),
    ("transformer", "sgd", SINGLE),
]
PARTS = [((0, 1, 2, 3, 4),), ((0, 1), (2, 3, 4)), ((0, 2, 4), (1, 3)), ((0,), (1, 2, 3), (4,))]


@pytest.fixture(autouse=True)
def _deterministic(lab: None) -> Iterable[None]:
    with deterministic():
        yield


def digests(given: Stack, rule: str, steps: int = STEPS) -> list[str]:
    """Digests of the members after steps on shared batches."""
    for step in range(1, steps + 1):
        given.step(step, together(len(given), step, rule))
    return [given.digest(member) for member in range(len(given))]


def same_bits(left: Stack, one: int, right: Stack, other: int) -> None:
    for name, tensor in (left.parameters | left.buffers).items():
        assert torch.equal(tensor[one], (right.parameters | right.buffers)[name][other]), name


def close(given: Stack, run: Run) -> None:
    """Every member is where a sequential run came to, up to rounding.

    Not closer than 1e-10: attention's key bias has gradients that are 0 but for rounding, which Adam magnifies.
    """
    wanted = dict(run.model.named_parameters()) | dict(run.model.named_buffers())
    for key, tensor in (given.parameters | given.buffers).items():
        expected = wanted[key].detach().expand_as(tensor)
        torch.testing.assert_close(tensor, expected, rtol=1e-11, atol=1e-10, msg=key)


@pytest.mark.parametrize(("name", "rule", "dtype"), BITS)
def test_no_bit_depends_on_the_other_members(name: str, rule: str, dtype: torch.dtype) -> None:
    single = [digests(moved(name, [one], rule, dtype), rule)[0] for one in range(5)]
    assert len(set(single)) == 5
    for who in ([0, 1], [2, 0, 1], [4, 4, 3, 1, 0]):
        assert digests(moved(name, who, rule, dtype), rule) == [single[one] for one in who]
    sixteen = digests(moved(name, range(15, -1, -1), rule, dtype), rule)
    assert sixteen[:-6:-1] == single


@pytest.mark.parametrize(
    ("name", "dtype"), [*product(("mlp", "mlp-gelu", "convnet"), (SINGLE, DOUBLE)), ("transformer", SINGLE)]
)
def test_no_bit_depends_on_how_members_are_cut_into_parts(name: str, dtype: torch.dtype) -> None:
    whole = digests(moved(name, range(5), "momentum", dtype), "momentum", 5)
    for members in PARTS:
        for shared in (True, False):
            given = moved(name, range(5), "momentum", dtype)
            for step in range(1, 6):
                examples = [batch(step) if shared else torch.stack([batch(step)] * len(part)) for part in members]
                given.step(
                    step, [Part(part, e, RULES["momentum"]) for part, e in zip(members, examples, strict=True)]
                )
            assert [given.digest(member) for member in range(5)] == whole


def test_members_follow_batches_and_rules_of_their_own() -> None:
    given = moved("mlp", range(4))
    for step in range(1, 6):
        own = torch.stack([batch(step, one) for one in (1, 3)])
        parts = [Part((1, 3), own, RULES["momentum"]), Part((0,), batch(step), RULES["sgd"])]
        given.step(step, [*parts, Part((2,), batch(step), RULES["adam"])])
    for member, rule in enumerate(("sgd", "momentum", "adam", "momentum")):
        one = moved("mlp", [member])
        for step in range(1, 6):
            one.step(step, [Part((0,), batch(step, member) if member % 2 else batch(step), RULES[rule])])
        same_bits(one, 0, given, member)


@pytest.mark.parametrize(
    ("name", "rule"),
    [*product(("mlp", "convnet", "transformer"), RULES), *product(MODELS, ("sgd", "momentum"))],
)
def test_members_equal_sequential_training(name: str, rule: str) -> None:
    given, run = small(name, 2, rule), Run.start(training(name, rule), dataset(name, DOUBLE), DOUBLE)
    for step in range(1, 31):
        losses = given.step(step, together(2, step, rule))
        expected = run.step(step, batch(step)).loss
        torch.testing.assert_close(losses, torch.full((2,), expected, dtype=DOUBLE), rtol=1e-11, atol=1e-13)
    close(given, run)


@pytest.mark.parametrize("name", ["mlp", "mlp-mish", "convnet", "transformer", "frozen"])
def test_lots_of_several_members_take_the_same_steps(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.replicas.stack.start.lot_size", lambda device: 4)
    given, run = small(name, 6, "adam"), Run.start(training(name, "adam"), dataset(name, DOUBLE), DOUBLE)
    for step in range(1, 11):
        own = torch.stack([batch(step)] * 5)
        given.step(step, [Part((0, 1, 2, 3, 5), own, RULES["adam"]), Part((4,), batch(step), RULES["adam"])])
        run.step(step, batch(step))
    close(given, run)
    inputs = dataset(name, DOUBLE).test.inputs
    torch.testing.assert_close(given.logits(inputs), run.model.eval()(inputs).detach().expand(6, -1, -1))


def test_a_lot_holds_members_whose_slots_have_taken_as_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.replicas.stack.start.lot_size", lambda device: 4)
    given, late = small("mlp", 4), small("mlp", 1)
    for step in range(1, 6):
        if step > 3:
            given.step(step, together(4, step, "momentum"))
        else:
            early = Part((0, 1, 3), batch(step), RULES["momentum"])
            given.step(step, [early, Part((2,), batch(step), RULES["sgd"])])
        late.step(step, together(1, step, "momentum" if step > 3 else "sgd"))
    assert given.steps_taken == (5, 5, 2, 5)
    for name, tensor in late.parameters.items():
        torch.testing.assert_close(given.parameters[name][2], tensor[0], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("rule", ["sgd", "momentum", "adam", "rmsprop-all"])
@pytest.mark.parametrize("name", ["mlp", "convnet"])
def test_resuming_is_bitwise(name: str, rule: str) -> None:
    given, again = moved(name, range(3), rule), small(name, 3, rule)
    digests(given, rule, 3)
    kept = given.arrays()
    again.step(1, together(3, 9, "momentum"))  # what it held before does not matter
    again.restore(kept)
    assert kept.keys() == again.arrays().keys()
    for step in range(4, 9):
        assert torch.equal(given.step(step, together(3, step, rule)), again.step(step, together(3, step, rule)))
    assert [given.digest(one) for one in range(3)] == [again.digest(one) for one in range(3)]


def test_arrays_are_named_after_what_they_hold_and_stay_as_they_are() -> None:
    given = small("convnet", 2, "adam")
    given.step(1, together(2, 1, "adam"))
    arrays = given.arrays()
    assert arrays["parameters/0.weight"].shape == (2, 5, 1, 3, 3)
    assert arrays["buffers/1.num_batches_tracked"].tolist() == [1, 1]
    assert arrays["slots/0.weight/exp_avg"].shape == (2, 5, 1, 3, 3)
    assert arrays["steps_taken"].tolist() == list(given.steps_taken) == [1, 1]
    assert torch.equal(arrays["slots/0.weight/exp_avg"], given.slots["0.weight"]["exp_avg"])
    before = {name: array.clone() for name, array in arrays.items()}
    given.step(2, together(2, 2, "adam"))
    assert all(torch.equal(array, before[name]) for name, array in arrays.items())
    assert not torch.equal(arrays["parameters/0.weight"], given.parameters["0.weight"])


def test_a_digest_covers_parameters_buffers_slots_and_steps() -> None:
    given = small("convnet", 2, "momentum")
    given.step(1, together(2, 1, "momentum"))
    assert given.digest(0) == given.digest(1)
    for tensors in (given.parameters, given.buffers, given.slots["0.weight"]):
        for tensor in tensors.values():
            kept = tensor[1].clone()
            tensor[1].reshape(-1)[0] += 1
            assert given.digest(0) != given.digest(1)
            tensor[1] = kept
    assert given.digest(0) == given.digest(1)


@pytest.mark.parametrize(("rule", "other"), [("sgd", "momentum"), ("rmsprop", "rmsprop-all")])
def test_a_digest_says_nothing_of_slots_that_only_others_need(rule: str, other: str) -> None:
    given, alone = small("mlp", 2), small("mlp", 1)
    given.step(1, [Part((0,), batch(1), RULES[rule]), Part((1,), batch(1), RULES[other])])
    alone.step(1, [Part((0,), batch(1), RULES[rule])])
    assert given.digest(0) == alone.digest(0) != given.digest(1)


def test_bytes_per_member_count_padded_parameters_slots_and_buffers() -> None:
    given = small("convnet", 2, "adam")
    sizes = {45: 384, 5: 64, 315: 2560, 7: 64, 21: 192, 3: 64}  # numbers of a tensor: bytes, in float64
    parameters = sum(sizes[tensor[0].numel()] for tensor in given.parameters.values())
    buffers = sum(sizes.get(tensor[0].numel(), 64) for tensor in given.buffers.values())
    assert given.bytes_per_member == parameters + buffers
    given.step(1, together(2, 1, "adam"))
    assert given.bytes_per_member == 3 * parameters + buffers


@pytest.mark.parametrize("name", ["mlp-gelu", "convnet", "frozen"])
def test_gradients_are_those_of_the_mean_loss_in_train_mode(name: str) -> None:
    given = moved(name, range(3))
    before = [given.digest(member) for member in range(3)]
    found = given.gradient(1, batch(1))
    assert [given.digest(member) for member in range(3)] == before
    run = Run.start(training(name), dataset(name, DOUBLE), DOUBLE)
    for key, parameter in run.model.named_parameters():
        parameter.data.copy_(given.parameters[key][1])
    logits = run.model.train()(run.dataset.train.inputs[batch(1)])
    run.loss(logits, run.train_targets[batch(1)]).mean().backward()
    assert tuple(found) == given.trainable
    for key in found:
        torch.testing.assert_close(found[key], run.model.get_parameter(key).grad, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", ["mlp", "mlp-gelu", "convnet", "tokens"])
def test_logits_are_those_of_the_model_in_eval_mode(name: str) -> None:
    given = moved(name, range(3))
    given.step(1, together(3, 1, "sgd"))
    before = [given.digest(member) for member in range(3)]
    inputs = torch.cat([dataset(name, DOUBLE).test.inputs] * 20)  # more than a chunk
    found = given.logits(inputs)
    assert not found.requires_grad
    assert [given.digest(member) for member in range(3)] == before
    model = Run.start(training(name), dataset(name, DOUBLE), DOUBLE).model.eval()
    for member in range(3):
        for key, target in [*model.named_parameters(), *model.named_buffers()]:
            target.data.copy_((given.parameters | given.buffers)[key][member])
        torch.testing.assert_close(found[member], model(inputs).detach(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["mlp", "convnet"])
def test_a_member_that_is_no_longer_finite_goes_on_and_disturbs_nobody(name: str) -> None:
    calm, given = moved(name, range(3)), moved(name, range(3))
    given.parameters[given.trainable[0]][1] = float("inf")
    for step in range(1, 6):
        losses = given.step(step, together(3, step, "sgd"))
        expected = calm.step(step, together(3, step, "sgd"))
        assert torch.equal(losses[[0, 2]], expected[[0, 2]])
        assert not losses[1].isfinite()
    for member in (0, 2):
        same_bits(given, member, calm, member)


def test_momentum_for_some_steps_begins_as_pytorch_does() -> None:
    window = [RULES["sgd"]] * 3 + [Sgd(lr=0.1, momentum=0.9, dampening=0.5)] * 3 + [RULES["sgd"]] * 2
    given = small("mlp", 2)
    run = Run.start(training("mlp"), dataset("mlp", DOUBLE), DOUBLE)
    for step, rule in enumerate(window, start=1):
        run.optimizer.param_groups[0].update(momentum=rule.momentum, dampening=rule.dampening)
        given.step(step, [Part((0,), batch(step), rule), Part((1,), batch(step), rule)])
        run.step(step, batch(step))
    close(given, run)


def test_slow_weight_decay_is_not_lost_in_float32() -> None:
    """1 − lr · weight_decay is 1 in float32, but many small decays add up."""
    rules = [Sgd(lr=1e-3, weight_decay=decay) for decay in (1e-5, 0.0)]
    single, double = (small("mlp", 2, dtype=dtype) for dtype in (SINGLE, DOUBLE))
    for given in (single, double):
        for step in range(1, 501):
            given.step(step, [Part((member,), batch(step), rule) for member, rule in enumerate(rules)])
    for tensor, wanted in ((single.parameters[name], double.parameters[name]) for name in single.trainable):
        lost = (wanted[1] - wanted[0]) - (tensor[1] - tensor[0]).double()
        assert lost.norm() < 0.3 * (wanted[1] - wanted[0]).norm()


def test_frozen_parameters_stay_put() -> None:
    given = small("frozen", 2, "adamw")
    before = {name: tensor.clone() for name, tensor in given.parameters.items()}
    given.step(1, together(2, 1, "adamw"))
    changed = {name for name, tensor in given.parameters.items() if not torch.equal(tensor, before[name])}
    assert changed == set(given.trainable) == {"3.weight", "3.bias"}


@pytest.mark.parametrize(
    ("name", "path"), [("mlp", "perceptrons"), ("linear", "perceptrons"), ("convnet", "generic")]
)
def test_the_path_follows_from_the_kind_of_model(name: str, path: str) -> None:
    assert {small(name, R, dtype=dtype).path for R in (1, 3) for dtype in (SINGLE, DOUBLE)} == {path}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"model": RegistryModel(name="dropout")},
            "without random operations .dropout. or branches on values, PyTorch",
        ),
        ({"model": RegistryModel(name="data-dependent")}, "replicas need a model that torch.func can batch"),
        ({"model": RegistryModel(name="frozen")}, "no trainable parameters"),
        (
            {"optimizer": RegistryOptimizer(name="counting-sgd")},
            "'counting-sgd' is installed on the workers: choose sgd",
        ),
        ({"model": Mlp(outputs=4)}, "the data has 3 labels"),
    ],
)
def test_what_cannot_be_stacked_is_refused(changes: dict[str, object], message: str) -> None:
    spec = training("mlp").model_copy(update=changes)
    with pytest.raises(UserFault, match=message):
        stack(spec, dataset("mlp", DOUBLE), DOUBLE, 2)


def test_a_batch_that_is_too_small_for_batch_norm_names_the_step() -> None:
    spec = training("convnet").model_copy(update={"model": ConvNet(channels=(2, 2, 2, 2))})
    given = stack(spec, dataset("convnet", DOUBLE), DOUBLE, 1)
    with pytest.raises(UserFault, match=r"cannot take the 1 examples of step 4: .*; change batch_size"):
        given.step(4, [Part((0,), torch.tensor([3]), RULES["sgd"])])
    with pytest.raises(UserFault, match=r"cannot take the 1 examples of a gradient: .*; take more of them"):
        given.gradient(0, torch.tensor([3]))


def test_a_checkpoint_of_another_stack_is_refused() -> None:
    arrays = small("mlp", 2).arrays()
    with pytest.raises(BlockFault, match=r"does not fit the stack: .*parameters/1\.bias"):
        small("mlp", 3).restore(arrays)
    with pytest.raises(BlockFault, match="does not fit the stack"):
        small("convnet", 2).restore(arrays)
