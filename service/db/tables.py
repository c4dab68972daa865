"""Jobs, blocks and what surrounds them. Sweeps, schedules and results have modules of their own.

Times are by the database clock. `state` columns hold the values of `schemas.states`; triggers of the first migration
refuse any other move than the listed ones.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from schemas.states import BlockState, JobState
from service.db.metadata import listed, metadata, moment

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
    Column("project", Text, ForeignKey("projects.name"), nullable=False, server_default=text("'default'")),
    Column("tags", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("sweep_id", BigInteger, ForeignKey("sweeps.id"), comment="The sweep whose limits bind it."),
    Column(
        "capped",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="A limit of the job, its sweep or its project applies to running blocks.",
    ),
    Column("imported", JSONB, comment="Where an imported job comes from."),
    Column("submitted_by", Text, nullable=False),
    moment("submitted_at", now=True),
    moment("started_at"),
    moment("finished_at"),
    moment("cancel_requested_at"),
    Column("phase", Integer, nullable=False, server_default=text("0")),
    Column("phase_end", Integer, nullable=False, server_default=text("0"), comment="Blocks up to this phase."),
    Column("blocks_total", Integer, nullable=False, server_default=text("0")),
    Column("blocks_done", Integer, nullable=False, server_default=text("0")),
    Column("error", JSONB, comment="A schemas.blocks.BlockError."),
    Column("plan", JSONB, comment="What the planner decided, and the keys of the measured costs."),
    Column("version", Text, nullable=False, comment="Version of the service that accepted it."),
    CheckConstraint(listed(JobState), name="state_known"),
    CheckConstraint("blocks_done <= blocks_total", name="blocks_counted"),
)
Index("jobs_latest", jobs.c.digest, unique=True, postgresql_where=text("latest"))
# Jobs that share limits stand together, so that those behind a limit that is reached are passed over at once.
_GROUPED = (jobs.c.project, text("coalesce(sweep_id, 0)"), jobs.c.priority.desc(), jobs.c.id)
Index("jobs_capped", *_GROUPED, postgresql_where=text("capped and state = 'running'"))
Index("jobs_queued", *_GROUPED, postgresql_where=text("state = 'queued'"))
Index("jobs_by_sweep", jobs.c.sweep_id, jobs.c.id, postgresql_where=text("sweep_id is not null"))
Index(
    "jobs_running_sweep",
    jobs.c.sweep_id,
    postgresql_where=text("sweep_id is not null and state in ('running', 'cancelling')"),
)
Index("jobs_running_project", jobs.c.project, postgresql_where=text("state in ('running', 'cancelling')"))
# Pages of jobs, newest first, whatever they are filtered by.
Index("jobs_by_state", jobs.c.state, jobs.c.id)
Index("jobs_by_kind", jobs.c.kind, jobs.c.id)
Index("jobs_by_name", jobs.c.name, jobs.c.id, postgresql_where=text("name is not null"))
Index("jobs_by_project", jobs.c.project, jobs.c.id)
Index("jobs_by_tag", jobs.c.tags, postgresql_using="gin")

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
    Column("job_id", BigInteger, ForeignKey("jobs.id", ondelete="CASCADE")),
    Column("sweep_id", BigInteger, ForeignKey("sweeps.id", ondelete="CASCADE")),
    moment("created_at", now=True),
    PrimaryKeyConstraint("submitted_by", "key"),
    CheckConstraint("num_nonnulls(job_id, sweep_id) = 1", name="names_one"),
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
    Column("capped", Boolean, nullable=False, server_default=text("false"), comment="As of its job."),
    moment("ready_at", now=True),
    Column("attempts", Integer, nullable=False, server_default=text("0"), comment="Counted failures."),
    Column("max_attempts", Integer, nullable=False, server_default=text("3")),
    Column("runs", Integer, nullable=False, server_default=text("0"), comment="Times it was claimed."),
    Column("lost", Integer, nullable=False, server_default=text("0"), comment="Runs that vanished."),
    Column("waits", Integer, nullable=False, server_default=text("0"), comment="Runs that found a peer away."),
    Column("shrink", Integer, nullable=False, server_default=text("0"), comment="Halvings of the micro tile."),
    Column("timeout_seconds", Double),
    Column("lease_token", Uuid(as_uuid=True)),
    moment("lease_until"),
    Column("leased_by", Text),
    Column("leased_on", Text, comment="Device of the slot it was claimed for."),
    Column("reason", Text, comment="Why it does not run."),
    Column("error", JSONB, comment="The last failure, a schemas.blocks.BlockError."),
    Column("record", JSONB, comment="A schemas.blocks.BlockRecord."),
    moment("started_at"),
    moment("finished_at"),
    Column("seconds", Double, comment="Wall time of the run that was committed."),
    Column(
        "mending",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="Runs again for objects that were lost: its rows are there.",
    ),
    UniqueConstraint("job_id", "seq"),
    CheckConstraint(listed(BlockState), name="state_known"),
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
Index("blocks_mending", blocks.c.job_id, postgresql_where=text("mending"))
Index("blocks_failed", blocks.c.job_id, postgresql_where=text("state = 'failed'"))

events = Table(
    "events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("job_id", BigInteger, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("block_id", BigInteger),
    moment("at", now=True),
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
    Column("key", Text(collation="C"), nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("arrays", JSONB, nullable=False),
    Column("block_id", BigInteger, nullable=False),
    moment("dropped_at", comment="When retention took the object away; null while it is there."),
    Column("drop_reason", Text, comment="The policy that took it away."),
    PrimaryKeyConstraint("job_id", "name"),
)
# Retention and the checker walk through the bucket in the order of keys.
Index("objects_key", objects.c.key)
Index("objects_dropped", objects.c.job_id, postgresql_where=text("dropped_at is not null"))

table_files = Table(
    "table_files",
    metadata,
    Column("job_id", BigInteger, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("table_name", Text, nullable=False),
    Column("key", Text(collation="C"), nullable=False, comment="Of the Parquet object that holds the job's rows."),
    Column("sha256", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    moment("created_at", now=True),
    PrimaryKeyConstraint("job_id", "table_name"),
)
Index("table_files_key", table_files.c.key)

datasets = Table(
    "datasets",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("manifest", JSONB, nullable=False),
    moment("created_at", now=True),
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
    moment("created_at", now=True),
    moment("revoked_at"),
)

dispatchers = Table(
    "dispatchers",
    metadata,
    Column("id", Text, primary_key=True),
    moment("started_at", now=True),
    moment("heartbeat_at", now=True),
    Column("slots", JSONB, nullable=False),
    Column("busy", JSONB, nullable=False),
)

costs = Table(
    "costs",
    metadata,
    Column("key", Text, primary_key=True),
    Column("seconds_per_unit", Double, nullable=False),
    Column("samples", BigInteger, nullable=False),
    moment("updated_at", now=True),
)
