from contextlib import contextmanager

import numpy as np
import pytest
import torch

from schemas.blocks import BracketTile
from schemas.bracket_results import PAIRS
from schemas.losses import BinaryCrossEntropy, SquaredError
from schemas.models import Mlp
from tests.support.dense import dense
from tests.support.memory_context import MemoryContext
from workers.blocks import bracket_tile, prepared, run
from workers.brackets.paths import generic
from workers.data.digits import digits
from workers.errors import BlockFault, Cancelled, MemoryFault, UserFault
from workers.losses import example_loss
from workers.models import initialised
from workers.training.checkpoint import load_tensors

REGISTRY = {"kind": "registry"}


def columns_of(finished) -> dict[str, np.ndarray]:
    return {name: np.asarray(values) for name, values in finished.rows["pairs"].items()}


def test_a_tile_on_a_trained_convnet_agrees_with_whole_hessians(context: MemoryContext, job) -> None:
    made = job(dtype="float64", keep="all", test_examples=[3, 7], examples=[10, 12, 200])
    finished = made.tile((0, 3), (0, 3))
    model = initialised(made.training.model, (1, 8, 8), 10, 0, torch.float64)
    load_tensors(model, context.arrays(made.checkpoint(4)))
    data = digits()
    chosen = [10, 12, 200]
    targets = torch.eye(10, dtype=torch.float64)[data.train.labels[chosen]]
    reference = dense(model, example_loss(made.training.loss, data.label_names), data.train.inputs[chosen], targets)
    arrays, rows = context.arrays(finished.objects[0]), columns_of(finished)
    for place, (a, b) in enumerate(((0, 1), (0, 2), (1, 2))):
        bracket = reference.bracket(a, b)
        assert (rows["i"][place], rows["j"][place]) == (chosen[a], chosen[b])
        assert rows["bracket_norm"][place] == pytest.approx(float(bracket.norm()), rel=1e-8)
        assert rows["gradient_norm_i"][place] == pytest.approx(float(reference.gradients[a].norm()))
        assert rows["loss_j"][place] == pytest.approx(float(reference.losses[b]))
        kept = torch.cat([arrays[f"kept/{name}"][place].reshape(-1) for name, _ in model.named_parameters()])
        torch.testing.assert_close(kept, bracket, rtol=1e-8, atol=1e-12)
        rms = torch.stack([part.square().mean().sqrt() for part in bracket.split(reference.sizes)])
        torch.testing.assert_close(arrays["tensor_rms"][place], rms, rtol=1e-8, atol=1e-12)
    assert arrays["logits"].shape == (3, 2, 10)
    moves = finished.rows["perturbations"]
    np.testing.assert_allclose(moves["logit_max"], arrays["logits"].abs().amax((1, 2)))
    assert set(moves["object"]) == {finished.objects[0].name}
    assert moves["position"].tolist() == arrays["moved"].tolist() == [0, 1, 2]
    np.testing.assert_allclose(rows["bracket_rms"] * np.sqrt(sum(reference.sizes)), rows["bracket_norm"])


def test_rows_and_objects_of_a_rectangle(context: MemoryContext, job) -> None:
    finished = job(keep=((10, 14), (11, 12), (11, 13))).tile((0, 2), (3, 5))
    rows = columns_of(finished)
    assert set(rows) == {column.name for column in PAIRS.columns}
    assert list(zip(rows["i"], rows["j"], strict=True)) == [(10, 13), (10, 14), (11, 13), (11, 14)]
    assert rows["position"].tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(rows["kept_position"], [np.nan, 0, 1, np.nan])
    assert set(finished.rows) == {"pairs"}
    ref, sums = finished.objects
    assert set(rows["object"]) == {ref.name} == {"tiles/000000004/000000-000003"}
    assert ref.arrays["tensor_rms"].axes == "pair tensor"
    assert ref.arrays["kept/0.weight"].shape == (2, 3, 1, 3, 3)
    assert context.arrays(ref)["positions"].tolist() == [0, 1, 3, 4]
    assert "logits" not in ref.arrays
    assert sums.name == "sums/000000004/000000-000003"
    assert not any(name.startswith(("kept/", "logits", "tensor_rms")) for name in sums.arrays)


def test_tiles_and_summaries_say_what_their_numbers_are(job) -> None:
    made = job()
    tile = made.tile(micro=4)
    assert tile.data["micro"] == 4
    for data in (tile.data, made.summary(tile).data):
        assert (data["field"], data["lr_power"], data["batchnorm"]) == ("-gradient", 0, "eval")
        assert data["loss"] == {"kind": "binary_cross_entropy", "reduction": "mean"}
        assert (data["dtype"], data["normalisation"]) == ("float32", "pixels 0 … 16 divided by 16")
    assert (made.trained.data["loss"], made.trained.data["dtype"]) == (tile.data["loss"], "float32")


@pytest.mark.parametrize(
    ("rows", "columns", "micro", "shrink", "held"),
    [
        ((0, 5), (0, 5), 4, 1, 2),
        ((0, 5), (0, 5), 16, 1, 2),
        ((0, 2), (2, 5), 16, 1, 1),
        ((0, 5), (0, 5), 2, 5, 1),
    ],
)
def test_shrinking_halves_what_is_held_and_ends_at_one(
    job, rows, columns, micro: int, shrink: int, held: int
) -> None:
    made = job()
    whole, halved = made.tile(rows, columns, micro=micro), made.tile(rows, columns, micro=micro, shrink=shrink)
    assert (whole.data["micro"], halved.data["micro"]) == (micro, held)
    np.testing.assert_allclose(columns_of(halved)["bracket_norm"], columns_of(whole)["bracket_norm"], rtol=1e-4)


def test_samples_are_not_charged_to_what_a_pair_costs(
    context: MemoryContext, job, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered: list[str] = []

    @contextmanager
    def kernel():
        entered.append("in")
        yield
        entered.append("out")

    def spy(name):
        real = getattr(bracket_tile, name)
        monkeypatch.setattr(bracket_tile, name, lambda *given: (entered.append(name), real(*given))[1])

    monkeypatch.setattr(context, "kernel", kernel)
    for name in ("compute_tile", "null_of_tile", "verifications_of_tile"):
        spy(name)
    made = job(verify=2)
    entered.clear()
    made.tile()
    assert entered == ["in", "compute_tile", "out", "null_of_tile", "verifications_of_tile"]


def test_a_tile_that_does_not_fit_fits_once_halved(job, monkeypatch: pytest.MonkeyPatch) -> None:
    products = generic.hessian_products

    def hungry(functional, example, target, directions):
        if len(next(iter(directions.values()))) > 2:
            torch.empty(2**60, dtype=torch.uint8)
        return products(functional, example, target, directions)

    monkeypatch.setattr(generic, "hessian_products", hungry)
    made = job(path="generic")
    with pytest.raises(MemoryFault, match=r"out of memory: .*allocate memory"):
        made.tile(micro=16)
    assert made.tile(micro=16, shrink=1).data["micro"] == 2


def test_running_twice_gives_the_same_bytes(job) -> None:
    made = job(test_examples=[0, 1])
    assert made.tile().objects[0].sha256 == made.tile().objects[0].sha256


def test_float64_brackets_of_a_float32_run(context: MemoryContext, job) -> None:
    single, double = columns_of(job().tile()), columns_of(job(dtype="float64").tile())
    np.testing.assert_allclose(single["bracket_norm"], double["bracket_norm"], rtol=1e-3)
    assert not np.array_equal(single["bracket_norm"], double["bracket_norm"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"examples": [0, 1437]}, r"needs example 1437 of the train split, which has 1437"),
        ({"test_examples": [360]}, r"needs example 360 of the test split, which has 360"),
        (
            {"examples": {"kind": "random", "count": 3, "seed": 1}, "keep": ((0, 1),)},
            r"keep names pairs outside the chosen examples: \[\(0, 1\)\]",
        ),
    ],
    ids=["train", "test", "keep"],
)
def test_selections_that_do_not_fit(job, changes: dict, message: str) -> None:
    with pytest.raises(UserFault, match=message):
        job(**changes).tile((0, 2), (0, 2))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("dropout-left-on", "different outputs for the same input in eval mode"),
        ("batch-statistics", "BatchNorm with running statistics, '1' keeps none"),
        ("data-dependent", r"torch\.func can differentiate twice"),
        ("recurrent", r"torch\.func can differentiate twice"),
    ],
)
def test_models_that_have_no_brackets(job, lab: None, model: str, message: str) -> None:
    with pytest.raises(UserFault, match=message):
        job({"model": REGISTRY | {"name": model}}).tile()


def test_dropout_is_off(job, lab: None) -> None:
    made = job({"model": REGISTRY | {"name": "dropout"}})
    assert made.tile().objects[0].sha256 == made.tile().objects[0].sha256


def test_frozen_parameters_are_no_part_of_a_bracket(context: MemoryContext, job, lab: None) -> None:
    made = job({"model": REGISTRY | {"name": "frozen-layer"}}, keep="all")
    finished = made.tile()
    kept = [name for name in finished.objects[0].arrays if name.startswith("kept/")]
    assert kept == ["kept/3.bias", "kept/3.weight"] or kept == ["kept/3.weight", "kept/3.bias"]
    tensors = made.summary(finished).rows["tensors"]
    assert tensors["tensor"] == ["3.weight", "3.bias"]
    assert columns_of(finished)["bracket_rms"][0] == pytest.approx(
        columns_of(finished)["bracket_norm"][0] / np.sqrt(50)
    )


def test_examples_whose_gradients_are_not_finite_are_named(context: MemoryContext, job, lab: None) -> None:
    sums = digits().train.inputs[10:15].flatten(1).sum(1)
    threshold = float(sums.max()) - 1e-3
    worst = 10 + int(sums.argmax())
    model = REGISTRY | {"name": "explodes", "options": {"threshold": threshold}}
    made = job({"model": model, "steps": 0})
    with pytest.raises(UserFault, match=rf"training examples \[{worst}\] at step 0 are not"):
        made.tile(step=0)


def test_a_missing_checkpoint_is_named(context: MemoryContext, job) -> None:
    payload = BracketTile(step=2, rows=(0, 5), columns=(0, 5), micro=1)
    with pytest.raises(BlockFault, match="needs the object 'checkpoints/000000002'"):
        run(job().spec, payload, job().trained.objects, context, 0)


def test_a_checkpoint_of_another_model(context: MemoryContext, job) -> None:
    made = job()
    other = job({"model": Mlp(hidden=(3,)), "loss": SquaredError()})
    made.trained = other.trained
    with pytest.raises(BlockFault, match="does not fit the model"):
        made.tile()


def test_a_cancelled_tile_stops(context: MemoryContext, job) -> None:
    made = job()
    context.cancelled = True
    with pytest.raises(Cancelled):
        made.tile()


def test_the_model_is_made_once_per_checkpoint(context: MemoryContext, job) -> None:
    made = job()
    made.tile()
    made.tile((0, 2), (3, 5))
    assert sum(key[0] == "functional" for key in context.memory) == 1
    made.tile(step=0)
    assert sum(key[0] == "functional" for key in context.memory) == 2


def test_gradient_rms_is_over_elements(context: MemoryContext, job) -> None:
    made = job()
    finished = made.tile()
    arrays, rows = context.arrays(finished.objects[0]), columns_of(finished)
    sizes = torch.tensor([int(np.prod(array.shape[1:])) for array in _model_tensors(context, made)])
    norms = (arrays["gradient_rms"].square() * sizes).sum(1).sqrt().numpy()
    np.testing.assert_allclose(norms[:-1], rows["gradient_norm_i"][[0, 4, 7, 9]])


def _model_tensors(context: MemoryContext, made) -> list[torch.Tensor]:
    model = initialised(made.training.model, (1, 8, 8), 10, 0, torch.float32)
    return [parameter.detach()[None] for parameter in model.parameters()]


def test_equal_initialisations_under_two_losses_are_told_apart(context: MemoryContext, job) -> None:
    mean = job()
    total = job({"loss": BinaryCrossEntropy(reduction="sum")})
    assert mean.checkpoint(0).sha256 == total.checkpoint(0).sha256
    norms = [columns_of(made.tile(step=0))["bracket_norm"] for made in (mean, total)]
    np.testing.assert_allclose(100 * norms[0], norms[1], rtol=1e-4)


def test_listed_pairs_are_moved_and_no_others(context: MemoryContext, job) -> None:
    made = job(test_examples=[3, 7], logits=((10, 12), (11, 14)), dtype="float64")
    finished, whole = made.tile(), job(test_examples=[3, 7], dtype="float64").tile()
    arrays, all_arrays = (context.arrays(one.objects[0]) for one in (finished, whole))
    moves = finished.rows["perturbations"]
    assert list(zip(moves["i"].tolist(), moves["j"].tolist(), strict=True)) == [(10, 12), (11, 14)]
    assert moves["position"].tolist() == [0, 1]
    assert arrays["moved"].tolist() == [1, 6]
    torch.testing.assert_close(arrays["logits"], all_arrays["logits"][[1, 6]])
    assert "perturbations" not in made.tile((0, 1), (3, 4)).rows


def test_cancelled_pairs_are_taken_in_float64(job, monkeypatch: pytest.MonkeyPatch) -> None:
    from workers.brackets.tiles import recompute

    plain, double = columns_of(job().tile()), columns_of(job(dtype="float64").tile())
    assert not plain["recomputed"].any()
    monkeypatch.setattr(recompute, "THRESHOLD", float(np.median(plain["cancellation"])))
    again = job().tile()
    columns = columns_of(again)
    assert again.data["recomputed"] == columns["recomputed"].sum() == 5
    errors = np.abs(columns["bracket_norm"] / double["bracket_norm"] - 1)
    assert errors[columns["recomputed"]].max() < 1e-5
    assert np.array_equal(
        columns["bracket_norm"][~columns["recomputed"]], plain["bracket_norm"][~columns["recomputed"]]
    )


def test_gauss_newton_shares(job) -> None:
    columns = columns_of(job(gauss_newton=True, dtype="float64").tile())
    assert (columns["gauss_newton_norm"] > 0).all()
    assert (np.abs(columns["gauss_newton_cosine"]) <= 1 + 1e-12).all()


@pytest.mark.parametrize("split", [[((0, 5), (0, 5))], [((0, 2), (0, 2)), ((0, 2), (2, 5)), ((2, 5), (2, 5))]])
def test_a_sample_of_pairs_is_verified_however_the_job_is_cut(job, split) -> None:
    made = job(verify=4, test_examples=[1], seed=3)
    found = [made.tile(*spans).rows.get("verifications") for spans in split]
    rows = [row for columns in found if columns for row in zip(columns["i"], columns["j"], strict=True)]
    whole = made.tile().rows["verifications"]
    assert sorted(rows) == list(zip(whole["i"], whole["j"], strict=True))
    assert len(rows) == 4
    for columns in filter(None, found):
        assert set(columns["path"]) == {"tap"}
        assert max(columns["norm_error"]) < 1e-4
        assert max(columns["logit_error"]) < 1e-3


def test_frozen_batch_statistics_are_those_of_the_chosen_examples(context: MemoryContext, job) -> None:
    frozen, running = (columns_of(job(batchnorm=mode).tile())["bracket_norm"] for mode in ("frozen", "eval"))
    assert np.abs(frozen / running - 1).min() > 1e-3
    other = columns_of(job(batchnorm="frozen", examples=[*range(10, 14), 99]).tile())["bracket_norm"]
    assert np.abs(frozen[:3] / other[:3] - 1).min() > 1e-6
    assert job(batchnorm="frozen").tile().data["batchnorm"] == "frozen"


def test_first_order_states_are_made_once_per_span(context: MemoryContext, job) -> None:
    made = job()
    made.tile(micro=2)
    spans = [key[-1] for key in context.memory if key[0] == "state"]
    assert spans == [range(2), range(2, 4), range(4, 5)]


def test_modules_that_no_fast_path_knows_are_named_once_per_job(context: MemoryContext, job, lab: None) -> None:
    model = REGISTRY | {"name": "explodes", "options": {"threshold": 1e9}}
    made = job({"model": model, "steps": 0})
    assert {made.tile(*spans, step=0).data["path"] for spans in [((0, 5), (0, 5)), ((0, 2), (2, 4))]} == {"generic"}
    [line] = [line.message for line in context.lines if "path" in line.message]
    assert line.startswith(
        "brackets at step 0 are taken on the generic path, the faster ones do not know the model: "
    )
    assert "root" in line
    context.lines.clear()
    job({"model": model, "steps": 0}, null_pairs=1).tile(step=0)
    assert [said.message for said in context.lines] == [line]
    context.lines.clear()
    job({"model": model, "steps": 0}, path="generic").tile(step=0)
    assert not context.lines


def test_a_path_that_does_not_know_the_model_is_refused(job) -> None:
    with pytest.raises(UserFault, match="the path 'structured' does not know this model"):
        job(path="structured").tile()


@pytest.mark.parametrize("path", ["structured", "tap", "generic"])
def test_every_path_says_the_same_of_a_perceptron(context: MemoryContext, job, path: str) -> None:
    options = {"dtype": "float64", "test_examples": [0, 1], "keep": ((10, 11),), "gauss_newton": True}
    run = {"model": Mlp(hidden=(6,), activation="tanh")}
    reference, found = (job(run, path=which, **options).tile(micro=3) for which in ("generic", path))
    assert found.data["path"] == path
    for name, values in columns_of(reference).items():
        if values.dtype.kind == "f":
            np.testing.assert_allclose(columns_of(found)[name], values, rtol=1e-8, atol=1e-12, err_msg=name)
    arrays, expected = (context.arrays(one.objects[0]) for one in (found, reference))
    for name, array in expected.items():
        torch.testing.assert_close(arrays[name], array, rtol=1e-8, atol=1e-12)


def test_a_tile_sized_for_a_fast_path_fits_the_generic_one(job, monkeypatch: pytest.MonkeyPatch) -> None:
    made = job(path="generic")
    P = sum(parameter.numel() for parameter in _model_tensors(made.context, made))
    monkeypatch.setattr(prepared, "GENERIC_BYTES", 6 * P * 4 * 4)
    assert made.tile(micro=32).data["micro"] == 2
    assert made.tile(micro=32, shrink=1).data["micro"] == 1
    assert job(path="tap").tile(micro=32).data["micro"] == 32
