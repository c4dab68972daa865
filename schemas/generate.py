"""Writes the JSON Schemas of the specs into `schemas/json`, or with `--check` says whether they have drifted."""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from schemas.blocks import BlockRecord, payload
from schemas.datasets import DatasetImport
from schemas.generated import keep
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
    return keep(rendered(), "the models", "schemas.generate", check=arguments == ["--check"])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
