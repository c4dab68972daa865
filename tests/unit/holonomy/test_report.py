"""The report of a bracket job, from the tables of a service."""

import polars
import pytest

from holonomy import Brackets, BracketsJob, Client, Training
from holonomy.report import brackets_report, extreme_pairs, fits_table, outputs_table, pairs_table, whereabouts
from tests.support.bracket_tables import DEFECTS
from tests.support.fake_service import World
from tests.support.rendered import rendered


def spec_of(job: BracketsJob) -> Brackets:
    spec = job.detail().spec
    assert isinstance(spec, Brackets)
    return spec


@pytest.fixture
def job(client: Client, world: World) -> BracketsJob:
    training = Training(steps=9, checkpoints=(0, 9))
    parent = client.submit(training)
    found = client.submit(Brackets(training=training, examples=range(5)))
    world.jobs[found.id] = world.jobs[found.id].model_copy(update={"parents": (parent.id,)})
    pairs = [(step, i, j) for step in (0, 9) for i in range(5) for j in range(i + 1, 5)]
    frame = polars.DataFrame(pairs, schema=["step", "i", "j"], orient="row").with_row_index("bracket_norm")
    same = [polars.lit(0.25).alias(name) for name in ("bracket_rms", "defect", "cosine_i", "cosine_j")]
    world.tables["pairs"] = frame.with_columns(polars.col("bracket_norm").cast(polars.Float64), *same)
    world.tables["fits"] = FITS
    world.tables["outputs"] = OUTPUTS
    world.tables["defects"] = DEFECTS
    losses = ("train_loss", "test_loss", "train_accuracy", "test_accuracy", "parameter_norm")
    world.tables["checkpoints"] = polars.DataFrame({"step": [0, 9], **{name: [0.5, 0.25] for name in losses}})
    return found


FITS = polars.DataFrame(
    {
        "step": [0, 9],
        "part": ["bracket", "gauss_newton"],
        "tensors": [5, 1],
        "excluded": [1, 5],
        "intercept": [-0.3, 0.1],
        "residual_sd_decades": [0.17, 0.0],
        "slope": [0.9, None],
        "pearson_r": [0.95, None],
        "r_squared_slope_1": [-0.1, None],
    }
)
OUTPUTS = polars.DataFrame(
    {
        "step": [0] * 4,
        "output": [0, 1, 2, 3],
        "label": ["zero", "one [hair]", "two", "three"],
        "label_rate": [0.1] * 4,
        "logit_rms": [9.0, 1.0, 2.0, 3.0],
        "logit_max": [9.0, 1.0, 2.0, 3.0],
        "probability_rms": [0.1, 0.9, 0.5, 0.3],
    }
)


def test_pairs_are_taken_from_either_end_of_each_checkpoint(job: BracketsJob) -> None:
    norms = extreme_pairs(job, [0, 9]).select("step", "bracket_norm").rows()
    assert norms == [(0, n) for n in (9, 8, 7, 2, 1, 0)] + [(9, n) for n in (19, 18, 17, 12, 11, 10)]


def test_outputs_are_ordered_by_what_their_probability_moves() -> None:
    lines = rendered(outputs_table(OUTPUTS)).splitlines()[1:]
    assert [line[5:].split()[0] for line in lines] == ["1", "2", "3"]
    assert "one [hair]" in lines[0]


def test_a_fit_that_could_not_be_made_is_a_dash() -> None:
    last = rendered(fits_table(FITS)).splitlines()[-1]
    assert last.split() == ["9", "G.–N.", "1", "5", "+0.100", "0.000", "—", "—", "—"]


def test_the_report_says_how_its_numbers_are_to_be_read(job: BracketsJob) -> None:
    report = " ".join("".join(rendered(part) for part in brackets_report(job, spec_of(job))).split())
    assert "[v_i, v_j] = H_j g_i − H_i g_j" in report
    assert "no power of the learning rate" in report
    assert "symmetric in i and j" in report
    assert "in decades" in report
    assert "p(1 − p)" in report


def test_the_report_fits_a_terminal_of_80_columns(job: BracketsJob) -> None:
    lines = "".join(rendered(part) for part in brackets_report(job, spec_of(job))).splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80


def test_the_ends_of_each_checkpoint_are_named(job: BracketsJob) -> None:
    table = rendered(pairs_table(extreme_pairs(job, [0, 9]))).splitlines()[1:]
    heads = [line.split()[:2] for line in table if "est" in line]
    assert heads[0] == ["0", "largest"]
    assert heads[1][0] == "smallest"
    assert heads[2] == ["9", "largest"]
    assert len(table) == 12


def test_every_snippet_of_the_whereabouts_is_about_the_job(job: BracketsJob, client: Client, world: World) -> None:
    world.objects["tile"] = bytes(2**20)
    text = whereabouts(job, job.manifest(), client.status())
    assert f"holonomy results {job.id} --table pairs --step 9" in text
    assert f"where job_id = {job.id} and step = 9" in text
    assert "1 objects, 1.0 MiB" in text
    assert job.detail().digest in text


def test_flags_are_pointed_to_where_outputs_moved(job: BracketsJob) -> None:
    report = " ".join("".join(rendered(part) for part in brackets_report(job, spec_of(job))).split())
    assert f"`holonomy flags {job.id}` says which stand out" in report
