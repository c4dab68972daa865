"""Seconds to submit a sweep of 10,000 jobs through the client, and pages of jobs and sweeps as they grow."""

import statistics
import time
from collections.abc import Callable
from typing import Any

from bench.embedded import Service
from bench.report import Figure
from holonomy import Sweep, Training

JOBS = 10_000
SECONDS = 10.0
FLAT = 3.0
"""Times that a page may take among ten thousand and more jobs, of what it takes among ten."""
ROUNDS = 30


def times(service: Service, sweeps: int) -> list[Figure]:
    """Submit sweeps of 10,000 training runs that wait behind a limit; pages before and after."""
    service.client.submit(
        Sweep(base=Training(steps=5), seeds=10), name="few", project="bench", tags=("rare",)
    ).cancel()
    few = _pages(service)
    taken = []
    for number in range(sweeps):
        sweep = Sweep(
            base=Training(steps=10 + number),
            axes={"optimizer.lr": [round(0.001 * k, 3) for k in range(1, 101)]},
            seeds=JOBS // 100,
        )
        began = time.perf_counter()
        service.client.submit(sweep, name=f"bench-{number}", project="bench", max_running_jobs=1)
        taken.append(time.perf_counter() - began)
    many = _pages(service)
    figures = [
        Figure(
            f"sweep of {JOBS:,} training runs submitted",
            statistics.median(taken),
            "s",
            target=SECONDS,
            lower_is_better=True,
            low=min(taken),
            high=max(taken),
        )
    ]
    total = sweeps * JOBS
    for name, before in few.items():
        figures.append(Figure(f"{name} among {total:,} jobs", many[name], "ms"))
        figures.append(
            Figure("  over the same among ten", many[name] / before, "×", target=FLAT, lower_is_better=True)
        )
    return figures


def _pages(service: Service) -> dict[str, float]:
    client = service.client
    return {
        "page of the newest jobs": _median_ms(lambda: list(client.jobs(limit=50))),
        "page of jobs in a state": _median_ms(lambda: list(client.jobs(state="cancelled", limit=50))),
        "page of jobs with a rare tag": _median_ms(lambda: list(client.jobs(tag="rare", limit=50))),
        "page of a project's jobs of a kind": _median_ms(
            lambda: list(client.jobs(project="bench", kind="training", limit=50))
        ),
        "page of sweeps": _median_ms(lambda: list(client.sweeps(limit=50))),
    }


def _median_ms(ask: Callable[[], Any]) -> float:
    ask()
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - began)
    return 1000 * statistics.median(taken)
