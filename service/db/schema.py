"""The whole schema, for those who compare or create it."""

from service.db import results, schedule_tables, sweep_tables, tables
from service.db.metadata import metadata

__all__ = ["metadata", "results", "schedule_tables", "sweep_tables", "tables"]
