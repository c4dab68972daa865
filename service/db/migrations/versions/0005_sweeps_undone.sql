-- Back to the fourth schema, which knows jobs alone: jobs of sweeps stay, what joined them is lost.

drop trigger jobs_moves on jobs;
drop trigger blocks_moves on blocks;
create trigger jobs_moves before update of state on jobs for each row
    when (old.state <> new.state and old.state || '>' || new.state not in (
        'queued>cancelled', 'queued>failed', 'queued>running', 'running>cancelled', 'running>cancelling',
        'running>done', 'running>failed', 'cancelling>cancelled', 'cancelling>done', 'failed>queued',
        'failed>running', 'cancelled>queued', 'cancelled>running'
    ))
    execute function refuse_move();
create trigger blocks_moves before update of state on blocks for each row
    when (old.state <> new.state and old.state || '>' || new.state not in (
        'waiting>cancelled', 'waiting>ready', 'ready>cancelled', 'ready>running', 'running>cancelled',
        'running>done', 'running>failed', 'running>ready', 'failed>ready', 'failed>waiting',
        'cancelled>ready', 'cancelled>waiting'
    ))
    execute function refuse_move();

delete from idempotency_keys where job_id is null;
alter table idempotency_keys drop column sweep_id, alter column job_id set not null;
drop table table_files, firings, schedules, sweep_jobs;
alter table blocks drop column mending;
comment on column blocks.capped is 'The job has a max_running.';
drop index objects_key, objects_dropped;
delete from objects where dropped_at is not null;
alter table objects drop column dropped_at, drop column drop_reason, alter column key type text collate "default";
drop index jobs_by_kind, jobs_by_name, jobs_by_project, jobs_by_state, jobs_by_sweep, jobs_by_tag, jobs_capped,
    jobs_queued, jobs_running_project, jobs_running_sweep;
update blocks b set capped = j.max_running is not null from jobs j
where j.id = b.job_id and b.state in ('waiting', 'ready') and b.capped <> (j.max_running is not null);
alter table jobs drop column project, drop column tags, drop column sweep_id, drop column capped,
    drop column imported;
create index jobs_capped on jobs (id) where max_running is not null and state = 'running';
create index jobs_unfinished on jobs (state, id) where state in ('queued', 'running', 'cancelling');
drop table sweeps, projects;
