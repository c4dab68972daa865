"""The shortcut through the first layer against the network itself."""

import pytest
import torch
from torch import nn

from tests.support.permutable import IMAGE, NETWORKS, network
from workers.replicas.barriers.entry import LinearEntry
from workers.replicas.barriers.line import Line, State
from workers.training.evaluate import BATCH

INPUTS = torch.randn(BATCH + 3, *IMAGE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("name", ["mlp", "mlp, no bias", "mlp, linear"])
@pytest.mark.parametrize("position", [0.0, 0.3, 1.0])
def test_logits_are_those_of_the_network_on_the_line(name: str, position: float) -> None:
    first, second = network(name, 1), network(name, 2)
    line = Line(State(first.parameters, {}), State(second.parameters, {}))
    probe = network(name, 3).model
    entry = LinearEntry.of(probe, line, INPUTS)
    assert entry is not None
    line.place(probe, position)
    with torch.no_grad():
        torch.testing.assert_close(entry.rest(entry.at(position)), probe(INPUTS), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", [name for name in NETWORKS if "mlp" not in name])
def test_only_perceptrons_have_one(name: str) -> None:
    net = network(name)
    state = State(net.parameters, net.buffers)
    assert LinearEntry.of(net.model, Line(state, state), net.inputs) is None


class Reversed(nn.Sequential):
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return -super().forward(inputs)


def test_a_subclass_may_do_more_than_its_layers() -> None:
    net = network("mlp")
    state = State(net.parameters, net.buffers)
    assert LinearEntry.of(Reversed(*net.model), Line(state, state), net.inputs) is None
