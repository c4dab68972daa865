"""The answer from a spec alone is the answer that the built module gives."""

import pytest

from schemas.models import BagOfEmbeddings, ConvNet, Mlp, Model, MxResNet, RegistryModel, Transformer
from schemas.permutable import unpermutable
from workers.errors import UserFault
from workers.models import build
from workers.replicas.alignment import permutation_spec


@pytest.mark.parametrize("model", [Mlp(hidden=(3,)), ConvNet(), MxResNet(), BagOfEmbeddings()])
def test_these_can_be_aligned(model: Model) -> None:
    assert unpermutable(model) is None
    text = isinstance(model, BagOfEmbeddings)
    assert permutation_spec(build(model, (7,) if text else (3, 8, 8), 2, 10 if text else None)).groups


def test_a_transformer_cannot() -> None:
    model = Transformer()
    message = unpermutable(model)
    assert message is not None
    assert message.startswith("alignment needs a permutation spec; a transformer has none: ")
    assert "\n" not in message
    with pytest.raises(UserFault, match="alignment needs a permutation spec"):
        permutation_spec(build(model, (3, 8, 8), 2))


def test_nothing_is_known_of_an_installed_model() -> None:
    assert "the installed model 'wide' has none" in (unpermutable(RegistryModel(name="wide")) or "")
