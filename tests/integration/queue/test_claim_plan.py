"""Claims and planning read along their indexes, however much is finished or may not start."""

import pytest

from bench.filling import fill, fill_sweep
from schemas.diagnostic import Diagnostic
from service.queue.admission import PLANNABLE, plannable
from service.queue.capped import STARTABLE
from service.queue.claim import FREE
from tests.support.plans import explained, touched


@pytest.fixture
def large(desk):
    fill(desk.engine, finished=1_000_000, ready=10_000)
    return desk


def _explained(desk, statement, **values):
    with desk.engine.connect() as connection:
        return explained(connection, statement, **values)


def test_the_claim_uses_its_partial_index(large):
    nodes = _explained(large, FREE, holder="x", device="cpu", lease=30, limit=50)
    scans = [node for node in nodes if "Scan" in node["Node Type"] and node.get("Relation Name") == "blocks"]
    assert {scan["Node Type"] for scan in scans} == {"Index Scan"}
    assert [scan["Index Name"] for scan in scans].count("blocks_ready") == 2
    assert {scan["Index Name"] for scan in scans} == {"blocks_ready", "blocks_pkey"}
    # Rows touched, not time: the machine that runs the tests may be busy.
    assert max(scan["Actual Rows"] * scan["Actual Loops"] for scan in scans) <= 50
    assert sum(node.get("Rows Removed by Filter", 0) for node in nodes) == 0


def test_jobs_of_a_sweep_at_its_limit_are_passed_over_at_once(desk):
    fill_sweep(desk.engine, jobs=10_000, limit=4, running=4)
    fill_sweep(desk.engine, jobs=10_000, limit=100, running=4)
    nodes = _explained(desk, STARTABLE, limit=20, device="cpu")
    assert nodes[0]["Actual Rows"] == 20
    # Two groups, eight running blocks with their jobs, and twenty-four jobs with a block each.
    assert touched(nodes) < 120


def test_a_full_sweep_of_queued_jobs_is_passed_over_at_once(desk):
    fill_sweep(desk.engine, jobs=10_000, limit=4, running=4)
    desk.sql("set session_replication_role = replica; update jobs set state = 'queued' where id > 4")
    desk.sql("update sweeps set max_running_jobs = 4")
    desk.sql("analyze jobs")
    last = desk.submit(Diagnostic(), priority=-1)
    nodes = _explained(desk, PLANNABLE, limit=100)
    assert nodes[0]["Actual Rows"] == 1
    assert touched(nodes) < 30
    with desk.engine.connect() as connection:
        assert plannable(connection) == [last]
