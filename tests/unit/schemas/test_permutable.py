import pytest

from schemas.models import BagOfEmbeddings, ConvNet, Mlp, Model, MxResNet, RegistryModel, Transformer
from schemas.permutable import unpermutable


@pytest.mark.parametrize("model", [Mlp(), ConvNet(), MxResNet(), BagOfEmbeddings()])
def test_these_can_be_aligned(model: Model) -> None:
    assert unpermutable(model) is None


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Transformer(), "a transformer has none: its heads may be rotated as well as renumbered; use an mlp"),
        (RegistryModel(name="wide"), "the installed model 'wide' has none: which of its units can be renumbered"),
    ],
)
def test_these_cannot(model: Model, message: str) -> None:
    reason = unpermutable(model)
    assert reason is not None
    assert reason.startswith(f"alignment needs a permutation spec; {message}")
    assert reason.endswith("or leave alignment out")
    assert "\n" not in reason
