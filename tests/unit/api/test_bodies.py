import pytest

from schemas.jobs import Submission
from service.api.bodies import storable


def with_options(options: object) -> Submission:
    model = {"kind": "registry", "name": "m", "options": options}
    return Submission.model_validate({"spec": {"kind": "training", "steps": 1, "model": model}})


def test_ordinary_text_passes() -> None:
    body = with_options({"a": ["ü", 1.5, None, {"b": "\\u0000"}]})
    assert storable(body) is body


@pytest.mark.parametrize(
    ("options", "detail"),
    [
        ({"a": ["x", "y\0"]}, r"spec\.model\.options\.a\[1\] is not"),
        ({"a\0": 1}, r"spec\.model\.options is not"),
    ],
)
def test_what_cannot_be_stored_is_refused(options: object, detail: str) -> None:
    with pytest.raises(ValueError, match=detail):
        storable(with_options(options))
