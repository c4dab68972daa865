"""Measured seconds per unit of work, kept as a moving average."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text

from service.planner.costs import Costs, MeasuredDevice, on

# A new measurement counts a fifth: a dozen blocks outweigh a wrong start, one slow block moves little.
_UPSERT = text("""
    insert into costs as c (key, seconds_per_unit, samples)
    select * from unnest(cast(:keys as text[]), cast(:seconds as float8[]), cast(:samples as bigint[]))
    on conflict (key) do update
    set seconds_per_unit = 0.8 * c.seconds_per_unit + 0.2 * excluded.seconds_per_unit,
        samples = c.samples + excluded.samples, updated_at = now()
""")
_ALL = text("select key, seconds_per_unit from costs where key = any(:keys)")


@dataclass(frozen=True)
class Measurement:
    """A committed block: what it cost, and in which units."""

    key: str
    device: MeasuredDevice
    units: int
    seconds: float


def measured(connection: Connection, keys: Iterable[str]) -> Costs:
    """What has been measured under the given keys, on any device."""
    wanted = [on(key, device) for key in keys for device in ("cpu", "cuda")]
    return Costs({row.key: row.seconds_per_unit for row in connection.execute(_ALL, {"keys": wanted})})


def learn(connection: Connection, measurements: Iterable[Measurement]) -> None:
    """Fold new measurements in. Keys are updated in order, so that two commits cannot wait for each other."""
    totals: Mapping[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for item in measurements:
        if item.units > 0 and item.seconds > 0:
            total = totals[on(item.key, item.device)]
            total[0] += item.seconds
            total[1] += item.units
            total[2] += 1
    if not totals:
        return
    keys = sorted(totals)
    connection.execute(
        _UPSERT,
        {
            "keys": keys,
            "seconds": [totals[key][0] / totals[key][1] for key in keys],
            "samples": [int(totals[key][2]) for key in keys],
        },
    )
