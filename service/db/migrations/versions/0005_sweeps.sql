-- Sweeps, projects, schedules; Parquet copies of result tables; retention and mending.
-- Frozen: a change is a new revision.

create table projects (
    name text not null,
    max_running_jobs integer,
    max_running_blocks integer,
    created_at timestamptz default now() not null,
    constraint projects_pkey primary key (name)
);
comment on column projects.max_running_jobs is 'Most jobs that run at once.';
comment on column projects.max_running_blocks is 'Most blocks under a live lease at once.';
insert into projects (name) values ('default');

create table sweeps (
    id bigint generated always as identity,
    digest text not null,
    latest boolean default true not null,
    name text,
    project text default 'default' not null,
    tags text[] default '{}'::text[] not null,
    spec jsonb not null,
    state text default 'running' not null,
    priority integer default 0 not null,
    max_running_jobs integer,
    max_running_blocks integer,
    jobs_total integer not null,
    submitted_by text not null,
    submitted_at timestamptz default now() not null,
    finished_at timestamptz,
    cancel_requested_at timestamptz,
    imported jsonb,
    version text not null,
    constraint sweeps_pkey primary key (id),
    constraint sweeps_state_known check (state in ('running', 'cancelling', 'done', 'failed', 'cancelled')),
    constraint sweeps_project_fkey foreign key(project) references projects (name)
);
create index sweeps_by_name on sweeps (name, id) where name is not null;
create index sweeps_by_project on sweeps (project, id);
create index sweeps_by_state on sweeps (state, id);
create index sweeps_by_tag on sweeps using gin (tags);
create unique index sweeps_latest on sweeps (digest) where latest;
create index sweeps_unfinished on sweeps (id) where finished_at is null;
comment on column sweeps.digest is 'SHA-256 of the canonical JSON of the sweep and of the digests of its jobs.';
comment on column sweeps.latest is 'The sweep its digest names.';
comment on column sweeps.state is 'As of its jobs, soon after they end.';
comment on column sweeps.max_running_jobs is 'Most of its jobs that run at once.';
comment on column sweeps.max_running_blocks is 'Most of its blocks under a live lease at once.';
comment on column sweeps.imported is 'Where an imported sweep comes from.';
comment on column sweeps.version is 'Version of the service that accepted it.';

alter table jobs
    add column project text default 'default' not null constraint jobs_project_fkey references projects (name),
    add column tags text[] default '{}'::text[] not null,
    add column sweep_id bigint constraint jobs_sweep_id_fkey references sweeps (id),
    add column capped boolean default false not null,
    add column imported jsonb;
update jobs set capped = true where max_running is not null;
drop index jobs_capped, jobs_unfinished;
create index jobs_by_kind on jobs (kind, id);
create index jobs_by_name on jobs (name, id) where name is not null;
create index jobs_by_project on jobs (project, id);
create index jobs_by_state on jobs (state, id);
create index jobs_by_sweep on jobs (sweep_id, id) where sweep_id is not null;
create index jobs_by_tag on jobs using gin (tags);
create index jobs_capped on jobs (project, coalesce(sweep_id, 0), priority desc, id) where capped and state = 'running';
create index jobs_queued on jobs (project, coalesce(sweep_id, 0), priority desc, id) where state = 'queued';
create index jobs_running_project on jobs (project) where state in ('running', 'cancelling');
create index jobs_running_sweep on jobs (sweep_id) where sweep_id is not null and state in ('running', 'cancelling');
comment on column jobs.sweep_id is 'The sweep whose limits bind it.';
comment on column jobs.capped is 'A limit of the job, its sweep or its project applies to running blocks.';
comment on column jobs.imported is 'Where an imported job comes from.';

create table sweep_jobs (
    sweep_id bigint not null,
    position integer not null,
    job_id bigint not null,
    varied jsonb not null,
    constraint sweep_jobs_pkey primary key (sweep_id, position),
    constraint sweep_jobs_sweep_id_job_id_key unique (sweep_id, job_id),
    constraint sweep_jobs_sweep_id_fkey foreign key(sweep_id) references sweeps (id) on delete cascade,
    constraint sweep_jobs_job_id_fkey foreign key(job_id) references jobs (id)
);
create index sweep_jobs_job on sweep_jobs (job_id);
comment on column sweep_jobs.position is 'Place in the sweep, from 0.';
comment on column sweep_jobs.varied is 'Value of each varied field by its path.';

create table schedules (
    id bigint generated always as identity,
    name text not null,
    cron text not null,
    timezone text not null,
    work jsonb not null,
    overlap text not null,
    catch_up_seconds double precision not null,
    jitter_seconds double precision default 0 not null,
    max_failures integer,
    created_by text not null,
    created_at timestamptz default now() not null,
    updated_at timestamptz default now() not null,
    paused_at timestamptz,
    pause_reason text,
    failures integer default 0 not null,
    considered_until timestamptz not null,
    next_at timestamptz,
    deleted_at timestamptz,
    constraint schedules_pkey primary key (id),
    constraint schedules_overlap_known check (overlap in ('skip', 'queue', 'cancel-previous', 'allow'))
);
create index schedules_due on schedules (next_at) where next_at is not null;
create unique index schedules_name on schedules (name) where deleted_at is null;
comment on column schedules.work is 'What is fired: the sweep, its templates and its limits.';
comment on column schedules.overlap is 'What happens when an earlier firing still runs.';
comment on column schedules.catch_up_seconds is 'How late an instant may fire.';
comment on column schedules.jitter_seconds is 'Longest delay after an instant.';
comment on column schedules.max_failures is 'Failures in a row after which it pauses.';
comment on column schedules.failures is 'Failures in a row.';
comment on column schedules.considered_until is 'Every instant up to here has its row, or was not in force.';
comment on column schedules.next_at is 'The next instant; null while it is paused.';

create table firings (
    id bigint generated always as identity,
    schedule_id bigint not null,
    instant timestamptz not null,
    origin text not null,
    state text not null,
    due_at timestamptz not null,
    fired_at timestamptz,
    finished_at timestamptz,
    sweep_id bigint,
    reason text,
    constraint firings_pkey primary key (id),
    constraint firings_schedule_id_instant_key unique (schedule_id, instant),
    constraint firings_state_known check (state in ('due', 'waiting', 'running', 'done', 'failed', 'cancelled', 'skipped', 'missed', 'refused')),
    constraint firings_origin_known check (origin in ('cron', 'trigger', 'backfill')),
    constraint firings_schedule_id_fkey foreign key(schedule_id) references schedules (id),
    constraint firings_sweep_id_fkey foreign key(sweep_id) references sweeps (id)
);
create index firings_sweep on firings (sweep_id) where sweep_id is not null;
create index firings_unfinished on firings (schedule_id, instant) where state in ('due', 'waiting', 'running');
comment on column firings.instant is 'The moment that cron names, or that was asked for.';
comment on column firings.due_at is 'The instant with its jitter.';
comment on column firings.reason is 'Why it did not fire, or failed.';

alter table objects
    add column dropped_at timestamptz,
    add column drop_reason text,
    alter column key type text collate "C";
create index objects_dropped on objects (job_id) where dropped_at is not null;
create index objects_key on objects (key);
comment on column objects.dropped_at is 'When retention took the object away; null while it is there.';
comment on column objects.drop_reason is 'The policy that took it away.';

create table table_files (
    job_id bigint not null,
    table_name text not null,
    key text COLLATE "C" not null,
    sha256 text not null,
    size_bytes bigint not null,
    rows bigint not null,
    created_at timestamptz default now() not null,
    constraint table_files_pkey primary key (job_id, table_name),
    constraint table_files_job_id_fkey foreign key(job_id) references jobs (id) on delete cascade
);
create index table_files_key on table_files (key);
comment on column table_files.key is 'Of the Parquet object that holds the job''s rows.';

alter table blocks add column mending boolean default false not null;
create index blocks_mending on blocks (job_id) where mending;
comment on column blocks.capped is 'As of its job.';
comment on column blocks.mending is 'Runs again for objects that were lost: its rows are there.';

alter table idempotency_keys
    alter column job_id drop not null,
    add column sweep_id bigint constraint idempotency_keys_sweep_id_fkey references sweeps (id) on delete cascade,
    add constraint idempotency_keys_names_one check (num_nonnulls(job_id, sweep_id) = 1);

-- Done blocks run again only in a transaction that says it is mending.
drop trigger jobs_moves on jobs;
create trigger jobs_moves before update of state on jobs for each row
    when (old.state <> new.state and old.state || '>' || new.state not in (
        'queued>cancelled', 'queued>cancelling', 'queued>failed', 'queued>running', 'running>cancelled',
        'running>cancelling', 'running>done', 'running>failed', 'cancelling>cancelled', 'cancelling>done',
        'failed>queued', 'failed>running', 'cancelled>queued', 'cancelled>running'
    ) and not (
        current_setting('holonomy.mending', true) is not distinct from 'on'
        and old.state || '>' || new.state in ('done>queued', 'done>running', 'queued>done')
    ))
    execute function refuse_move();
drop trigger blocks_moves on blocks;
create trigger blocks_moves before update of state on blocks for each row
    when (old.state <> new.state and old.state || '>' || new.state not in (
        'waiting>cancelled', 'waiting>ready', 'ready>cancelled', 'ready>running', 'running>cancelled',
        'running>done', 'running>failed', 'running>ready', 'failed>ready', 'failed>waiting',
        'cancelled>ready', 'cancelled>waiting'
    ) and not (
        current_setting('holonomy.mending', true) is not distinct from 'on'
        and old.state || '>' || new.state in (
            'done>ready', 'done>waiting', 'ready>done', 'waiting>done', 'failed>done', 'cancelled>done'
        )
    ))
    execute function refuse_move();
