from uuid import uuid4

from service.dispatcher.ledger import Held, Ledger, hold
from service.queue.claim import Claimed


def _held(block_id: int) -> Held:
    claimed = Claimed(
        block_id=block_id,
        job_id=1,
        digest="d" * 64,
        kind="diagnostic_block",
        spec_json="{}",
        payload_json="{}",
        inputs_json="[]",
        run=1,
        token=uuid4(),
        shrink=0,
        timeout_seconds=None,
    )
    return hold(claimed, "cpu")


def test_leases_of_everything_held_are_renewed_but_not_of_what_is_lost():
    ledger, kept, lost = Ledger(), _held(1), _held(2)
    ledger.add([kept, lost])
    lost.dropped = True
    assert ledger.tokens() == {1: kept.claimed.token}


def test_a_block_claimed_again_is_not_forgotten_with_its_first_claim():
    ledger, first, second = Ledger(), _held(1), _held(1)
    ledger.add([first])
    ledger.add([second])
    ledger.remove([first])
    assert ledger.find([1, 2]) == [second]
    ledger.remove([second])
    assert len(ledger) == 0
