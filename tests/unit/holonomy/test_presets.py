"""Presets are complete specs."""

from holonomy.presets import digits_brackets
from schemas.data import count_examples
from schemas.jobs import job_spec


def test_the_demo_is_what_the_readme_says() -> None:
    spec = digits_brackets()
    assert count_examples(spec.examples) == 16
    assert spec.test_examples is not None
    assert count_examples(spec.test_examples) == 32
    assert spec.checkpoints == (0, 10, 30, 100, 300, 1000)
    assert (spec.training.model.kind, spec.training.loss.kind) == ("convnet", "binary_cross_entropy")
    assert job_spec.validate_json(spec.model_dump_json()) == spec
