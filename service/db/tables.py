"""The operational tables: jobs, blocks and what surrounds them. Result tables are in `service.db.results`.

Times are by the database clock. `state` columns hold the values of `schemas.states`; triggers of the first migration
refuse any other move than the listed ones.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from schemas.states import BlockState, JobState

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)


def _moment(name: str, *, now: bool = False) -> Column[object]:
    default = text("now()") if now else None
    return Column(name, DateTime(timezone=True), nullable=not now, server_default=default)


def _listed(states: type[JobState] | type[BlockState]) -> str:
    return "state in (" + ", ".join(f"'{state.value}'" for state in states) + ")"


jobs = Table(
    "jobs",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("digest", Text, nullable=False, comment="SHA-256 of the pinned spec's canonical JSON."),
    Column("latest", Boolean, nullable=False, server_default=text("true"), comment="The job that its digest names."),
    Column("kind", Text, nullable=False),
    Column("name", Text),
    Column("spec", JSONB, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'queued'")),
    Column("reason", Text, comment="Why it does not run, or is not done."),
    Column("priority", Integer, nullable=False, server_default=text("0")),
    Column("max_running", Integer, comment="Most blocks under a live lease at once."),
    Column("implicit", Boolean, nullable=False, server_default=text("false"), comment="Made for a child alone."),
    Column("submitted_by", Text, nullable=False),
    _moment("submitted_at", now=True),
    _moment("started_at"),
    _moment("finished_at"),
    _moment("cancel_requested_at"),
    Column("phase", Integer, nullable=False, server_default=text("0")),
    Column("phase_end", Integer, nullable=False, server_default=text("0"), comment="Blocks up to this phase."),
    Column("blocks_total", Integer, nullable=False, server_default=text("0")),
    Column("blocks_done", Integer, nullable=False, server_default=text("0")),
    Column("error", JSONB, comment="A schemas.blocks.BlockError."),
    Column("plan", JSONB, comment="What the planner decided, and the keys of the measured costs."),
    Column("version", Text, nullable=False, comment="Version of the service that accepted it."),
    CheckConstraint(_listed(JobState), name="state_known"),
    CheckConstraint("blocks_done <= blocks_total", name="blocks_counted"),
)
Index("jobs_latest", jobs.c.digest, unique=True, postgresql_where=text("latest"))
Index(
    "jobs_unfinished", jobs.c.state, jobs.c.id, postgresql_where=text("state in ('queued', 'running', 'cancelling')")
)
Index("jobs_capped", jobs.c.id, postgresql_where=text("max_running is not null and state = 'running'"))

job_parents = Table(
    "job_parents",
    metadata,
    Column("job_id", BigInteger, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("parent_id", BigInteger, ForeignKey("jobs.id"), nullable=False),
    PrimaryKeyConstraint("job_id", "parent_id"),
)
Index("job_parents_parent", job_parents.c.parent_id)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("submitted_by", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("request", Text, nullable=False, comment="SHA-256 of the submission it came with."),
    Column("job_id", BigInteger, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    _moment("created_at", now=True),
    PrimaryKeyConstraint("submitted_by", "key"),
)

blocks = Table(
    "blocks",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("job_id", BigInteger, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("phase", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("needs", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("state", Text, nullable=False),
    Column("device", Text, nullable=False, server_default=text("'any'")),
    Column("priority", Integer, nullable=False, server_default=text("0")),
    Column("capped", Boolean, nullable=False, server_default=text("false"), comment="The job has a max_running."),
    _moment("ready_at", now=True),
    Column("attempts", Integer, nullable=False, server_default=text("0"), comment="Counted failures."),
    Column("max_attempts", Integer, nullable=False, server_default=text("3")),
    Column("runs", Integer, nullable=False, server_default=text("0"), comment="Times it was claimed."),
    Column("lost", Integer, nullable=False, server_default=text("0"), comment="Runs that vanished."),
    Column("waits", Integer, nullable=False, server_default=text("0"), comment="Runs that found a peer away."),
    Column("shrink", Integer, nullable=False, server_default=text("0"), comment="Halvings of the micro tile."),
    Column("timeout_seconds", Double),
    Column("lease_token", Uuid(as_uuid=True)),
    _moment("lease_until"),
    Column("leased_by", Text),
    Column("leased_on", Text, comment="Device of the slot it was claimed for."),
    Column("reason", Text, comment="Why it does not run."),
    Column("error", JSONB, comment="The last failure, a schemas.blocks.BlockError."),
    Column("record", JSONB, comment="A schemas.blocks.BlockRecord."),
    _moment("started_at"),
    _moment("finished_at"),
    Column("seconds", Double, comment="Wall time of the run that was committed."),
    UniqueConstraint("job_id", "seq"),
    CheckConstraint(_listed(BlockState), name="state_known"),
    CheckConstraint("device in ('any', 'cpu', 'cuda')", name="device_known"),
    CheckConstraint("(state = 'running') = (lease_token is not null)", name="lease_while_running"),
)
Index(
    "blocks_ready",
    blocks.c.device,
    blocks.c.priority.desc(),
    blocks.c.id,
    postgresql_where=text("state = 'ready' and not capped"),
)
Index(
    "blocks_ready_capped",
    blocks.c.job_id,
    blocks.c.device,
    blocks.c.priority.desc(),
    blocks.c.id,
    postgresql_where=text("state = 'ready' and capped"),
)
Index("blocks_ready_job", blocks.c.job_id, blocks.c.ready_at, postgresql_where=text("state = 'ready'"))
Index("blocks_waiting", blocks.c.job_id, blocks.c.phase, postgresql_where=text("state = 'waiting'"))
Index("blocks_running", blocks.c.lease_until, postgresql_where=text("state = 'running'"))
Index("blocks_running_job", blocks.c.job_id, postgresql_where=text("state = 'running'"))
Index("blocks_failed", blocks.c.job_id, postgresql_where=text("state = 'failed'"))

events = Table(
    "events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("job_id", BigInteger, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("block_id", BigInteger),
    _moment("at", now=True),
    Column("level", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("data", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
)
Index("events_job", events.c.job_id, events.c.id)

objects = Table(
    "objects",
    metadata,
    Column("job_id", BigInteger, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    # Collation C, so that a prefix is a range of the primary key.
    Column("name", Text(collation="C"), nullable=False),
    Column("key", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("arrays", JSONB, nullable=False),
    Column("block_id", BigInteger, nullable=False),
    PrimaryKeyConstraint("job_id", "name"),
)

datasets = Table(
    "datasets",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("manifest", JSONB, nullable=False),
    _moment("created_at", now=True),
)

dataset_names = Table(
    "dataset_names",
    metadata,
    Column("name", Text, primary_key=True),
    Column("digest", Text, ForeignKey("datasets.digest"), nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    _moment("created_at", now=True),
    _moment("revoked_at"),
)

dispatchers = Table(
    "dispatchers",
    metadata,
    Column("id", Text, primary_key=True),
    _moment("started_at", now=True),
    _moment("heartbeat_at", now=True),
    Column("slots", JSONB, nullable=False),
    Column("busy", JSONB, nullable=False),
)

costs = Table(
    "costs",
    metadata,
    Column("key", Text, primary_key=True),
    Column("seconds_per_unit", Double, nullable=False),
    Column("samples", BigInteger, nullable=False),
    _moment("updated_at", now=True),
)
