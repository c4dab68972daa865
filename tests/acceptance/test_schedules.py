"""Schedules of a whole stack: a scheduler fires what is asked for, workers compute it, and the scheduler notices."""

import secrets

from holonomy import Client, Sweep, Training

DAYS = ("2026-11-01", "2026-11-03")


def test_a_trigger_and_a_backfill_are_computed_with_the_seeds_of_their_instants(client: Client) -> None:
    sweep = Sweep(base=Training(steps=5), axes={"optimizer.lr": [0.1, 0.2]})
    nightly = client.schedules.create(
        f"nightly-{secrets.token_hex(3)}",
        cron="30 2 * * *",
        timezone="Europe/Berlin",
        sweep=sweep,
        templates={"base.seed": "{instant:%Y%m%d}00"},
    )
    triggered = nightly.wait(nightly.trigger(), timeout=120)
    assert (triggered.state, triggered.origin) == ("done", "trigger")
    nights = nightly.backfill(*DAYS).fired
    ended = [nightly.wait(nightly.firing(night), timeout=120) for night in nights]
    assert [firing.state for firing in ended] == ["done", "done"]
    # Backfilled nights never overlap.
    assert ended[0].finished_at <= ended[1].fired_at
    seeds = [{one.job.detail().spec.seed for one in client.sweep(firing.sweep_id).jobs()} for firing in ended]
    assert seeds == [{2026110100}, {2026110200}]
    assert nightly.backfill(*DAYS).fired == ()
    assert [firing.instant for firing in nightly.history()] == [
        firing.instant for firing in (triggered, ended[1], ended[0])
    ]
    nightly.delete()
