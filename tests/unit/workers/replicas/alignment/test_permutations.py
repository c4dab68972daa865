import torch

from tests.support.permutable import drawn, network
from workers.replicas.alignment import permutation_spec, permuted


def test_place_i_is_taken_by_unit_order_i() -> None:
    net = network("mlp")
    spec = permutation_spec(net.model)
    orders = drawn(spec)
    moved = permuted(spec, net.parameters, orders)
    first, second = orders["1"], orders["3"]
    assert torch.equal(moved["1.bias"], net.parameters["1.bias"][first])
    assert torch.equal(moved["3.weight"], net.parameters["3.weight"][second][:, first])


def test_what_holds_no_units_is_passed_on() -> None:
    net = network("convnet")
    spec = permutation_spec(net.model)
    moved = permuted(spec, net.parameters | net.buffers, drawn(spec))
    assert moved["10.bias"] is net.parameters["10.bias"]
    assert moved["1.num_batches_tracked"] is net.buffers["1.num_batches_tracked"]


def test_the_inverse_orders_undo_it() -> None:
    net = network("residual")
    spec = permutation_spec(net.model)
    orders = drawn(spec)
    back = {group: order.argsort() for group, order in orders.items()}
    again = permuted(spec, permuted(spec, net.parameters, orders), back)
    assert all(torch.equal(again[name], tensor) for name, tensor in net.parameters.items())
