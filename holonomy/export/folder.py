"""Reads an export: its manifest, and whether every file is what the manifest says."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError

from holonomy.errors import BadFile
from holonomy.export.download import digest_of
from schemas.exports import FORMAT_VERSION, ExportedFile, ExportManifest

MANIFEST = "manifest.json"
_AT_ONCE = 2


def read_manifest(folder: Path) -> ExportManifest:
    """The manifest of an export.

    Raises:
        BadFile: there is none, or it is damaged, of another format, or names files elsewhere.
    """
    path = folder / MANIFEST
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        started = (folder / "tables").is_dir()
        raise BadFile(
            f"{folder} has no {MANIFEST}: "
            + ("its export did not end; run it again" if started else "name the folder of an export")
        ) from None
    except (OSError, ValueError) as error:
        raise BadFile(f"{path} cannot be read: {error}") from None
    if not isinstance(value, dict) or value.get("format") != "holonomy-export":
        raise BadFile(f"{path} is not the manifest of an export")
    if value.get("format_version") != FORMAT_VERSION:
        raise BadFile(
            f"{path} is of format version {value.get('format_version')}, and this version of Holonomy reads "
            f"{FORMAT_VERSION}: use the version that wrote it, {value.get('version')}"
        )
    try:
        manifest = ExportManifest.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadFile(f"{path} is damaged ({where}: {first['msg']}): copy or export it again") from None
    for file in manifest.files:
        parts = PurePosixPath(file.path)
        if parts.is_absolute() or ".." in parts.parts:
            raise BadFile(f"{path} names a file outside its folder, {file.path!r}: it is no export of ours")
    return manifest


def check_files(folder: Path, manifest: ExportManifest, report: Callable[[int, int], None]) -> None:
    """Return when every file has the length and digest that the manifest says.

    Raises:
        BadFile: one has not; the message says which, what was expected and what came.
    """
    total, done = sum(file.size_bytes for file in manifest.files), 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        checks = pool.map(lambda file: (file, _fault(folder, file)), manifest.files)
        for file, fault in checks:
            if fault is not None:
                pool.shutdown(cancel_futures=True)
                raise BadFile(
                    f"{folder / file.path} {fault}: nothing was imported; copy that file again from where the export "
                    "was written, or run `holonomy export` there again"
                )
            done += file.size_bytes
            report(done, total)


def _fault(folder: Path, file: ExportedFile) -> str | None:
    path = folder / file.path
    try:
        size = path.stat().st_size
        came = digest_of(path) if size == file.size_bytes else ""
    except FileNotFoundError:
        return "is not there"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if size != file.size_bytes:
        return f"has {size:,} bytes where the manifest says {file.size_bytes:,}"
    return None if came == file.sha256 else f"has sha256 {came} where the manifest says {file.sha256}"


def provenance_of(blocks: Path) -> tuple[dict[str, Any], ...]:
    """What the blocks of a job were computed with, each distinct set of facts once."""
    import polars

    facts = polars.scan_parquet(blocks).select(
        polars.col("record").str.json_path_match("$.provenance").alias("provenance")
    )
    texts = facts.unique(maintain_order=True).collect()["provenance"].drop_nulls()
    return tuple(found for text in texts if (found := json.loads(text)))
