"""What the threads of a dispatcher tell its loop."""

from dataclasses import dataclass
from queue import SimpleQueue

from service.dispatcher.ledger import Held
from service.dispatcher.options import Device


@dataclass(frozen=True)
class Claims:
    """The answer to a request to claim; empty when there was nothing."""

    device: Device
    blocks: list[Held]


@dataclass(frozen=True)
class Stop:
    """These blocks are to stop: their job is being cancelled, or their lease was lost."""

    blocks: list[Held]


@dataclass(frozen=True)
class Wake:
    """Look at the world again: the dispatcher is to drain, or Ray went away."""


Signal = Claims | Stop | Wake
Inbox = SimpleQueue[Signal]
