import socket

import pytest

from service.embedded.ports import OFFSET, answers, free_port, is_free, of_server


@pytest.fixture
def listener():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_preferred_port_is_kept_when_it_is_free() -> None:
    port = free_port()
    assert free_port(port) == port


def test_a_port_in_use_or_promised_is_not_given(listener: int) -> None:
    assert not is_free(listener)
    assert free_port(listener) != listener
    port = free_port()
    assert free_port(port, taken=[port]) != port


def test_ports_stay_out_of_the_ranges_of_ray_and_of_outgoing_connections() -> None:
    for paired in (False, True):
        port = free_port(paired=paired)
        assert 20_000 <= port < 32_768
        assert not paired or 20_000 <= port + OFFSET < 32_768


def test_answers(listener: int) -> None:
    assert answers(listener)
    assert not answers(free_port())


def test_ports_of_one_server_by_role() -> None:
    assert of_server("ray", {"api": 1, "ray.gcs": 2, "rayon.x": 3}) == {"gcs": 2}
