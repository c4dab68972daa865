"""What a bench made of cases refuses before it runs any."""

import sys

import pytest
import torch

from bench.command import run_cases


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--save", "--quick"], "--save keeps the whole table"),
        (["--save", "--only", "training"], "--save keeps the whole table"),
        (["--only", "else"], "invalid choice: 'else'"),
        pytest.param(
            ["--device", "cuda"],
            "--device cuda needs a GPU",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU"),
        ),
    ],
)
def test_what_cannot_be_measured_is_said_in_a_line(
    options: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", *options])
    with pytest.raises(SystemExit):
        run_cases("replicas", {"training": lambda _: []})
    assert message in capsys.readouterr().err
