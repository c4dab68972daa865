"""Prometheus metrics: what requests cost, and what the queue holds.

Labels are drawn from closed sets (route templates, known methods, states), so their number is bounded.
"""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from schemas.api import ServiceStatus

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})
_BUCKETS_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class RequestMetrics:
    """Counts and times requests."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("method", "route")
        self._count = Counter(
            "holonomy_http_requests", "Requests served, by status.", (*labels, "status"), registry=registry
        )
        self._seconds = Histogram(
            "holonomy_http_request_seconds",
            "Time to the last byte of the answer.",
            labels,
            registry=registry,
            buckets=_BUCKETS_SECONDS,
        )
        self._open = Gauge(
            "holonomy_http_requests_open", "Requests being served, streams included.", registry=registry
        )

    def begin(self) -> None:
        """Note that a request is being served, until it is observed."""
        self._open.inc()

    def observe(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Record a request that has ended; `route` is the template it matched, None when it matched none."""
        labels = (method if method in _METHODS else "other", route or "unmatched")
        self._open.dec()
        self._count.labels(*labels, str(status)).inc()
        self._seconds.labels(*labels).observe(seconds)


class QueueCollector(Collector):
    """Reads the queue when it is scraped. While the database is away only `holonomy_database_up 0` is there."""

    def __init__(self, read: Callable[[], ServiceStatus | None]) -> None:
        self._read = read

    def describe(self) -> Iterable[Metric]:
        """Nothing: so that registering does not touch the database."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The metrics, as of now."""
        status = self._read()
        up = GaugeMetricFamily("holonomy_database_up", "1 while the database answers.")
        up.add_metric((), 0.0 if status is None else 1.0)
        yield up
        if status is None:
            return
        yield _by_state("holonomy_jobs", "Jobs by state.", status.jobs)
        yield _by_state("holonomy_blocks", "Unfinished blocks by state.", status.blocks)
        alive = sum(dispatcher.alive for dispatcher in status.dispatchers)
        yield GaugeMetricFamily("holonomy_dispatchers_alive", "Dispatchers with a recent heartbeat.", alive)
        yield GaugeMetricFamily(
            "holonomy_oldest_ready_seconds",
            "Age of the oldest block that could run and does not; 0 when there is none.",
            status.oldest_ready_seconds or 0.0,
        )


def _by_state(name: str, documentation: str, counts: dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, documentation, labels=("state",))
    for state, count in sorted(counts.items()):
        family.add_metric((state,), count)
    return family
