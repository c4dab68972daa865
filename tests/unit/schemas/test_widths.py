"""Widths at a number of parameters: of the whole model as it is built, and the nearest of all."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.mistakes import InvalidSpec
from schemas.models import BagOfEmbeddings, ConvNet, Layers, Mlp
from schemas.training import Training
from schemas.widths import Layered, out_of_reach, widths
from workers.models import build


def layered(kind: str, layers: Any, **fields: Any) -> Layered:
    match kind:
        case "mlp":
            return Mlp(hidden=layers, **fields)
        case "convnet":
            return ConvNet(channels=layers, **fields)
        case _:
            return BagOfEmbeddings(hidden=layers, **fields)


def built(model: Layered, inputs: int, outputs: int) -> int:
    """Parameters of the module itself."""
    shape, vocabulary = {
        "mlp": ((inputs,), None),
        "convnet": ((inputs, 4, 4), None),
        "bag_of_embeddings": ((5,), inputs),
    }[model.kind]
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build(model, shape, outputs, vocabulary).parameters())


VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("mlp", {}),
    ("mlp", {"bias": False}),
    ("convnet", {}),
    ("convnet", {"norm": "none"}),
    ("bag_of_embeddings", {"width": 3}),
]


@settings(max_examples=25)
@given(
    st.sampled_from(VARIANTS), st.integers(1, 6), st.integers(1, 9), st.integers(1, 5), st.integers(1, 40), st.data()
)
def test_no_neighbouring_width_comes_nearer(variant, depth, inputs, outputs, width, data) -> None:
    kind, fields = variant

    def count(width: int) -> int:
        return built(layered(kind, depth * (width,), **fields), inputs, outputs)

    wanted = data.draw(st.integers(count(width), count(width + 1)))
    model = layered(kind, Layers(depth=depth, parameters=wanted), **fields)
    nearer = width if wanted - count(width) <= count(width + 1) - wanted else width + 1
    assert widths(model, inputs, outputs) == depth * (nearer,)
    assert built(model, inputs, outputs) == count(nearer)


def test_the_smaller_of_two_that_are_equally_near() -> None:
    # 7w + 2 parameters: 9, 16, 23, …
    near = {wanted: widths(Mlp(hidden=Layers(depth=1, parameters=wanted)), 4, 2) for wanted in (12, 13, 19, 20)}
    assert near == {12: (1,), 13: (2,), 19: (2,), 20: (3,)}
    even = Mlp(hidden=Layers(depth=1, parameters=9), bias=False)  # 6w: 6, 12, …
    assert widths(even, 4, 2) == (1,)


def test_the_reference_network_at_other_depths() -> None:
    def parameters(depth: int) -> int:
        return built(Mlp(hidden=Layers(depth=depth, parameters=79_510)), 784, 10)

    assert widths(Mlp(hidden=Layers(depth=1, parameters=79_510)), 784, 10) == (100,)
    assert parameters(1) == 79_510
    for depth in range(2, 9):
        assert abs(parameters(depth) / 79_510 - 1) < 0.007


def test_listed_widths_and_equal_ones() -> None:
    assert widths(Mlp(hidden=(5, 3)), 9, 2) == (5, 3)
    assert widths(BagOfEmbeddings(hidden=()), 9, 2) == ()
    assert widths(ConvNet(channels=Layers(depth=3, width=7)), 9, 2) == (7, 7, 7)
    assert out_of_reach(ConvNet(channels=Layers(depth=3, width=7)), 9, 2) is None


@pytest.mark.parametrize(("kind", "fields"), VARIANTS)
def test_below_the_smallest_width(kind: str, fields: dict[str, Any]) -> None:
    smallest = built(layered(kind, (1, 1), **fields), 9, 2)
    small = layered(kind, Layers(depth=2, parameters=smallest - 1), **fields)
    reason = (
        f"a model of depth 2 with 9 inputs and 2 outputs has at least {smallest} parameters, at width 1; "
        f"came {smallest - 1}: change the depth or the number"
    )
    assert out_of_reach(small, 9, 2) == reason
    with pytest.raises(ValueError, match=reason):
        widths(small, 9, 2)


def test_beyond_the_largest_width() -> None:
    vast = Mlp(hidden=Layers(depth=1, parameters=12 * 65_536 + 3))
    assert "has at most 786,434, at width 65,536; came 786,435: change" in (out_of_reach(vast, 9, 2) or "")
    assert widths(Mlp(hidden=Layers(depth=1, parameters=12 * 65_536 + 2)), 9, 2) == (65_536,)


@pytest.mark.parametrize(
    ("hidden", "message"),
    [
        ({"depth": 2}, r"^Training: model.hidden: give either the `width` of the layers or the model's `parameters`"),
        ({"depth": 2, "width": 3, "parameters": 4}, "model.hidden: give either the `width`"),
        ({"depth": 0, "width": 3}, "^Training: model.hidden.depth: expected greater than or equal to 1; came 0$"),
        ({"width": 3}, "^Training: model.hidden.depth: is required$"),
        ("wide", '^Training: model.hidden: expected a list, or an object with fields; came "wide"$'),
        ([3] * 65, "^Training: model.hidden: expected at most 64 of them; came a list of 65$"),
    ],
)
def test_mistakes_are_one_line(hidden: Any, message: str) -> None:
    with pytest.raises(InvalidSpec, match=message) as caught:
        Training(steps=1, model={"kind": "mlp", "hidden": hidden})
    assert ";" not in str(caught.value).replace("; came", "")
