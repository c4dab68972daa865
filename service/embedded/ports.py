"""Free loopback ports, outside the ranges that Ray and the system hand out by themselves.

Ray gives its workers 10002-19999 and Linux gives outgoing connections 32768-60999: a port of ours in either could be
taken between the moment we choose it and the moment its server binds it.
"""

import random
import socket
from collections.abc import Container, Mapping

OFFSET = 10_000
"""SeaweedFS listens for gRPC at each of its ports plus this."""

_SINGLE = (23_000, 32_700)
_PAIRED = (20_000, 22_700)


def is_free(port: int) -> bool:
    """Whether a server could bind `port` on 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Like the servers themselves: a port in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(preferred: int | None = None, *, taken: Container[int] = (), paired: bool = False) -> int:
    """A free port: `preferred` if it is, else a random one.

    Args:
        preferred: the port used last time, if any.
        taken: ports already promised to others.
        paired: whether the port plus `OFFSET` has to be free as well.

    Raises:
        OSError: none of a thousand tries was free.
    """
    low, high = _PAIRED if paired else _SINGLE
    candidates = ([preferred] if preferred else []) + random.SystemRandom().sample(range(low, high), 1000)
    for port in candidates:
        if port not in taken and is_free(port) and (not paired or is_free(port + OFFSET)):
            return port
    raise OSError(f"expected a free loopback port between {low} and {high}, found none; stop what holds them")


def answers(port: int) -> bool:
    """Whether something accepts connections at `port` on 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def of_server(server: str, ports: Mapping[str, int]) -> dict[str, int]:
    """Ports of one server by role, out of those of all, which are named `server.role`."""
    return {name.removeprefix(f"{server}."): port for name, port in ports.items() if name.startswith(f"{server}.")}
