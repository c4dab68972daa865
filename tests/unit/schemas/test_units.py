"""Units are read as powers; those of the result tables agree with the formulas of their columns."""

import re
from fractions import Fraction

import pytest

from schemas import units
from schemas.results import RESULT_TABLES

LR = {"reorderings.lr": 1}
TIMES_LR2 = {"reorderings.lr": 2}
RELATIONS: dict[str, dict[str, int]] = {
    # What each column is made of: the column's unit is the product of those of the right side, to these powers.
    "pairs.hvp_norm_ij": {"pairs.bracket_norm": 1},
    "pairs.gauss_newton_norm": {"pairs.bracket_norm": 1},
    "pairs.bracket_rms": {"pairs.bracket_norm": 1},
    "pairs.gradient_norm_i": {"pairs.loss_i": 1, "checkpoints.parameter_norm": -1},
    "pairs.defect": {"pairs.bracket_norm": 1, "pairs.gradient_norm_i": -1, "pairs.gradient_norm_j": -1},
    "pairs.cancellation": {"pairs.bracket_norm": 1, "pairs.hvp_norm_ij": -1},
    "tensors.bracket_rms": {"pairs.bracket_norm": 1},
    "tensors.gauss_newton_rms": {"pairs.bracket_norm": 1},
    "tensors.gradient_rms": {"training_steps.gradient_norm": 1},
    "defects.median": {"pairs.defect": 1},
    "defects.null_median": {"pairs.defect": 1},
    "verifications.bracket_norm": {"pairs.bracket_norm": 1},
    "minibatches.bracket_norm": {"pairs.bracket_norm": 1},
    "minibatches.defect": {"minibatches.bracket_norm": 1, "minibatches.gradient_norm_b": -2},
    # A step of plain gradient descent, and a swap, are moves of θ.
    "checkpoints.parameter_norm": LR | {"training_steps.gradient_norm": 1},
    "replica_metrics.distance": TIMES_LR2 | {"pairs.bracket_norm": 1},
    "reorderings.exact_norm": {"checkpoints.parameter_norm": 1, "reorderings.lr": -2},
    "reorderings.predicted_norm": {"reorderings.exact_norm": 1},
    "reorderings.relative_error": {"reorderings.exact_norm": 1, "reorderings.predicted_norm": -1},
    "reorderings.realised_loss": {"checkpoints.test_loss": 1, "reorderings.lr": -2},
    "reorderings.predicted_loss": {"training_steps.gradient_norm": 1, "reorderings.predicted_norm": 1},
    # Swaps seen in logits: J = ∂z/∂θ, and times lr² they are a distance of logits.
    "replica_metrics.logit_distance": TIMES_LR2 | {"perturbations.logit_rms": 1},
    "perturbations.norm_euclidean": {"perturbations.logit_rms": 1},
    "perturbations.norm_softmax": {"perturbations.norm_bernoulli": 1},
    "outputs.logit_rms": {"perturbations.logit_rms": 1},
    "outputs.normalised_rms": {"outputs.logit_rms": 1, "outputs.slack": -1},
    "outputs.probability_rms": {"outputs.logit_rms": 1, "outputs.slack": 1},
    "replica_growth.rss": {"replica_metrics.distance": 2},
    "replica_exponents.log_growth": {"replica_exponents.exponent": 1, "replica_exponents.step": 1},
    "replica_tensors.relative_now": {"replica_tensors.distance": 1, "replica_baseline.norm": -1},
}
SIGNED = re.compile(r"(^|_)(cosine(_i|_j)?|difference|exponent|log_growth|correlation|pearson_r|slope|intercept)$")
SIGNED_BY_MEANING = {"replica_growth.aic_difference", "fits.free_intercept"}
ALL = {f"{table.name}.{column.name}": column for table in RESULT_TABLES.values() for column in table.columns}


@pytest.mark.parametrize(
    ("unit", "powers"),
    [
        ("1", {}),
        ("loss²·θ⁻³", {"loss": 2, "θ": -3}),
        ("θ·√step⁻¹", {"θ": 1, "step": Fraction(-1, 2)}),
        ("nat·nat⁻¹²", {"nat": -11}),
    ],
)
def test_a_product_is_read_as_powers(unit: str, powers: dict[str, Fraction]) -> None:
    assert units.powers(unit) == powers


@pytest.mark.parametrize("unit", ["", "theta", "loss2", "loss·", "loss θ", "count·θ"])
def test_what_is_no_product_is_refused(unit: str) -> None:
    with pytest.raises(ValueError, match=r"a unit is a product of powers of loss, θ, .*; came"):
        units.powers(unit)
    assert not units.known(unit)


@pytest.mark.parametrize("unit", ["count", "yes/no", "1 or θ", "by target", "θ⁻¹"])
def test_words_and_alternatives_are_known(unit: str) -> None:
    assert units.known(unit)


def test_every_column_has_a_unit_of_its_type() -> None:
    for name, column in ALL.items():
        assert units.known(column.unit), name
        match column.type:
            case "text":
                assert column.unit == "name", name
            case "bool":
                assert column.unit == "yes/no", name
            case "int":
                assert column.unit in ("index", "count", "step"), name
            case "float":
                assert column.unit not in units.WORDS or column.unit == "count", name


@pytest.mark.parametrize("name", RELATIONS)
def test_units_agree_with_formulas(name: str) -> None:
    made = dict[str, Fraction]()
    for factor, power in RELATIONS[name].items():
        for symbol, exponent in units.powers(ALL[factor].unit).items():
            made[symbol] = made.get(symbol, Fraction(0)) + exponent * power
    assert units.powers(ALL[name].unit) == {symbol: power for symbol, power in made.items() if power}


def test_signs_are_told_where_they_are_a_convention() -> None:
    matter = {name for name, column in ALL.items() if SIGNED.search(column.name)} - SIGNED_BY_MEANING
    assert {name for name in matter if ALL[name].sign is None} == set()
    assert ALL["projections.value"].sign is not None
    assert ALL["reorderings.predicted_loss"].sign == ALL["reorderings.realised_loss"].sign
    assert all(column.sign is None for column in ALL.values() if column.type in ("text", "bool"))
