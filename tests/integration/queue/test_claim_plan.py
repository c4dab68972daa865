"""The claim reads its partial index, however many blocks are finished."""

import json

import pytest
from sqlalchemy import text

from bench.filling import fill
from service.queue.claim import FREE


@pytest.fixture
def large(desk):
    fill(desk.engine, finished=1_000_000, ready=10_000)
    return desk


def _nodes(node):
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def test_the_claim_uses_its_partial_index(large):
    values = {"holder": "x", "device": "cpu", "lease": 30, "limit": 50}
    with large.engine.connect() as connection:
        [[answer]] = connection.execute(text(f"explain (analyze, format json) {FREE}"), values)
    plan = answer if isinstance(answer, list) else json.loads(answer)
    nodes = list(_nodes(plan[0]["Plan"]))
    scans = [node for node in nodes if "Scan" in node["Node Type"] and node.get("Relation Name") == "blocks"]
    assert {scan["Node Type"] for scan in scans} == {"Index Scan"}
    assert [scan["Index Name"] for scan in scans].count("blocks_ready") == 2
    assert {scan["Index Name"] for scan in scans} == {"blocks_ready", "blocks_pkey"}
    # Rows touched, not time: the machine that runs the tests may be busy.
    assert max(scan["Actual Rows"] * scan["Actual Loops"] for scan in scans) <= 50
    assert sum(node.get("Rows Removed by Filter", 0) for node in nodes) == 0
