"""Canonical JSON and digests: equal specs have equal bytes, and their digest names them for ever."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from schemas.base import Digest


def canonical_json(value: BaseModel | Mapping[str, Any]) -> bytes:
    """The one byte string of a value: keys sorted, no spaces, defaults written out, UTF-8.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    data = value.model_dump(mode="json") if isinstance(value, BaseModel) else dict(value)
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(value: BaseModel | Mapping[str, Any]) -> Digest:
    """SHA-256 of the canonical JSON, as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
