"""Results of earlier versions stay readable, and a migration can be taken back."""

import math

from sqlalchemy import text

from service.db.engine import connect
from service.db.migrate import downgrade, upgrade

PAIR = {
    "job_id": 7,
    "step": 10,
    "i": 1,
    "j": 2,
    **dict.fromkeys(
        ("bracket_norm", "bracket_rms", "gradient_norm_i", "gradient_norm_j", "cosine_i", "cosine_j"), 0.5
    ),
    **dict.fromkeys(
        ("gradient_cosine", "defect", "hvp_norm_ij", "hvp_norm_ji", "cancellation", "loss_i", "loss_j"), 0.5
    ),
    "logit_rms": 2.0,
    "logit_max": 3.0,
    "object": "tiles/a",
    "position": 4,
}
FIT = {"job_id": 7, "step": 10, "tensors": 3, "excluded": 0}
OUTPUT = {"job_id": 7, "step": 10, "label": "a", "logit_rms": 2.0, "logit_max": 3.0, "slack": 0.25}
SHARES = {"probability_rms": 0.1, "label_rate": 0.5}


def rows(connection, query):
    return [dict(row) for row in connection.execute(text(query)).mappings()]


def insert(connection, table, row):
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    connection.execute(text(f"insert into {table} ({names}) values ({values})"), row)  # noqa: S608 - the test's own names


def shown(connection):
    return [rows(connection, f"table results.{view}") for view in ("jobs", "checkpoints", "pairs")]


def test_logit_perturbations_move_to_their_table_and_back(postgres_url):
    upgrade(postgres_url, "0002")
    engine = connect(postgres_url)
    with engine.begin() as connection:
        insert(connection, "pairs", PAIR)
        insert(connection, "pairs", PAIR | {"j": 3, "logit_rms": None, "logit_max": None})
        insert(connection, "fits", FIT)
        for output in range(4):
            insert(connection, "outputs", OUTPUT | SHARES | {"output": output})
        before = rows(connection, "select * from results.pairs order by j")
    upgrade(postgres_url)
    with engine.connect() as connection:
        [moved] = rows(connection, "select * from results.perturbations")
        assert (moved["j"], moved["logit_rms"], moved["object"], moved["position"]) == (2, 2.0, "tiles/a", 4)
        assert moved["norm_euclidean"] == 4.0
        assert math.isnan(moved["norm_softmax"])
        assert [row["recomputed"] for row in rows(connection, "select * from results.pairs")] == [False, False]
        assert [row["part"] for row in rows(connection, "select * from results.fits")] == ["bracket"]
        assert {row["normalised_rms"] for row in rows(connection, "select * from results.outputs")} == {None}
    with engine.begin() as connection:
        insert(connection, "fits", FIT | {"part": "gauss_newton"})
    downgrade(postgres_url, "0002")
    with engine.connect() as connection:
        assert rows(connection, "select * from results.pairs order by j") == before
        assert len(rows(connection, "select * from results.fits")) == 1
        assert rows(connection, "select to_regclass('perturbations') as there") == [{"there": None}]
    upgrade(postgres_url)
    engine.dispose()


def test_bracket_jobs_that_are_not_done_begin_anew(postgres_url):
    states = {1: "running", 2: "cancelling", 3: "failed", 4: "done", 5: "queued"}
    upgrade(postgres_url, "0002")
    engine = connect(postgres_url)
    with engine.begin() as connection:
        for job, state in states.items():
            blocks = {"blocks_total": 2 * (state != "queued"), "blocks_done": 1 * (state != "queued")}
            base = {"digest": str(job), "spec": "{}", "submitted_by": "a", "version": "0", "phase_end": 2}
            insert(connection, "jobs", base | blocks | {"kind": "brackets", "state": state})
            insert(connection, "pairs", PAIR | {"job_id": job})
            if blocks["blocks_total"]:
                base = {"phase": 0, "payload": "{}", "needs": "[]", "device": "any", "state": "done"}
                insert(connection, "blocks", base | {"job_id": job, "seq": 0, "kind": "bracket_tile"})
    upgrade(postgres_url)
    with engine.connect() as connection:
        found = {row["id"]: row for row in rows(connection, "select * from jobs order by id")}
        assert [row["state"] for row in found.values()] == ["queued", "cancelled", "failed", "done", "queued"]
        assert [row["blocks_total"] for row in found.values()] == [0, 0, 0, 2, 0]
        assert found[2]["finished_at"] is not None
        assert rows(connection, "select distinct job_id from blocks") == [{"job_id": 4}]
        assert [row["job_id"] for row in rows(connection, "select job_id from pairs order by 1")] == [4, 5]
    engine.dispose()


def test_replica_jobs_leave_with_their_tables(postgres_url):
    upgrade(postgres_url)
    engine = connect(postgres_url)
    with engine.begin() as connection:
        base = {"spec": "{}", "submitted_by": "a", "version": "0"}
        for kind in ("replicas", "training"):
            insert(connection, "jobs", base | {"digest": kind, "kind": kind})
        insert(
            connection, "replica_growth", {"job_id": 1, "arm": "a", "law": "sqrt", "points": 3, "start": 1, "stop": 9}
        )
    downgrade(postgres_url, "0003")
    with engine.connect() as connection:
        assert rows(connection, "select kind from jobs") == [{"kind": "training"}]
        assert rows(connection, "select to_regclass('results.replica_growth') as there") == [{"there": None}]
    upgrade(postgres_url)
    with engine.connect() as connection:
        assert rows(connection, "select * from results.replica_growth") == []
    engine.dispose()


def test_replica_jobs_go_with_their_tables_and_no_other_job_does(postgres_url):
    base = {"spec": "{}", "submitted_by": "a", "version": "0", "state": "done", "phase_end": 1}
    upgrade(postgres_url, "0003")
    engine = connect(postgres_url)
    with engine.begin() as connection:
        insert(connection, "jobs", base | {"kind": "training", "digest": "1"})
        insert(connection, "training_steps", {"job_id": 1, "step": 1, "loss": 0.5, "gradient_norm": 1.5, "lr": 0.1})
        before = rows(connection, "select * from results.training_steps")
    upgrade(postgres_url)
    with engine.begin() as connection:
        assert rows(connection, "select * from results.training_steps") == before
        insert(connection, "jobs", base | {"kind": "replicas", "digest": "2"})
        block = {"phase": 0, "payload": "{}", "needs": "[]", "device": "any", "state": "done", "job_id": 2, "seq": 0}
        insert(connection, "blocks", block | {"kind": "replica_summary"})
        counted = {"train_examples": 1, "test_examples": 1}
        insert(connection, "replica_metrics", {"job_id": 2, "step": 0, "replica": 0, **counted})
        assert len(rows(connection, "select * from results.replica_metrics")) == 1
    downgrade(postgres_url, "0003")
    with engine.connect() as connection:
        assert rows(connection, "select id, kind from jobs") == [{"id": 1, "kind": "training"}]
        assert rows(connection, "select * from results.training_steps") == before
        assert rows(connection, "select * from blocks") == []
    upgrade(postgres_url)
    with engine.connect() as connection:
        assert rows(connection, "select * from replica_metrics") == []
    engine.dispose()


def test_views_come_and_go_with_units_and_leave_rows_alone(postgres_url):
    upgrade(postgres_url, "0004")
    engine = connect(postgres_url)
    said = "select col_description('results.pairs'::regclass, 6) as said"
    with engine.begin() as connection:
        spec = '{"kind": "training", "steps": 10, "optimizer": {"kind": "sgd", "lr": 0.5}}'
        job = {"spec": spec, "submitted_by": "a", "version": "0", "kind": "training", "digest": "1"}
        insert(connection, "jobs", job)
        losses = dict.fromkeys(("train_loss", "test_loss", "train_accuracy", "test_accuracy", "parameter_norm"), 0.5)
        insert(connection, "checkpoints", {"job_id": 1, "step": 10, **losses, "requested": True})
        insert(connection, "pairs", {key: PAIR[key] for key in PAIR if key[:5] != "logit"} | {"recomputed": False})
        before = shown(connection)
        assert rows(connection, said) == [{"said": "bracket_norm / √P."}]
    upgrade(postgres_url)
    with engine.connect() as connection:
        [run] = rows(connection, "select lr, steps, last_step, test_loss, seed, project from results.runs")
        assert run == {"lr": 0.5, "steps": 10, "last_step": 10, "test_loss": 0.5, "seed": None, "project": "default"}
        assert rows(connection, said) == [{"said": "bracket_norm / √P. Unit: loss²·θ⁻³."}]
    downgrade(postgres_url, "0004")
    with engine.connect() as connection:
        assert shown(connection) == before
        assert rows(connection, "select to_regclass('results.runs') as there") == [{"there": None}]
        connection.execute(text("set role holonomy_reader"))
        assert rows(connection, "select count(*) as jobs from results.jobs") == [{"jobs": 1}]
    upgrade(postgres_url)
    engine.dispose()
