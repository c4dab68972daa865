from typing import Any

import pytest

from service.api import openapi

OPERATIONS = [
    pytest.param(path, operation, id=f"{method.upper()} {path}")
    for path, methods in openapi.document()["paths"].items()
    for method, operation in methods.items()
]


def test_the_committed_document_is_that_of_the_routes() -> None:
    assert openapi.main(["--check"]) == 0


def test_drift_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(openapi, "FILE", tmp_path / "reference" / "openapi.json")
    monkeypatch.setattr(openapi, "document", lambda: {"openapi": "3.1.0"})
    assert openapi.main(["--check"]) == 1
    assert "run `python -m service.api.openapi`" in capsys.readouterr().err
    assert openapi.main([]) == 0
    assert openapi.main(["--check"]) == 0


@pytest.mark.parametrize(("path", "operation"), OPERATIONS)
def test_every_operation_is_described_guarded_and_lists_its_problems(path: str, operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]
    assert ("security" in operation) == path.startswith("/v1/")
    assert {"500", "503"} <= operation["responses"].keys()
    for parameter in operation.get("parameters", ()):
        assert parameter["description"], parameter["name"]
    for status, response in operation["responses"].items():
        assert response["description"]
        if int(status) >= 400:
            assert list(response["content"]) == ["application/problem+json"]
