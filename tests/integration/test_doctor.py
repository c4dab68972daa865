"""The doctor before real servers, and before what is wrong with them."""

from pathlib import Path

import pytest

from service.db.migrate import upgrade
from service.doctor import Finding, examine
from service.embedded.ports import free_port
from service.embedded.ray_head import RayHead

_VARIABLES = ("HOLONOMY_DATABASE_URL", "HOLONOMY_S3_BUCKET", "HOLONOMY_RAY_ADDRESS", "HOLONOMY_LEASE_SECONDS")


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)


def _by_name(folder: Path) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(folder)}


def test_everything_is_well(
    tmp_path: Path, postgres_url: str, s3_bucket, ray_cluster: RayHead, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(postgres_url)
    monkeypatch.setenv("HOLONOMY_DATABASE_URL", postgres_url)
    for name, value in ray_cluster.client_environment.items():
        monkeypatch.setenv(name, value)
    findings = _by_name(tmp_path)
    assert {name for name, finding in findings.items() if finding.state == "failed"} == set()
    assert {"libraries", "database", "schema", "bucket", "conditional writes", "ray", "gpus", "disk"} == set(findings)
    assert "2 cores" in findings["ray"].found


def test_a_schema_that_is_behind_is_mended_by_an_upgrade(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLONOMY_DATABASE_URL", postgres_url)
    schema = _by_name(tmp_path)["schema"]
    assert (schema.state, schema.mend) == ("failed", "holonomy db upgrade")


def test_what_is_not_set_is_named(tmp_path: Path) -> None:
    findings = _by_name(tmp_path)
    for name, variable in zip(("database", "bucket", "ray"), _VARIABLES, strict=False):
        assert findings[name].state == "failed"
        assert variable in findings[name].found
        assert findings[name].mend


def test_servers_that_do_not_answer_or_refuse_are_told_in_one_line(
    tmp_path: Path, s3_bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLONOMY_DATABASE_URL", f"postgresql://u:hidden@127.0.0.1:{free_port()}/x")
    monkeypatch.setenv("HOLONOMY_RAY_ADDRESS", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    findings = _by_name(tmp_path)
    for name, words in {"database": "refused", "ray": "refused", "bucket": "SignatureDoesNotMatch"}.items():
        assert findings[name].state == "failed"
        assert words in findings[name].found
        assert "\n" not in findings[name].found
    assert "hidden" not in str(findings)


def test_a_setting_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLONOMY_LEASE_SECONDS", "soon")
    configuration = _by_name(tmp_path)["configuration"]
    assert configuration.state == "failed"
    assert "HOLONOMY_LEASE_SECONDS" in configuration.found
