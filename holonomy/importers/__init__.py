"""Readers of dataset folders: each checks a folder and gives its examples piece by piece."""

from holonomy.importers.source import SHARD_BYTES, Source

__all__ = ["SHARD_BYTES", "Source"]
