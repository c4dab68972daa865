"""Writes the API's OpenAPI document to `docs/reference`, or with `--check` says whether it has drifted."""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from schemas.generated import keep
from service.api.app import app
from service.settings import Settings

FILE = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"


def document() -> dict[str, Any]:
    """The document. Nothing is connected to."""
    settings = Settings(database_url=SecretStr("postgresql://localhost/holonomy"), s3_bucket="holonomy")
    return app(settings).openapi()


def rendered() -> str:
    """The text that the file should hold."""
    return json.dumps(document(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def main(arguments: list[str]) -> int:
    """Write the file, or check it: 1 and one line when it differs."""
    return keep({FILE: rendered()}, "the routes", "service.api.openapi", check=arguments == ["--check"])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
