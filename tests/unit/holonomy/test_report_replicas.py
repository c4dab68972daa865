"""The report of a replica job, from the tables of a service."""

import polars
import pytest

from holonomy import Client, ReplicasJob
from holonomy.report_replicas import (
    answers_table,
    baseline_table,
    diverged,
    drift_table,
    exponents_table,
    floor,
    growth_table,
    paths_table,
    replicas_report,
    stability_table,
    stability_title,
)
from tests.support.fake_service import World
from tests.support.rendered import rendered
from tests.support.replica_tables import (
    BASELINE,
    EXPONENTS,
    GROWTH,
    ROWS,
    SPEC,
    STABILITY,
    STATISTICS,
    TABLES,
)


@pytest.fixture
def job(client: Client, world: World) -> ReplicasJob:
    world.tables = dict(TABLES)
    return client.submit(SPEC)


def words(table) -> list[list[str]]:
    return [line.split() for line in rendered(table).splitlines()[1:]]


def test_one_row_per_arm_says_how_far_it_drifted() -> None:
    assert words(drift_table(SPEC, ROWS, STATISTICS)) == [
        ["near", "0.01", "2", "0.06", "2.5", "0.5", "2.25–2.75", "0.25"],
        ["other", "—", "2", "—", "2.5", "0.5", "2.25–2.75", "0.25"],
    ]


def test_one_row_per_arm_says_how_its_answers_differ() -> None:
    assert words(answers_table(SPEC, STATISTICS)) == [
        [arm, "0.9688", "-0.0312", "+1.25e-01", "0.0625"] for arm in ("near", "other")
    ]
    assert words(answers_table(SPEC, STATISTICS.clear()))[0] == ["near", *["—"] * 4]


def test_an_arm_of_which_nothing_is_finite_has_dashes() -> None:
    nothing = STATISTICS.clear()
    assert words(drift_table(SPEC, ROWS, nothing))[0] == ["near", "0.01", "0", "0.06", "—", "—", "—", "—"]


def test_the_floor_is_said_to_have_held() -> None:
    assert "Floor: held. The ε = 0 twin of each of 2 groups was bit by bit the" in rendered(floor(ROWS))
    alone = ROWS.filter(polars.col("replica") >= -1)
    assert "twin of the one group" in rendered(floor(alone))


def test_a_floor_that_did_not_hold_is_loud() -> None:
    broken = ROWS.with_columns(
        polars.when(replica=-2).then(1e-4).otherwise("distance").alias("distance"),
        (polars.col("group_number") != 1).alias("floor_held"),
    )
    remark = floor(broken)
    assert "red" in str(remark.style)
    text = " ".join(rendered(remark).split())
    assert "FLOOR NOT HELD in group 1" in text
    assert "(twins by up to 0.0001)" in text


def test_replicas_that_diverged_are_counted() -> None:
    remark = diverged(ROWS)
    assert remark is not None
    assert "Diverged: 1 of arm other, first seen at step 10." in rendered(remark)
    assert diverged(ROWS.filter(polars.col("diverged_step").is_null())) is None


def test_paths_are_as_they_are_and_aligned(job: ReplicasJob) -> None:
    assert words(paths_table(job)) == [
        ["near", "2.5", "1", "+0.500", "+0.125", "+0.500", "+0.125"],
        ["other", "4.5", "3", "+0.500", "+0.125", "+0.500", "+0.125"],
    ]


def test_what_was_not_asked_for_is_a_dash(client: Client, world: World) -> None:
    world.tables = dict(TABLES)
    plain = client.submit(SPEC.model_copy(update={"barriers": None}))
    assert words(paths_table(plain))[0] == ["near", "2.5", "1", "—", "—", "—", "—"]
    bare = client.submit(SPEC.model_copy(update={"alignment": None}))
    assert words(paths_table(bare))[0][:3] == ["near", "—", "—"]


def test_the_best_law_is_shown_with_the_next() -> None:
    assert words(growth_table(GROWTH, SPEC.arm_names)) == [
        ["near", "linear", "1", "0.5", "sqrt", "3", "2", "1–20"],
        ["other", *["—"] * 7],
    ]
    only = GROWTH.filter(law="linear")
    assert words(growth_table(only, ["near"]))[0][4:6] == ["—", "—"]


def test_exponents_are_those_of_the_whole_run() -> None:
    assert words(exponents_table(EXPONENTS)) == [["0", "+1.00e-03", "+2.30e-02", "20"]]


def test_the_stability_time_stands_in_the_title() -> None:
    assert stability_title(STABILITY, SPEC) == "Stability time: step 5 (barrier below 0.02)"
    never = STABILITY.with_columns(polars.lit(None, polars.Int64).alias("stability_time"))
    assert stability_title(never, SPEC) == "No arm is stable (barrier below 0.02)"
    assert words(stability_table(STABILITY)) == [["other", "5", "+0.015", "—", "yes"]]


def test_of_many_checkpoints_the_ends_are_shown() -> None:
    many = polars.concat([BASELINE.head(1).with_columns(polars.lit(step).alias("step")) for step in range(40)])
    steps = [int(row[0]) for row in words(baseline_table(many, tuple(range(40))))]
    assert steps == [*range(6), *range(34, 40)]


def test_the_report_fits_a_terminal_of_80_columns(job: ReplicasJob) -> None:
    text = "".join(rendered(part) for part in replicas_report(job))
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    for title in (
        "How their answers differ",
        "The baseline",
        "How far replicas drifted",
        "Paths to the baseline",
        "Lyapunov exponents",
    ):
        assert title in text


def test_wide_numbers_fit_a_terminal_of_80_columns() -> None:
    name = "per-tensor-0.001"
    arms = [arm.model_copy(update={"name": name}) for arm in SPEC.arms[:1]]
    spec = SPEC.model_copy(update={"arms": tuple(arms)})
    wide = {"mean": 0.00231, "sd": 0.00157, "low": 0.0152, "high": 0.0171, "count": 10}
    end = STATISTICS.filter(arm="near").with_columns(
        polars.lit(name).alias("arm"), *(polars.lit(value).alias(column) for column, value in wide.items())
    )
    rows = ROWS.with_columns(polars.lit(name).alias("arm"), polars.lit(0.00608).alias("start_distance"))
    growth = GROWTH.filter(arm="near").with_columns(
        polars.lit(name).alias("arm"),
        polars.lit(0.00235).alias("a"),
        polars.lit(-0.000404).alias("b"),
        polars.Series("law", ["exponential", "power"]),
        polars.lit(235).alias("points"),
        polars.lit(23_450).alias("stop"),
    )
    for table in (drift_table(spec, rows, end), answers_table(spec, end), growth_table(growth, [name])):
        assert max(len(line.rstrip()) for line in rendered(table).splitlines()) <= 80


def test_what_a_job_did_not_ask_for_has_no_section(client: Client, world: World) -> None:
    world.tables = dict(TABLES) | {"replica_growth": GROWTH.clear(), "replica_stability": STABILITY.clear()}
    plain = client.submit(SPEC.model_copy(update={"alignment": None, "barriers": None, "lyapunov": None}))
    text = "".join(rendered(part) for part in replicas_report(plain))
    for title in ("Paths", "Lyapunov", "How distances grow", "stable"):
        assert title not in text
