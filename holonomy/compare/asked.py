"""From what a user names to the sides of a comparison: sweeps, lists of jobs, and instants of a schedule."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from holonomy.compare.sides import Member, Side, side
from holonomy.handle import JobHandle
from holonomy.sweeps import SweepHandle
from schemas.sweeps import expand

if TYPE_CHECKING:
    from holonomy.client import Client

AskedSide = SweepHandle | int | Sequence[JobHandle | int]
"""A sweep or its number, or jobs or their numbers."""

LISTED = 3
"""Jobs that the name of a side lists."""


def side_of(client: "Client", asked: AskedSide, name: str | None = None) -> Side:
    """The side that a sweep or a list of jobs is.

    Args:
        client: Where they are.
        asked: The sweep or the jobs.
        name: What the side is called; by default `sweep 12`, `jobs 3, 4, 5, …`.

    Raises:
        NotFound: there is no such sweep or job.
        Refused: it has not ended, or is empty.
    """
    if isinstance(asked, int):
        return side_of(client, client.sweep(asked), name)
    if isinstance(asked, SweepHandle):
        # The service stores what the sweep was expanded from, so that not every job has to be asked for its spec.
        specs = {point.position: point.spec for point in expand(asked.status().sweep)}
        members = [Member(swept.job, specs[swept.position]) for swept in asked.jobs()]
        return side(name or f"sweep {asked.id}", members)
    handles = [client.job(one.id if isinstance(one, JobHandle) else one) for one in asked]
    numbers = ", ".join(str(handle.id) for handle in handles[:LISTED]) + (", …" if len(handles) > LISTED else "")
    return side(name or f"jobs {numbers}", [Member(handle, handle.detail().spec) for handle in handles])
