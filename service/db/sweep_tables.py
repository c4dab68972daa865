"""Sweeps, the jobs in them, and the projects that both belong to."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from schemas.states import SweepState
from service.db.metadata import listed, metadata, moment

projects = Table(
    "projects",
    metadata,
    Column("name", Text, primary_key=True),
    Column("max_running_jobs", Integer, comment="Most jobs that run at once."),
    Column("max_running_blocks", Integer, comment="Most blocks under a live lease at once."),
    moment("created_at", now=True),
)

sweeps = Table(
    "sweeps",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column(
        "digest",
        Text,
        nullable=False,
        comment="SHA-256 of the canonical JSON of the sweep and of the digests of its jobs.",
    ),
    Column("latest", Boolean, nullable=False, server_default=text("true"), comment="The sweep its digest names."),
    Column("name", Text),
    Column("project", Text, ForeignKey("projects.name"), nullable=False, server_default=text("'default'")),
    Column("tags", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("spec", JSONB, nullable=False),
    Column(
        "state",
        Text,
        nullable=False,
        server_default=text("'running'"),
        comment="As of its jobs, soon after they end.",
    ),
    Column("priority", Integer, nullable=False, server_default=text("0")),
    Column("max_running_jobs", Integer, comment="Most of its jobs that run at once."),
    Column("max_running_blocks", Integer, comment="Most of its blocks under a live lease at once."),
    Column("jobs_total", Integer, nullable=False),
    Column("submitted_by", Text, nullable=False),
    moment("submitted_at", now=True),
    moment("finished_at"),
    moment("cancel_requested_at"),
    Column("imported", JSONB, comment="Where an imported sweep comes from."),
    Column("version", Text, nullable=False, comment="Version of the service that accepted it."),
    CheckConstraint(listed(SweepState), name="state_known"),
)
Index("sweeps_latest", sweeps.c.digest, unique=True, postgresql_where=text("latest"))
Index("sweeps_unfinished", sweeps.c.id, postgresql_where=text("finished_at is null"))
Index("sweeps_by_state", sweeps.c.state, sweeps.c.id)
Index("sweeps_by_name", sweeps.c.name, sweeps.c.id, postgresql_where=text("name is not null"))
Index("sweeps_by_project", sweeps.c.project, sweeps.c.id)
Index("sweeps_by_tag", sweeps.c.tags, postgresql_using="gin")

sweep_jobs = Table(
    "sweep_jobs",
    metadata,
    Column("sweep_id", BigInteger, ForeignKey("sweeps.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False, comment="Place in the sweep, from 0."),
    Column("job_id", BigInteger, ForeignKey("jobs.id"), nullable=False),
    Column("varied", JSONB, nullable=False, comment="Value of each varied field by its path."),
    PrimaryKeyConstraint("sweep_id", "position"),
    UniqueConstraint("sweep_id", "job_id"),
)
Index("sweep_jobs_job", sweep_jobs.c.job_id)
