import pytest
import torch

from workers.brackets.summaries import function_norms as module
from workers.brackets.summaries.function_norms import function_norms

DRAW = torch.Generator().manual_seed(0)
MOVED = torch.randn(5, 4, 3, generator=DRAW)
LOGITS = torch.randn(4, 3, generator=DRAW)


@pytest.mark.parametrize("stretch", [1, 24, 2**22])
def test_quadratic_forms_of_whole_matrices(stretch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STRETCH", stretch)
    found, z = function_norms(MOVED, LOGITS), LOGITS.double()
    p, q = z.exp() / z.exp().sum(-1, keepdim=True), 1 / (1 + (-z).exp())
    metrics = {
        "euclidean": torch.eye(3, dtype=torch.float64).expand(4, 3, 3),
        "softmax": torch.diag_embed(p) - p[:, :, None] * p[:, None, :],
        "bernoulli": torch.diag_embed(q * (1 - q)),
    }
    for name, G in metrics.items():
        expected = torch.einsum("ptk,tkl,ptl->pt", MOVED.double(), G, MOVED.double()).mean(1).sqrt()
        torch.testing.assert_close(getattr(found, name), expected)


def test_a_softmax_does_not_see_all_logits_move_together() -> None:
    moved = 1e6 + 1e-3 * MOVED.double()
    found = function_norms(moved, LOGITS).softmax
    torch.testing.assert_close(found, function_norms(1e-3 * MOVED.double(), LOGITS).softmax, rtol=1e-6, atol=0)


def test_large_logits_leave_the_slack_its_digits() -> None:
    found = function_norms(torch.ones(1, 1, 1), torch.tensor([[40.0]]))
    assert float(found.bernoulli) == pytest.approx(float(torch.tensor(-40.0, dtype=torch.float64).exp().sqrt()))


def test_no_pairs() -> None:
    found = function_norms(torch.zeros(0, 4, 3), LOGITS)
    assert found.softmax.shape == (0,)
