-- Back to the fifth schema, which has none of these views. Comments stay: units were always so.

drop view results.job_parents, results.runs, results.sweeps, results.sweep_jobs, results.sweep_fields,
    results.schedules, results.schedule_history, results.provenance;

drop view results.jobs;
create view results.jobs as
    select id as job_id, digest, kind, name, state, reason, spec, submitted_by, submitted_at, started_at, finished_at,
           blocks_total, blocks_done, version
    from jobs;
comment on view results.jobs is 'Jobs, one row each.';
comment on column results.jobs.job_id is 'Number of the job. Unit: id.';
comment on column results.jobs.digest is 'SHA-256 of the spec''s canonical JSON. Unit: id.';
comment on column results.jobs.kind is 'Kind of the spec: training, brackets, replicas or diagnostic. Unit: name.';
comment on column results.jobs.name is 'Label for people. Unit: name.';
comment on column results.jobs.state is 'queued, running, cancelling, done, failed or cancelled. Unit: name.';
comment on column results.jobs.reason is 'Why it does not run, or is not done. Unit: text.';
comment on column results.jobs.spec is 'The spec, as pinned. Unit: JSON.';
comment on column results.jobs.submitted_by is 'Name of the token. Unit: name.';
comment on column results.jobs.submitted_at is 'When it was accepted. Unit: UTC.';
comment on column results.jobs.started_at is 'When its first block was claimed. Unit: UTC.';
comment on column results.jobs.finished_at is 'When it ended. Unit: UTC.';
comment on column results.jobs.blocks_total is 'Blocks planned. Unit: count.';
comment on column results.jobs.blocks_done is 'Blocks committed. Unit: count.';
comment on column results.jobs.version is 'Version of the service that accepted it. Unit: name.';

do $$
begin
    grant select on results.jobs to holonomy_reader;
exception
    when insufficient_privilege or undefined_object then
        raise notice 'no grant to holonomy_reader: %', sqlerrm;
end
$$;
