"""The dispatcher: the one driver that takes blocks from the queue to the workers and their outcomes back."""

import os

# Ray reads these once, when it is imported, so they are set before any module of this package imports it.
os.environ.setdefault("RAY_AUTH_MODE", "token")
os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
