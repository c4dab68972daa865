"""Folders that are exports, and others."""

import json
from datetime import UTC, datetime
from pathlib import Path

import polars
import pytest

from holonomy.errors import BadFile
from holonomy.export.folder import check_files, provenance_of, read_manifest
from schemas.exports import ExportedFile, ExportManifest

SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def file(path: str = "tables/job_id=1/pairs.parquet", **fields: object) -> ExportedFile:
    known = {"sha256": SHA, "size_bytes": 4, "job_id": 1, "what": "table", "name": "pairs", "rows": 1}
    return ExportedFile(path=path, **{**known, **fields})


def written(folder: Path, *files: ExportedFile, **changes: object) -> Path:
    manifest = ExportManifest(
        exported_at=datetime(2026, 1, 1, tzinfo=UTC), source="http://x", version="1", jobs=(), files=files
    )
    (folder / "manifest.json").write_text(json.dumps(manifest.model_dump(mode="json") | changes))
    return folder


def test_a_manifest_comes_back(tmp_path: Path) -> None:
    assert read_manifest(written(tmp_path, file())).files == (file(),)


def test_a_folder_without_a_manifest(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"has no manifest\.json: name the folder of an export"):
        read_manifest(tmp_path)
    (tmp_path / "tables").mkdir()
    with pytest.raises(BadFile, match=r"has no manifest\.json: its export did not end; run it again"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"format": "tar"}, "is not the manifest of an export"),
        ({"format_version": 9}, "is of format version 9, and this version of Holonomy reads 1: use the version that"),
        ({"files": 3}, r"is damaged \(files: .*\): copy or export it again"),
    ],
)
def test_a_manifest_that_cannot_be_used(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    with pytest.raises(BadFile, match=told):
        read_manifest(written(tmp_path, **changes))


def test_a_manifest_that_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(BadFile, match="cannot be read"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("path", ["/etc/passwd", "../../secret", "tables/../../x"])
def test_a_manifest_never_leads_outside_its_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(BadFile, match="names a file outside its folder"):
        read_manifest(written(tmp_path, file(path)))


def test_files_are_checked_before_anything_else(tmp_path: Path) -> None:
    manifest = read_manifest(written(tmp_path, file("a"), file("b")))
    told = list[tuple[int, int]]()
    (tmp_path / "a").write_bytes(b"test")
    (tmp_path / "b").write_bytes(b"test")
    check_files(tmp_path, manifest, lambda done, total: told.append((done, total)))
    assert told == [(4, 8), (8, 8)]
    (tmp_path / "b").write_bytes(b"tent")
    with pytest.raises(BadFile, match=f"b has sha256 [0-9a-f]+ where the manifest says {SHA}: nothing was imported"):
        check_files(tmp_path, manifest, lambda *_: None)
    (tmp_path / "b").write_bytes(b"te")
    with pytest.raises(BadFile, match="b has 2 bytes where the manifest says 4: nothing was imported"):
        check_files(tmp_path, manifest, lambda *_: None)
    (tmp_path / "b").unlink()
    with pytest.raises(BadFile, match="b is not there: nothing was imported"):
        check_files(tmp_path, manifest, lambda *_: None)
    (tmp_path / "b").mkdir()
    with pytest.raises(BadFile, match=r"b (cannot be read|has)"):
        check_files(tmp_path, manifest, lambda *_: None)


def test_provenance_is_each_distinct_set_of_facts_once(tmp_path: Path) -> None:
    records = [{"provenance": {"torch": "2"}}, {"provenance": {"torch": "3"}}, {"provenance": {"torch": "2"}}, {}]
    polars.DataFrame({"record": [json.dumps(record) for record in records]}).write_parquet(tmp_path / "blocks")
    assert provenance_of(tmp_path / "blocks") == ({"torch": "2"}, {"torch": "3"})
