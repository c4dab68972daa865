"""What is committed together."""

from uuid import uuid4

import numpy as np

from service.db.engine import connect
from service.dispatcher.committer import Committer
from service.dispatcher.database import Database
from service.dispatcher.ledger import Held, Ledger
from service.queue.claim import Claimed
from service.queue.outcomes import Done


def finished(number: int, rows: int) -> tuple[Held, Done]:
    token = uuid4()
    claimed = Claimed(
        block_id=number,
        job_id=1,
        run=1,
        token=token,
        digest="d",
        kind="bracket_tile",
        spec_json="{}",
        payload_json="{}",
        inputs_json="[]",
        shrink=0,
        timeout_seconds=None,
    )
    columns = {"pairs": {"i": np.zeros(rows)}} if rows else {}
    return Held(claimed, "cpu", ("d", "bracket_tile")), Done(number, 1, token, "{}", columns)


def gathered(rows: list[int]) -> list[int]:
    database = Database(connect("postgresql://nobody@127.0.0.1:1/none", connect_timeout_seconds=1))
    committer = Committer(database, Ledger(), 200, lambda: None)
    for number, count in enumerate(rows):
        committer.put(finished(number, count))
    sizes = []
    while sum(sizes) < len(rows):
        sizes.append(len(committer._gather()))
    return sizes


def test_small_outcomes_go_together() -> None:
    assert gathered([0, 3, 0, 5]) == [4]


def test_rows_are_not_piled_up_in_one_commit() -> None:
    assert gathered([200_000] * 5) == [3, 2]
    assert gathered([2_000_000] * 2) == [1, 1]
