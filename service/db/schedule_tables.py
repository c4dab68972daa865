"""Schedules, and a row for every instant at which one fired, or did not and why."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from schemas.states import FiringState, Origin, Overlap
from service.db.metadata import listed, metadata, moment

schedules = Table(
    "schedules",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False),
    Column("cron", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("work", JSONB, nullable=False, comment="What is fired: the sweep, its templates and its limits."),
    Column("overlap", Text, nullable=False, comment="What happens when an earlier firing still runs."),
    Column("catch_up_seconds", Double, nullable=False, comment="How late an instant may fire."),
    Column(
        "jitter_seconds", Double, nullable=False, server_default=text("0"), comment="Longest delay after an instant."
    ),
    Column("max_failures", Integer, comment="Failures in a row after which it pauses."),
    Column("created_by", Text, nullable=False),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    moment("paused_at"),
    Column("pause_reason", Text),
    Column("failures", Integer, nullable=False, server_default=text("0"), comment="Failures in a row."),
    moment("considered_until", required=True, comment="Every instant up to here has its row, or was not in force."),
    moment("next_at", comment="The next instant; null while it is paused."),
    moment("deleted_at"),
    CheckConstraint(listed(Overlap, "overlap"), name="overlap_known"),
)
Index("schedules_name", schedules.c.name, unique=True, postgresql_where=text("deleted_at is null"))
Index("schedules_due", schedules.c.next_at, postgresql_where=text("next_at is not null"))

firings = Table(
    "firings",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("schedule_id", BigInteger, ForeignKey("schedules.id"), nullable=False),
    moment("instant", required=True, comment="The moment that cron names, or that was asked for."),
    Column("origin", Text, nullable=False),
    Column("state", Text, nullable=False),
    moment("due_at", required=True, comment="The instant with its jitter."),
    moment("fired_at"),
    moment("finished_at"),
    Column("sweep_id", BigInteger, ForeignKey("sweeps.id")),
    Column("reason", Text, comment="Why it did not fire, or failed."),
    UniqueConstraint("schedule_id", "instant"),
    CheckConstraint(listed(FiringState), name="state_known"),
    CheckConstraint(listed(Origin, "origin"), name="origin_known"),
)
Index(
    "firings_unfinished",
    firings.c.schedule_id,
    firings.c.instant,
    postgresql_where=text("state in ('due', 'waiting', 'running')"),
)
Index("firings_sweep", firings.c.sweep_id, postgresql_where=text("sweep_id is not null"))
