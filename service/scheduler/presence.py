"""How it shows that a scheduler lives: in the database's list of sessions, for it looks there every few seconds."""

ALIVE = """
    select 1 from pg_stat_activity
    where application_name = %s and state_change > clock_timestamp() - interval '15 seconds'
"""
"""Finds the session of a scheduler that has asked the database for something lately."""


def application_of(pid: int) -> str:
    """The name of a scheduler's sessions."""
    return f"holonomy scheduler {pid}"
