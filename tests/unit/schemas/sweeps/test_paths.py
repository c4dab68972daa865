"""Paths of fields: how they are written, what they lead to, and what is said where they lead nowhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.brackets import Brackets
from schemas.models import ConvNet, RegistryModel
from schemas.perturbations import Gaussian, Reshuffle
from schemas.replicas import Arm, Replicas
from schemas.sweeps.paths import NoSuchField, lookup, overlap, parse_path, spelled
from schemas.training import Training

RUN = Training(steps=100, model=ConvNet(channels=(4, 8)))
BRACKETS = Brackets(training=RUN, examples=range(4))
REPLICAS = Replicas(
    training=RUN, arms=(Arm(perturbations=(Reshuffle(after=3), Gaussian(epsilon=0.5, scale="global"))),)
)
NAMES = st.sampled_from(["a", "_b", "lr", "batch_size", "Z9", "x_1"])


@given(
    st.lists(st.one_of(NAMES, st.integers(0, 10**8)), min_size=1, max_size=8).filter(lambda p: isinstance(p[0], str))
)
def test_a_path_is_read_as_it_is_spelled(path: list[str | int]) -> None:
    assert parse_path(spelled(tuple(path))) == tuple(path)


@pytest.mark.parametrize("text", ["", ".", "a.", "a..b", "a[x]", "[0]", "a[-1]", "a b", "a[0]b", "é", "a\n", "a[0"])
def test_what_is_not_a_path(text: str) -> None:
    with pytest.raises(NoSuchField, match="is not the path of a field: expected names joined by dots"):
        parse_path(text)


@pytest.mark.parametrize(
    ("spec", "path", "value"),
    [
        (RUN, "optimizer.lr", 0.01),
        (RUN, "model.channels[1]", 8),
        (REPLICAS, "arms[0].perturbations[1].epsilon", 0.5),
        (REPLICAS, "training.model", RUN.model),
        ({"training": RUN}, "training.steps", 100),
    ],
)
def test_a_path_leads_to_a_value(spec: object, path: str, value: object) -> None:
    assert lookup(spec, parse_path(path)) == value


@pytest.mark.parametrize(
    ("spec", "path", "message"),
    [
        (RUN, "optimzer.lr", "'optimzer' is not a field of a training job; .*; did you mean 'optimizer'?"),
        (RUN, "optimizer.rl", "'rl' is not a field of optimizer, which is sgd; expected one of lr, momentum"),
        (BRACKETS, "training.stepz", "not a field of training; .*; did you mean 'steps'?"),
        (
            BRACKETS,
            "test_examples.count",
            "test_examples is not set in the base; set it there, or vary test_examples",
        ),
        (RUN, "model.channels[2]", r"there is no place 2; model\.channels has 2, numbered from 0"),
        (BRACKETS, "projections[0]", "there is no place 0; projections is empty"),
        (RUN, "model.channels.width", r"model\.channels is a list; name a place of it, as in model\.channels\[0\]"),
        (RUN, "steps.x", "steps is a single value and has no fields"),
        (RUN, "steps[0]", "steps is not a list, so it has no place 0"),
        ({"options": {"width": 3}}, "options.widht", "expected one of width; did you mean 'width'"),
        (RegistryModel(name="m"), "options.depth", "'depth' is not a field of options; it has none"),
    ],
)
def test_where_a_path_breaks_is_said_with_what_is_there(spec: object, path: str, message: str) -> None:
    with pytest.raises(NoSuchField, match=message):
        lookup(spec, parse_path(path))


def test_paths_overlap_when_one_leads_through_the_other() -> None:
    model, width, steps = ("model",), ("model", "channels", 0), ("steps",)
    assert overlap(model, width)
    assert overlap(width, model)
    assert not overlap(steps, width)
