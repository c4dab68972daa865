import json
import subprocess
import sys

import pytest

from schemas.blocks import BlockRecord
from schemas.canonical import canonical_json, digest
from schemas.diagnostic import Diagnostic
from workers.errors import Cancelled, UserFault
from workers.runtime.execution import Worker, WorkerSettings, describe_failure
from workers.runtime.messages import Failure, Order, Success, Task, decode_order, decode_outcomes, encode_outcomes
from workers.runtime.store import StoreSettings


@pytest.fixture
def worker() -> Worker:
    return Worker(WorkerSettings(StoreSettings("unused")))


def _order(spec: Diagnostic, count: int = 1, run: int = 1) -> Order:
    name = digest(spec)
    payloads = [json.dumps({"kind": "diagnostic_block", "index": index}) for index in range(count)]
    tasks = [Task(index, 1, run, "token", name, payload, "[]", 0) for index, payload in enumerate(payloads)]
    return Order({name: canonical_json(spec).decode()}, tasks)


def test_a_block_gives_a_valid_record_with_provenance(worker):
    [outcome] = worker.run(_order(Diagnostic(record_bytes=10)))
    assert isinstance(outcome, Success)
    record = BlockRecord.model_validate_json(outcome.record_json)
    assert record.data == {"index": 0, "padding": "x" * 10}
    assert record.provenance["threads"] == 1
    assert record.provenance["tf32"] is False
    assert record.seconds >= 0


def test_blocks_of_a_call_run_in_order(worker):
    outcomes = worker.run(_order(Diagnostic(blocks=3), 3))
    assert [outcome.block_id for outcome in outcomes] == [0, 1, 2]


def test_a_run_that_was_cancelled_does_not_start_and_the_next_one_does(worker):
    worker.cancel([(0, 1)])
    [stopped] = worker.run(_order(Diagnostic(), run=1))
    assert isinstance(stopped, Failure)
    assert stopped.kind == "cancelled"
    [again] = worker.run(_order(Diagnostic(), run=2))
    assert isinstance(again, Success)


def test_a_failure_does_not_touch_the_other_blocks_of_its_call(worker):
    order = _order(Diagnostic(blocks=2), 2)
    broken = order.tasks[0]._replace(payload_json='{"kind": "strange"}')
    failed, finished = worker.run(order._replace(tasks=[broken, order.tasks[1]]))
    assert isinstance(failed, Failure)
    assert failed.kind == "internal"
    assert "strange" in failed.message
    assert failed.traceback
    assert isinstance(finished, Success)


def test_orders_and_outcomes_survive_the_wire(worker):
    order = _order(Diagnostic(blocks=2), 2)
    assert decode_order(order.encode()) == order
    outcomes = worker.run(order)
    assert decode_outcomes(encode_outcomes(outcomes)) == outcomes


@pytest.mark.parametrize(
    ("error", "kind", "traced"),
    [
        (UserFault("wrong spec"), "user", False),
        (Cancelled("told to stop"), "cancelled", False),
        (MemoryError(), "memory", True),
        (ZeroDivisionError("division by zero"), "internal", True),
    ],
)
def test_failures_are_classified(error, kind, traced):
    found, message, trace = describe_failure(error)
    assert found == kind
    assert message
    assert (trace is not None) == traced


def test_foreign_code_that_refused_a_spec_is_traced():
    try:
        try:
            raise TypeError("no such option")
        except TypeError as cause:
            raise UserFault("'towers' refused its arguments") from cause
    except UserFault as error:
        _, _, trace = describe_failure(error)
    assert trace is not None
    assert "no such option" in trace


def test_messages_are_one_line_without_nul():
    _, message, trace = describe_failure(ValueError("a\nb\0c"))
    assert message == "ValueError: a b\ufffdc"
    assert trace is not None
    assert "\0" not in trace


def test_the_runtime_is_imported_without_torch_or_ray():
    code = "import sys, workers.runtime.execution; print({'torch', 'ray'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"
