"""Writes the JSON Schemas of the specs into `schemas/json`, or with `--check` says whether they have drifted."""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from schemas.blocks import BlockRecord, payload
from schemas.datasets import DatasetImport
from schemas.jobs import Submission, job_spec
from schemas.schedules import ScheduleRequest
from schemas.sweeps import Sweep

FOLDER = Path(__file__).parent / "json"
ADAPTERS: dict[str, TypeAdapter[Any]] = {
    "job-spec": job_spec,
    "submission": TypeAdapter(Submission),
    "sweep": TypeAdapter(Sweep),
    "schedule": TypeAdapter(ScheduleRequest),
    "block-payload": payload,
    "block-record": TypeAdapter(BlockRecord),
    "dataset-import": TypeAdapter(DatasetImport),
}


def rendered() -> dict[Path, str]:
    """The text that each schema file should hold."""
    return {
        FOLDER / f"{name}.json": json.dumps(adapter.json_schema(), indent=2, ensure_ascii=False) + "\n"
        for name, adapter in ADAPTERS.items()
    }


def main(arguments: list[str]) -> int:
    """Write the files, or check them: 1 and one line per file that differs."""
    files = rendered()
    if arguments == ["--check"]:
        stale = [path for path, text in files.items() if not path.exists() or path.read_text() != text]
        for path in stale:
            sys.stderr.write(f"{path.name} does not match the models: run `python -m schemas.generate`\n")
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for path, text in files.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
