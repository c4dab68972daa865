import pytest
import torch
from torch import Tensor, nn

from workers.errors import UserFault
from workers.replicas.barriers import estimation as module
from workers.replicas.barriers.estimation import estimate, estimated_layers

INPUTS = torch.randn(23, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def chain() -> nn.Sequential:
    """Two norms, the second of which sees what the first makes of a batch."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Tanh(), nn.BatchNorm1d(4))
    for name, buffer in model.named_buffers():
        buffer.fill_(7)
        assert "1." in name or "4." in name
    return model.double().eval()


def by_hand(model: nn.Sequential, batches: list[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Mean over batches of each norm's mean and unbiased variance."""
    linear, first = model[0], model[1]
    taken: list[list[Tensor]] = [[], [], [], []]
    for batch in batches:
        before = linear(batch)
        scaled = (before - before.mean(0)) / (before.var(0, unbiased=False) + first.eps).sqrt()
        after = (scaled * first.weight + first.bias).tanh()
        for store, value in zip(taken, (before.mean(0), before.var(0), after.mean(0), after.var(0)), strict=True):
            store.append(value.detach())
    means = [torch.stack(store).mean(0) for store in taken]
    return [(means[0], means[1]), (means[2], means[3])]


@pytest.mark.parametrize(("count", "sizes"), [(23, [4, 5, 4, 5, 5]), (10, [5, 5]), (6, [3, 3]), (2, [2])])
def test_plain_means_over_even_batches(count: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 5)
    model = chain()
    estimate(model, INPUTS[:count])
    batches = list(INPUTS[:count].split(sizes))
    for layer, (mean, variance) in zip((model[1], model[4]), by_hand(model, batches), strict=True):
        torch.testing.assert_close(layer.running_mean, mean, rtol=1e-12, atol=1e-14)
        torch.testing.assert_close(layer.running_var, variance, rtol=1e-12, atol=1e-14)


def test_the_model_stays_in_eval_mode_with_its_momentum() -> None:
    model = chain()
    estimate(model, INPUTS)
    assert not any(module.training for module in model.modules())
    assert [layer.momentum for layer in estimated_layers(model)] == [0.1, 0.1]


def test_layers_without_running_statistics_are_left_out() -> None:
    assert estimated_layers(nn.Sequential(nn.BatchNorm1d(3, track_running_stats=False), nn.LayerNorm(3))) == []


@pytest.mark.parametrize("count", [0, 1])
def test_without_a_variance_there_is_no_estimate(count: int) -> None:
    with pytest.raises(UserFault, match=f"cannot be estimated from fewer than 2 examples, came {count}: give more"):
        estimate(chain(), INPUTS[:count])
