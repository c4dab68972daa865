"""From what a user names to the sides of a comparison: sweeps, lists of jobs, and instants of a schedule."""

from collections.abc import Sequence

from holonomy.across import TablesAcross
from holonomy.compare.sides import Member, Side, side
from holonomy.connection import Connection
from holonomy.handle import JobHandle
from holonomy.jobs import handle_of
from holonomy.sweeps import SweepHandle
from schemas.api import JobDetail
from schemas.sweep_bodies import SweepDetail
from schemas.sweeps import expand

AskedSide = SweepHandle | int | Sequence[JobHandle | int]
"""A sweep or its number, or jobs or their numbers."""

LISTED = 3
"""Jobs that the name of a side lists."""


def side_of(connection: Connection, asked: AskedSide) -> Side:
    """The side that a sweep or a list of jobs is.

    Raises:
        NotFound: there is no such sweep or job.
        Refused: it has not ended, or is empty.
    """
    if isinstance(asked, SweepHandle | int):
        number = asked if isinstance(asked, int) else asked.id
        return sweep_side(connection, number, f"sweep {number}")
    numbers = [one.id if isinstance(one, JobHandle) else one for one in asked]
    jobs = [connection.get(f"/v1/jobs/{number}", JobDetail) for number in numbers]
    listed = ", ".join(map(str, numbers[:LISTED])) + (", …" if len(numbers) > LISTED else "")
    members = [Member(handle_of(connection, job), job.spec) for job in jobs]
    return side(f"jobs {listed}" if numbers else "an empty list", members, TablesAcross(connection))


def sweep_side(connection: Connection, number: int, name: str) -> Side:
    """The jobs of a sweep as a side; see `side_of`."""
    found = connection.get(f"/v1/sweeps/{number}", SweepDetail)
    # The service stores what the jobs were expanded from, so that not each of them has to be asked for its spec.
    specs = {point.position: point.spec for point in expand(found.sweep)}
    members = [Member(swept.job, specs[swept.position]) for swept in SweepHandle(connection, found).jobs()]
    return side(name, members, TablesAcross(connection))
