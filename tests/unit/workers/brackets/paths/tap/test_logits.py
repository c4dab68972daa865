import pytest
import torch

from tests.support.modules import Residual, with_statistics
from workers.brackets.functional import Functional
from workers.brackets.paths.tap import logits as module
from workers.brackets.paths.tap.logits import perturbations
from workers.brackets.paths.tap.logits import test_taps_of as taps_of
from workers.brackets.products import logit_perturbations
from workers.losses.functions import cross_entropy


@pytest.mark.parametrize("kept_bytes", [0, 2**30], ids=["formed for each block", "kept"])
@pytest.mark.parametrize("back_bytes", [1, 2**30], ids=["one logit at a time", "all logits at once"])
def test_logits_move_as_tangent_passes_say(monkeypatch: pytest.MonkeyPatch, kept_bytes: int, back_bytes: int) -> None:
    monkeypatch.setattr(module, "KEPT_BYTES", kept_bytes)
    monkeypatch.setattr(module, "BACK_BYTES", back_bytes)
    torch.manual_seed(0)
    functional = Functional.of(with_statistics(Residual()), cross_entropy)
    inputs = torch.randn(4, 2, 6, 6).double()
    directions = {name: torch.randn(5, *value.shape).double() for name, value in functional.parameters.items()}
    taps = taps_of(functional, inputs)
    assert bool(taps.kept) == (kept_bytes > 0)
    for _ in range(2):
        torch.testing.assert_close(
            perturbations(taps, directions),
            logit_perturbations(functional, inputs, directions),
            rtol=1e-10,
            atol=1e-12,
        )
