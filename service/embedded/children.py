"""Supervision of children: each starts when those it needs are ready, and again when it ends or hangs.

Nothing here waits for a child, so that one which is slow to stop does not keep the others from starting.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from service.embedded.server import Server, StartError
from service.embedded.state import ChildState, Phase

PATIENCE_SECONDS = 60.0
"""How long a child may take to become ready before it is started again."""
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 10.0
STEADY_SECONDS = 30.0
"""A child that was ready for so long starts with a clean record."""
PROBE_SECONDS = 10.0
"""Between questions to a child that is ready whether it still answers."""
HUNG_SECONDS = 60.0
"""A child that was ready and has not answered for so long is started again."""


@dataclass
class Child:
    """A server, what it waits for, and where it stands."""

    server: Server
    needs: tuple[str, ...] = ()
    """Children that have to be ready before it is first started."""
    follows: tuple[str, ...] = ()
    """Children after whose restart it is started anew."""
    phase: Phase = Phase.WAITING
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    entered: float = field(default_factory=time.monotonic)
    retry_at: float = 0.0
    probe_at: float = 0.0
    answered: float = 0.0
    failures: int = 0
    error: str | None = None

    def enter(self, phase: Phase) -> None:
        """Come into a phase now."""
        self.phase = phase
        self.since = datetime.now(UTC)
        self.entered = self.answered = time.monotonic()
        self.probe_at = self.entered + PROBE_SECONDS

    def state(self) -> ChildState:
        """What to tell others."""
        identity = self.server.identity if self.phase in (Phase.STARTING, Phase.READY, Phase.STOPPING) else None
        return ChildState(
            phase=self.phase,
            pid=identity.pid if identity else None,
            started=identity.started if identity else None,
            since=self.since,
            failures=self.failures,
            error=self.error,
            log=str(self.server.log),
        )


def step(children: Sequence[Child]) -> bool:
    """Look at every child once and do what is due; whether anything changed."""
    by_name = {child.server.name: child for child in children}
    changed = False
    for child in children:
        before = (child.phase, child.failures)
        match child.phase:
            case Phase.WAITING | Phase.FAILED:
                _start_if_due(child, by_name)
            case Phase.STARTING:
                _see_if_ready(child)
            case Phase.READY:
                _see_if_alive(child, children)
            case Phase.STOPPING:
                if child.server.stopped():
                    child.enter(Phase.WAITING)
        changed |= before != (child.phase, child.failures)
    return changed


def _start_if_due(child: Child, by_name: Mapping[str, Child]) -> None:
    if time.monotonic() < child.retry_at or any(by_name[name].phase is not Phase.READY for name in child.needs):
        return
    try:
        child.server.launch()
    except (OSError, StartError) as error:
        _fail(child, str(error))
    else:
        child.enter(Phase.STARTING)


def _see_if_ready(child: Child) -> None:
    if child.server.ready():
        child.enter(Phase.READY)
    elif not child.server.alive():
        _fail(child, f"ended with code {child.server.exit_code()}")
    elif time.monotonic() - child.entered > PATIENCE_SECONDS:
        _count(child, f"did not become ready within {PATIENCE_SECONDS:g} s")
        _restart(child)


def _see_if_alive(child: Child, children: Sequence[Child]) -> None:
    if child.server.alive():
        if _hangs(child):
            _count(child, f"did not answer for {HUNG_SECONDS:g} s")
            _restart(child)
            _restart_followers(child, children)
        elif child.failures and time.monotonic() - child.entered > STEADY_SECONDS:
            child.failures, child.error = 0, None
        return
    _fail(child, f"ended with code {child.server.exit_code()}")
    _restart_followers(child, children)


def _hangs(child: Child) -> bool:
    now = time.monotonic()
    if now >= child.probe_at:
        child.probe_at = now + PROBE_SECONDS
        if child.server.responsive():
            child.answered = now
    return now - child.answered > HUNG_SECONDS


def _restart_followers(child: Child, children: Sequence[Child]) -> None:
    for follower in children:
        if child.server.name in follower.follows and follower.phase in (Phase.STARTING, Phase.READY):
            _restart(follower)


def _restart(child: Child) -> None:
    child.server.begin_stop()
    child.enter(Phase.STOPPING)


def _fail(child: Child, error: str) -> None:
    _count(child, error)
    child.enter(Phase.FAILED)


def _count(child: Child, error: str) -> None:
    child.error = error
    pause = min(FIRST_PAUSE_SECONDS * 2**child.failures, LONGEST_PAUSE_SECONDS)
    child.failures += 1
    child.retry_at = time.monotonic() + pause
