"""What the views of runs, sweeps, schedules and provenance show."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from schemas.brackets import Brackets
from schemas.data import First
from schemas.diagnostic import Diagnostic
from schemas.models import Mlp
from schemas.optimizers import Adam, Sgd
from schemas.results import RESULT_TABLES
from schemas.sweeps import Sweep
from schemas.training import Training
from service.db.copy import copy_rows, encode
from service.queue.upkeep import plan_jobs

RUN = Training(steps=20, optimizer=Sgd(lr=0.25, momentum=0.5), batch_size=8, seed=5, checkpoints=(0, 10))
POINT = {
    "train_loss": 0.5,
    "test_loss": 0.75,
    "train_accuracy": 0.875,
    "test_accuracy": 0.625,
    "parameter_norm": 3.0,
    "requested": True,
}


def rows(desk, query, **values):
    return [row._asdict() for row in desk.sql(query, **values)]


def checkpoints(desk, job_id, *steps):
    table = RESULT_TABLES["checkpoints"]
    columns = {"step": list(steps), **{name: [value] * len(steps) for name, value in POINT.items()}}
    with desk.engine.begin() as connection:
        copy_rows(connection, table, [encode(table, job_id, columns)])


def test_a_run_is_flat_and_shows_its_last_checkpoint(desk):
    trained = desk.submit(RUN, name="first")
    adam = desk.submit(RUN.model_copy(update={"optimizer": Adam(lr=0.125, betas=(0.5, 0.75)), "dtype": "float64"}))
    desk.submit(Diagnostic())
    checkpoints(desk, trained, 0, 10, 20)
    [first, second] = rows(desk, "select * from results.runs order by job_id")
    assert {name: first[name] for name in ("job_id", "name", "state", "project", "data_kind", "model_kind")} == {
        "job_id": trained,
        "name": "first",
        "state": "queued",
        "project": "default",
        "data_kind": "digits",
        "model_kind": "mlp",
    }
    assert (first["optimizer"], first["lr"], first["momentum"], first["weight_decay"]) == ("sgd", 0.25, 0.5, 0.0)
    assert (first["steps"], first["batch_size"], first["seed"], first["dtype"]) == (20, 8, 5, "float32")
    assert first["last_step"] == 20
    assert {name: first[name] for name in POINT if name != "requested"} == {
        name: value for name, value in POINT.items() if name != "requested"
    }
    assert first["model"] == Mlp().model_dump(mode="json")
    assert (first["dataset"], first["dataset_digest"], first["beta1"]) == (None, None, None)
    assert (second["job_id"], second["optimizer"], second["lr"], second["dtype"]) == (adam, "adam", 0.125, "float64")
    assert (second["beta1"], second["beta2"], second["momentum"]) == (0.5, 0.75, None)
    assert (second["last_step"], second["test_loss"]) == (None, None)


def test_a_dataset_goes_by_the_name_that_it_has_now(desk):
    digest = "a" * 64
    desk.sql("insert into datasets (digest, kind, manifest) values (:digest, 'idx', '{}')", digest=digest)
    desk.submit(RUN)
    desk.sql("update jobs set spec = jsonb_set(spec, '{data}', jsonb_build_object('digest', :digest))", digest=digest)
    query = "select dataset, dataset_digest from results.runs"
    assert rows(desk, query) == [{"dataset": None, "dataset_digest": digest}]
    desk.sql("insert into dataset_names (name, digest) values ('mnist', :digest)", digest=digest)
    assert rows(desk, query) == [{"dataset": "mnist", "dataset_digest": digest}]


def test_a_sweep_shows_its_jobs_with_their_varied_fields(desk):
    sweep = Sweep(
        base=RUN, axes={"optimizer.lr": [0.5, 0.25], "optimizer.nesterov": [True], "dtype": ["float64"]}, seeds=2
    )
    made = desk.sweep(sweep, name="rates", project="lab", tags=("night",))
    [shown] = rows(desk, "select * from results.sweeps")
    assert (shown["sweep_id"], shown["name"], shown["project"]) == (made.sweep_id, "rates", "lab")
    assert (shown["tags"], shown["state"], shown["jobs_total"]) == (["night"], "running", 4)
    jobs = rows(desk, "select * from results.sweep_jobs order by position")
    assert [(job["position"], job["varied"]["optimizer.lr"], job["seed"]) for job in jobs] == [
        (0, 0.5, 5),
        (1, 0.5, 6),
        (2, 0.25, 5),
        (3, 0.25, 6),
    ]
    assert {(job["kind"], job["state"], job["sweep_id"]) for job in jobs} == {("training", "queued", made.sweep_id)}
    assert {run["project"] for run in rows(desk, "select project from results.runs")} == {"lab"}
    fields = rows(desk, "select * from results.sweep_fields where position = 3 order by field")
    assert [(field["field"], field["number"], field["text"], field["yes"], field["value"]) for field in fields] == [
        ("dtype", None, "float64", None, "float64"),
        ("optimizer.lr", 0.25, None, None, 0.25),
        ("optimizer.nesterov", None, None, True, True),
        ("seed", 6.0, None, None, 6),
    ]
    assert {field["job_id"] for field in fields} == {jobs[3]["job_id"]}


def test_a_list_that_is_varied_is_a_value_alone(desk):
    desk.sweep(Sweep(base=RUN, axes={"model.hidden": [[4], [4, 4]]}))
    fields = rows(desk, "select number, text, yes, value from results.sweep_fields order by position")
    assert [field["value"] for field in fields] == [[4], [4, 4]]
    assert {(field["number"], field["text"], field["yes"]) for field in fields} == {(None, None, None)}


def test_a_seed_is_that_of_the_training_run(desk):
    desk.sweep(Sweep(base=Brackets(training=RUN, examples=First(count=3), seed=9), seeds=2))
    jobs = rows(desk, "select job_id, kind, seed from results.sweep_jobs order by position")
    assert [(job["kind"], job["seed"]) for job in jobs] == [("brackets", 5), ("brackets", 6)]
    parents = rows(
        desk, "select r.seed from results.job_parents p join results.runs r on r.job_id = p.parent_id order by 1"
    )
    assert parents == [{"seed": 5}, {"seed": 6}]


def test_a_seedless_sweep_has_none(desk):
    desk.sweep(Sweep(base=Diagnostic(), axes={"blocks": [1]}))
    assert rows(desk, "select seed from results.sweep_jobs") == [{"seed": None}]


@pytest.fixture
def nightly(desk):
    """A schedule with one firing in time and one missed."""
    made = desk.sweep(Sweep(base=Diagnostic(), axes={"blocks": [1]}))
    desk.sql("""
        insert into schedules (name, cron, timezone, work, overlap, catch_up_seconds, created_by, considered_until)
        values ('nightly', '30 2 * * *', 'Europe/Berlin', '{}', 'skip', 3600, 'tester', '2026-01-02T01:30Z')
    """)
    desk.sql(
        """
        insert into firings (schedule_id, instant, origin, state, due_at, fired_at, sweep_id, reason) values
            (1, '2026-01-01T01:30Z', 'cron', 'missed', '2026-01-01T01:30Z', null, null, 'nobody was there'),
            (1, '2026-01-02T01:30Z', 'cron', 'running', '2026-01-02T01:30Z', '2026-01-02T01:30:02.5Z', :sweep, null)
        """,
        sweep=made.sweep_id,
    )
    return made.sweep_id


def test_a_schedule_has_its_history(desk, nightly):
    missed, fired = rows(desk, "select * from results.schedule_history order by instant")
    assert (missed["schedule"], missed["state"], missed["reason"]) == ("nightly", "missed", "nobody was there")
    assert (missed["delay_seconds"], missed["sweep_id"]) == (None, None)
    assert (fired["delay_seconds"], fired["sweep_id"], fired["origin"]) == (2.5, nightly, "cron")
    assert fired["instant"] == datetime(2026, 1, 2, 1, 30, tzinfo=UTC)


def test_a_deleted_schedule_stays_with_its_history(desk, nightly):
    desk.sql("update schedules set deleted_at = now()")
    [schedule] = rows(desk, "select * from results.schedules")
    assert (schedule["name"], schedule["catch_up_seconds"], schedule["next_at"]) == ("nightly", 3600.0, None)
    assert schedule["deleted_at"] is not None
    assert len(rows(desk, "select * from results.schedule_history")) == 2


def test_provenance_is_one_row_per_job_and_set_of_versions(desk):
    job_id = desk.start(Diagnostic(blocks=3))
    plan_jobs(desk.engine)
    one = {"code": "abc", "torch": "2.9", "device": "CPU", "threads": 2, "tf32": False, "host": "a", "labs": "1.0"}
    one, two, three = (one, one, one | {"host": "b"})
    blocks = desk.claim()
    desk.commit(*(desk.done(block, provenance=found) for block, found in zip(blocks, (one, two, three), strict=True)))
    shown = rows(desk, "select * from results.provenance order by host")
    assert [(row["job_id"], row["host"], row["blocks"]) for row in shown] == [(job_id, "a", 2), (job_id, "b", 1)]
    assert (shown[0]["code"], shown[0]["torch"], shown[0]["threads"], shown[0]["tf32"]) == ("abc", "2.9", 2, False)
    assert (shown[0]["cuda"], shown[0]["record"]) == (None, one)
    assert shown[0]["first_finished_at"] <= shown[0]["last_finished_at"]


def test_the_questions_of_the_guide_can_be_asked(desk):
    page = (Path(__file__).parents[3] / "docs/how-to/query-results.md").read_text()
    questions = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    assert questions
    with desk.engine.connect() as connection:
        connection.execute(text("set role holonomy_reader"))
        for question in questions:
            connection.execute(text(question))


def test_jobs_show_where_they_belong(desk):
    job_id = desk.submit(Diagnostic(), project="lab", tags=("night",), priority=3)
    [job] = rows(desk, "select job_id, project, tags, priority, sweep_id, imported from results.jobs")
    assert job == {
        "job_id": job_id,
        "project": "lab",
        "tags": ["night"],
        "priority": 3,
        "sweep_id": None,
        "imported": None,
    }
