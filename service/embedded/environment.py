"""The environment of the stack's own processes: the caller's, without what would lead them elsewhere."""

import os
from collections.abc import Mapping

TOKEN_FILE = "HOLONOMY_API_TOKEN_FILE"  # noqa: S105 - the name of a variable
"""Names the file that keeps the owner's token."""

_OURS = (
    "HOLONOMY_DATABASE_URL",
    "HOLONOMY_READER_DATABASE_URL",
    "HOLONOMY_S3_BUCKET",
    "HOLONOMY_RAY_ADDRESS",
    "HOLONOMY_URL",
    "HOLONOMY_TOKEN",
)
_FOREIGN = ("AWS_", "RAY_", "PG")


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """The caller's variables without other services' addresses, keys and profiles.

    The files of AWS's own tools are hidden for the same reason, and no proxy stands before loopback.
    """
    kept = {
        name: value
        for name, value in environment.items()
        if name not in _OURS and not name.startswith(_FOREIGN) and name.upper() != "NO_PROXY"
    }
    direct = dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
    return {**kept, **direct, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
