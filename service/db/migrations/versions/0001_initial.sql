-- The first schema: what service/db/tables.py and service/db/results.py describe, and what only SQL can say.
-- Frozen: a change is a new revision.

create table jobs (
    id bigint generated always as identity,
    digest text not null,
    latest boolean default true not null,
    kind text not null,
    name text,
    spec jsonb not null,
    state text default 'queued' not null,
    reason text,
    priority integer default 0 not null,
    max_running integer,
    implicit boolean default false not null,
    submitted_by text not null,
    submitted_at timestamptz default now() not null,
    started_at timestamptz,
    finished_at timestamptz,
    cancel_requested_at timestamptz,
    phase integer default 0 not null,
    phase_end integer default 0 not null,
    blocks_total integer default 0 not null,
    blocks_done integer default 0 not null,
    error jsonb,
    plan jsonb,
    version text not null,
    constraint jobs_pkey primary key (id),
    constraint jobs_state_known check (state in ('queued', 'running', 'cancelling', 'done', 'failed', 'cancelled')),
    constraint jobs_blocks_counted check (blocks_done <= blocks_total)
);
create index jobs_capped on jobs (id) where max_running is not null and state = 'running';
create unique index jobs_latest on jobs (digest) where latest;
create index jobs_unfinished on jobs (state, id) where state in ('queued', 'running', 'cancelling');
comment on column jobs.digest is 'SHA-256 of the pinned spec''s canonical JSON.';
comment on column jobs.latest is 'The job that its digest names.';
comment on column jobs.reason is 'Why it does not run, or is not done.';
comment on column jobs.max_running is 'Most blocks under a live lease at once.';
comment on column jobs.implicit is 'Made for a child alone.';
comment on column jobs.phase_end is 'Blocks up to this phase.';
comment on column jobs.error is 'A schemas.blocks.BlockError.';
comment on column jobs.plan is 'What the planner decided, and the keys of the measured costs.';
comment on column jobs.version is 'Version of the service that accepted it.';

create table job_parents (
    job_id bigint not null,
    parent_id bigint not null,
    constraint job_parents_pkey primary key (job_id, parent_id),
    constraint job_parents_job_id_fkey foreign key(job_id) references jobs (id) on delete cascade,
    constraint job_parents_parent_id_fkey foreign key(parent_id) references jobs (id)
);
create index job_parents_parent on job_parents (parent_id);

create table idempotency_keys (
    submitted_by text not null,
    key text not null,
    request text not null,
    job_id bigint not null,
    created_at timestamptz default now() not null,
    constraint idempotency_keys_pkey primary key (submitted_by, key),
    constraint idempotency_keys_job_id_fkey foreign key(job_id) references jobs (id) on delete cascade
);
comment on column idempotency_keys.request is 'SHA-256 of the submission it came with.';

create table blocks (
    id bigint generated always as identity,
    job_id bigint not null,
    seq integer not null,
    phase integer not null,
    kind text not null,
    payload jsonb not null,
    needs jsonb default '[]'::jsonb not null,
    state text not null,
    device text default 'any' not null,
    priority integer default 0 not null,
    capped boolean default false not null,
    ready_at timestamptz default now() not null,
    attempts integer default 0 not null,
    max_attempts integer default 3 not null,
    runs integer default 0 not null,
    lost integer default 0 not null,
    waits integer default 0 not null,
    shrink integer default 0 not null,
    timeout_seconds double precision,
    lease_token uuid,
    lease_until timestamptz,
    leased_by text,
    leased_on text,
    reason text,
    error jsonb,
    record jsonb,
    started_at timestamptz,
    finished_at timestamptz,
    seconds double precision,
    constraint blocks_pkey primary key (id),
    constraint blocks_job_id_seq_key unique (job_id, seq),
    constraint blocks_state_known check (state in ('waiting', 'ready', 'running', 'done', 'failed', 'cancelled')),
    constraint blocks_device_known check (device in ('any', 'cpu', 'cuda')),
    constraint blocks_lease_while_running check ((state = 'running') = (lease_token is not null)),
    constraint blocks_job_id_fkey foreign key(job_id) references jobs (id) on delete cascade
);
create index blocks_failed on blocks (job_id) where state = 'failed';
create index blocks_ready on blocks (device, priority desc, id) where state = 'ready' and not capped;
create index blocks_ready_capped on blocks (job_id, device, priority desc, id) where state = 'ready' and capped;
create index blocks_ready_job on blocks (job_id, ready_at) where state = 'ready';
create index blocks_running on blocks (lease_until) where state = 'running';
create index blocks_running_job on blocks (job_id) where state = 'running';
create index blocks_waiting on blocks (job_id, phase) where state = 'waiting';
-- Records of a few kilobytes stay in the row: moving each to the side table costs a commit a quarter of its time.
-- Every block is updated twice, so vacuum comes after 2 % of the rows rather than 20 %.
alter table blocks set (
    toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02
);
comment on column blocks.capped is 'The job has a max_running.';
comment on column blocks.attempts is 'Counted failures.';
comment on column blocks.runs is 'Times it was claimed.';
comment on column blocks.lost is 'Runs that vanished.';
comment on column blocks.waits is 'Runs that found a peer away.';
comment on column blocks.shrink is 'Halvings of the micro tile.';
comment on column blocks.leased_on is 'Device of the slot it was claimed for.';
comment on column blocks.reason is 'Why it does not run.';
comment on column blocks.error is 'The last failure, a schemas.blocks.BlockError.';
comment on column blocks.record is 'A schemas.blocks.BlockRecord.';
comment on column blocks.seconds is 'Wall time of the run that was committed.';

create table events (
    id bigint generated always as identity,
    job_id bigint not null,
    block_id bigint,
    at timestamptz default now() not null,
    level text not null,
    message text not null,
    data jsonb default '{}'::jsonb not null,
    constraint events_pkey primary key (id),
    constraint events_job_id_fkey foreign key(job_id) references jobs (id) on delete cascade
);
create index events_job on events (job_id, id);

create table objects (
    job_id bigint not null,
    name text COLLATE "C" not null,
    key text not null,
    sha256 text not null,
    size_bytes bigint not null,
    arrays jsonb not null,
    block_id bigint not null,
    constraint objects_pkey primary key (job_id, name),
    constraint objects_job_id_fkey foreign key(job_id) references jobs (id) on delete cascade
);

create table datasets (
    digest text not null,
    kind text not null,
    manifest jsonb not null,
    created_at timestamptz default now() not null,
    constraint datasets_pkey primary key (digest)
);

create table dataset_names (
    name text not null,
    digest text not null,
    constraint dataset_names_pkey primary key (name),
    constraint dataset_names_digest_fkey foreign key(digest) references datasets (digest)
);

create table tokens (
    id bigint generated always as identity,
    name text not null,
    sha256 bytea not null,
    scopes text[] not null,
    created_at timestamptz default now() not null,
    revoked_at timestamptz,
    constraint tokens_pkey primary key (id),
    constraint tokens_sha256_key unique (sha256)
);

create table dispatchers (
    id text not null,
    started_at timestamptz default now() not null,
    heartbeat_at timestamptz default now() not null,
    slots jsonb not null,
    busy jsonb not null,
    constraint dispatchers_pkey primary key (id)
);

create table costs (
    key text not null,
    seconds_per_unit double precision not null,
    samples bigint not null,
    updated_at timestamptz default now() not null,
    constraint costs_pkey primary key (key)
);

create table checkpoints (
    job_id bigint not null,
    step bigint not null,
    train_loss double precision not null,
    test_loss double precision not null,
    train_accuracy double precision not null,
    test_accuracy double precision not null,
    parameter_norm double precision not null,
    requested boolean not null,
    constraint checkpoints_pkey primary key (job_id, step)
);
comment on table checkpoints is 'Checkpoints of training runs.';
comment on column checkpoints.job_id is 'The job it belongs to.';
comment on column checkpoints.step is 'Optimizer step of the checkpoint.';
comment on column checkpoints.train_loss is 'Mean loss over the train split, model in eval mode.';
comment on column checkpoints.test_loss is 'Mean loss over the test split, model in eval mode.';
comment on column checkpoints.train_accuracy is 'Share of train examples whose largest logit is their label; for data with independent labels, the share of (example, label) whose logit has the right sign.';
comment on column checkpoints.test_accuracy is 'The same over the test split.';
comment on column checkpoints.parameter_norm is 'Euclidean norm of all parameters.';
comment on column checkpoints.requested is 'False for a checkpoint kept only so that the run can be resumed.';

create table training_steps (
    job_id bigint not null,
    step bigint not null,
    loss double precision not null,
    gradient_norm double precision not null,
    lr double precision not null,
    constraint training_steps_pkey primary key (job_id, step)
);
comment on table training_steps is 'What each optimizer step saw.';
comment on column training_steps.job_id is 'The job it belongs to.';
comment on column training_steps.step is 'Optimizer step, from 1.';
comment on column training_steps.loss is 'Mean loss over the batch, before the step, model in train mode.';
comment on column training_steps.gradient_norm is 'Euclidean norm of the batch gradient.';
comment on column training_steps.lr is 'Learning rate of the step.';

create table pairs (
    job_id bigint not null,
    step bigint not null,
    i bigint not null,
    j bigint not null,
    bracket_norm double precision not null,
    bracket_rms double precision not null,
    gradient_norm_i double precision not null,
    gradient_norm_j double precision not null,
    cosine_i double precision not null,
    cosine_j double precision not null,
    gradient_cosine double precision not null,
    defect double precision not null,
    hvp_norm_ij double precision not null,
    hvp_norm_ji double precision not null,
    cancellation double precision not null,
    loss_i double precision not null,
    loss_j double precision not null,
    logit_rms double precision,
    logit_max double precision,
    object text not null,
    position bigint not null,
    kept_position bigint,
    constraint pairs_pkey primary key (job_id, step, i, j)
);
create index pairs_by_norm on pairs (job_id, step, bracket_norm desc);
comment on table pairs is 'One row per unordered pair i < j of examples and checkpoint; values are of [v_i, v_j].';
comment on column pairs.job_id is 'The job it belongs to.';
comment on column pairs.step is 'Optimizer step of the checkpoint.';
comment on column pairs.i is 'Train-split index of the first example.';
comment on column pairs.j is 'Train-split index of the second example, j > i.';
comment on column pairs.bracket_norm is '‖[v_i, v_j]‖ over all P parameters; symmetric in i, j.';
comment on column pairs.bracket_rms is 'bracket_norm / √P.';
comment on column pairs.gradient_norm_i is '‖∇L_i‖.';
comment on column pairs.gradient_norm_j is '‖∇L_j‖.';
comment on column pairs.cosine_i is 'Cosine of [v_i, v_j] with ∇L_i; 0 where either vanishes.';
comment on column pairs.cosine_j is 'Cosine of [v_i, v_j] with ∇L_j; 0 where either vanishes.';
comment on column pairs.gradient_cosine is 'Cosine of ∇L_i with ∇L_j.';
comment on column pairs.defect is 'Commutator defect ‖[v_i, v_j]‖ / (‖∇L_i‖ ‖∇L_j‖); 0 where a gradient vanishes.';
comment on column pairs.hvp_norm_ij is '‖H_j ∇L_i‖.';
comment on column pairs.hvp_norm_ji is '‖H_i ∇L_j‖.';
comment on column pairs.cancellation is 'bracket_norm / (hvp_norm_ij + hvp_norm_ji), 1 where both vanish: small values mean digits were lost in the difference.';
comment on column pairs.loss_i is 'L_i.';
comment on column pairs.loss_j is 'L_j.';
comment on column pairs.logit_rms is 'Root mean square over test examples and outputs of J_t [v_i, v_j].';
comment on column pairs.logit_max is 'Largest |J_t [v_i, v_j]| over test examples and outputs.';
comment on column pairs.object is 'Name of the object that holds the pair''s arrays.';
comment on column pairs.position is 'Index of the pair along the `pair` axis of that object''s arrays.';
comment on column pairs.kept_position is 'Index of the pair in that object''s kept brackets, if kept.';

create table tensors (
    job_id bigint not null,
    step bigint not null,
    tensor text not null,
    position bigint not null,
    numel bigint not null,
    gradient_rms double precision not null,
    bracket_rms double precision not null,
    zero_gradient boolean not null,
    constraint tensors_pkey primary key (job_id, step, tensor)
);
comment on table tensors is 'One row per parameter tensor and checkpoint, over all pairs.';
comment on column tensors.job_id is 'The job it belongs to.';
comment on column tensors.step is 'Optimizer step of the checkpoint.';
comment on column tensors.tensor is 'Name of the parameter tensor.';
comment on column tensors.position is 'Order of the tensor within the model.';
comment on column tensors.numel is 'Number of elements.';
comment on column tensors.gradient_rms is '√ mean over examples and elements of (∇L)².';
comment on column tensors.bracket_rms is '√ mean over unordered pairs and elements of [v_i, v_j]².';
comment on column tensors.zero_gradient is 'True where every example''s gradient is exactly 0; left out of fits.';

create table fits (
    job_id bigint not null,
    step bigint not null,
    tensors bigint not null,
    excluded bigint not null,
    intercept double precision,
    residual_sd_decades double precision,
    slope double precision,
    free_intercept double precision,
    pearson_r double precision,
    r_squared_slope_1 double precision,
    constraint fits_pkey primary key (job_id, step)
);
comment on table fits is 'Proportionality of bracket RMS to gradient RMS over tensors, on log10 axes; one row per checkpoint.';
comment on column fits.job_id is 'The job it belongs to.';
comment on column fits.step is 'Optimizer step of the checkpoint.';
comment on column fits.tensors is 'Tensors in the fit.';
comment on column fits.excluded is 'Tensors left out: zero gradient or zero bracket.';
comment on column fits.intercept is 'Slope-1 fit: mean of log10(bracket RMS) − log10(gradient RMS).';
comment on column fits.residual_sd_decades is 'S.d. of the slope-1 residuals, in decades (n − 1).';
comment on column fits.slope is 'Slope of the free least-squares line.';
comment on column fits.free_intercept is 'Its intercept.';
comment on column fits.pearson_r is 'Pearson correlation of the logarithms.';
comment on column fits.r_squared_slope_1 is 'R² of the slope-1 fit; negative when a constant does better.';

create table outputs (
    job_id bigint not null,
    step bigint not null,
    output bigint not null,
    label text not null,
    logit_rms double precision not null,
    logit_max double precision not null,
    slack double precision not null,
    probability_rms double precision not null,
    label_rate double precision not null,
    constraint outputs_pkey primary key (job_id, step, output)
);
comment on table outputs is 'How far each output moves under swaps; one row per output and checkpoint, over pairs and test examples.';
comment on column outputs.job_id is 'The job it belongs to.';
comment on column outputs.step is 'Optimizer step of the checkpoint.';
comment on column outputs.output is 'Index of the output, from 0.';
comment on column outputs.label is 'Name of the output''s label.';
comment on column outputs.logit_rms is '√ mean over pairs and test examples of (J_t [v_i, v_j])².';
comment on column outputs.logit_max is 'Largest |J_t [v_i, v_j]|.';
comment on column outputs.slack is 'Mean over test examples of p(1 − p): how much a probability moves per unit of logit. p is the sigmoid of the logit for independent labels, else the softmax.';
comment on column outputs.probability_rms is '√ mean of (p(1 − p) J_t [v_i, v_j])²: the same in probability.';
comment on column outputs.label_rate is 'Share of the T test examples that carry the label.';

-- Moves between states. The condition is evaluated without a call, so that a legal move costs next to nothing.
create function refuse_move() returns trigger language plpgsql as $$
begin
    raise exception '% % cannot go from % to %', tg_table_name, old.id, old.state, new.state
        using errcode = 'check_violation';
end
$$;
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

-- The public query surface: these views stay when the tables behind them change.
create schema results;
comment on schema results is 'Results of jobs, for reading: one view per kind of result.';
create view results.jobs as
    select id as job_id, digest, kind, name, state, reason, spec, submitted_by, submitted_at, started_at, finished_at,
           blocks_total, blocks_done, version
    from jobs;
comment on view results.jobs is 'Jobs, one row each.';

comment on column results.jobs.job_id is 'Number of the job.';
comment on column results.jobs.digest is 'SHA-256 of the spec''s canonical JSON.';
comment on column results.jobs.kind is 'Kind of the spec.';
comment on column results.jobs.name is 'Label for people.';
comment on column results.jobs.state is 'queued, running, cancelling, done, failed or cancelled.';
comment on column results.jobs.reason is 'Why it does not run, or is not done.';
comment on column results.jobs.spec is 'The spec, as pinned.';
comment on column results.jobs.submitted_by is 'Name of the token.';
comment on column results.jobs.submitted_at is 'When it was accepted.';
comment on column results.jobs.started_at is 'When its first block was claimed.';
comment on column results.jobs.finished_at is 'When it ended.';
comment on column results.jobs.blocks_total is 'Blocks planned.';
comment on column results.jobs.blocks_done is 'Blocks committed.';
comment on column results.jobs.version is 'Version of the service that accepted it.';

create view results.checkpoints as
    select job_id, step, train_loss, test_loss, train_accuracy, test_accuracy, parameter_norm, requested
    from checkpoints;
comment on view results.checkpoints is 'Checkpoints of training runs.';
comment on column results.checkpoints.job_id is 'The job it belongs to.';
comment on column results.checkpoints.step is 'Optimizer step of the checkpoint.';
comment on column results.checkpoints.train_loss is 'Mean loss over the train split, model in eval mode.';
comment on column results.checkpoints.test_loss is 'Mean loss over the test split, model in eval mode.';
comment on column results.checkpoints.train_accuracy is 'Share of train examples whose largest logit is their label; for data with independent labels, the share of (example, label) whose logit has the right sign.';
comment on column results.checkpoints.test_accuracy is 'The same over the test split.';
comment on column results.checkpoints.parameter_norm is 'Euclidean norm of all parameters.';
comment on column results.checkpoints.requested is 'False for a checkpoint kept only so that the run can be resumed.';

create view results.training_steps as
    select job_id, step, loss, gradient_norm, lr
    from training_steps;
comment on view results.training_steps is 'What each optimizer step saw.';
comment on column results.training_steps.job_id is 'The job it belongs to.';
comment on column results.training_steps.step is 'Optimizer step, from 1.';
comment on column results.training_steps.loss is 'Mean loss over the batch, before the step, model in train mode.';
comment on column results.training_steps.gradient_norm is 'Euclidean norm of the batch gradient.';
comment on column results.training_steps.lr is 'Learning rate of the step.';

create view results.pairs as
    select job_id, step, i, j, bracket_norm, bracket_rms, gradient_norm_i, gradient_norm_j, cosine_i,
           cosine_j, gradient_cosine, defect, hvp_norm_ij, hvp_norm_ji, cancellation, loss_i, loss_j,
           logit_rms, logit_max, object, position, kept_position
    from pairs;
comment on view results.pairs is 'One row per unordered pair i < j of examples and checkpoint; values are of [v_i, v_j].';
comment on column results.pairs.job_id is 'The job it belongs to.';
comment on column results.pairs.step is 'Optimizer step of the checkpoint.';
comment on column results.pairs.i is 'Train-split index of the first example.';
comment on column results.pairs.j is 'Train-split index of the second example, j > i.';
comment on column results.pairs.bracket_norm is '‖[v_i, v_j]‖ over all P parameters; symmetric in i, j.';
comment on column results.pairs.bracket_rms is 'bracket_norm / √P.';
comment on column results.pairs.gradient_norm_i is '‖∇L_i‖.';
comment on column results.pairs.gradient_norm_j is '‖∇L_j‖.';
comment on column results.pairs.cosine_i is 'Cosine of [v_i, v_j] with ∇L_i; 0 where either vanishes.';
comment on column results.pairs.cosine_j is 'Cosine of [v_i, v_j] with ∇L_j; 0 where either vanishes.';
comment on column results.pairs.gradient_cosine is 'Cosine of ∇L_i with ∇L_j.';
comment on column results.pairs.defect is 'Commutator defect ‖[v_i, v_j]‖ / (‖∇L_i‖ ‖∇L_j‖); 0 where a gradient vanishes.';
comment on column results.pairs.hvp_norm_ij is '‖H_j ∇L_i‖.';
comment on column results.pairs.hvp_norm_ji is '‖H_i ∇L_j‖.';
comment on column results.pairs.cancellation is 'bracket_norm / (hvp_norm_ij + hvp_norm_ji), 1 where both vanish: small values mean digits were lost in the difference.';
comment on column results.pairs.loss_i is 'L_i.';
comment on column results.pairs.loss_j is 'L_j.';
comment on column results.pairs.logit_rms is 'Root mean square over test examples and outputs of J_t [v_i, v_j].';
comment on column results.pairs.logit_max is 'Largest |J_t [v_i, v_j]| over test examples and outputs.';
comment on column results.pairs.object is 'Name of the object that holds the pair''s arrays.';
comment on column results.pairs.position is 'Index of the pair along the `pair` axis of that object''s arrays.';
comment on column results.pairs.kept_position is 'Index of the pair in that object''s kept brackets, if kept.';

create view results.tensors as
    select job_id, step, tensor, position, numel, gradient_rms, bracket_rms, zero_gradient
    from tensors;
comment on view results.tensors is 'One row per parameter tensor and checkpoint, over all pairs.';
comment on column results.tensors.job_id is 'The job it belongs to.';
comment on column results.tensors.step is 'Optimizer step of the checkpoint.';
comment on column results.tensors.tensor is 'Name of the parameter tensor.';
comment on column results.tensors.position is 'Order of the tensor within the model.';
comment on column results.tensors.numel is 'Number of elements.';
comment on column results.tensors.gradient_rms is '√ mean over examples and elements of (∇L)².';
comment on column results.tensors.bracket_rms is '√ mean over unordered pairs and elements of [v_i, v_j]².';
comment on column results.tensors.zero_gradient is 'True where every example''s gradient is exactly 0; left out of fits.';

create view results.fits as
    select job_id, step, tensors, excluded, intercept, residual_sd_decades, slope, free_intercept,
           pearson_r, r_squared_slope_1
    from fits;
comment on view results.fits is 'Proportionality of bracket RMS to gradient RMS over tensors, on log10 axes; one row per checkpoint.';
comment on column results.fits.job_id is 'The job it belongs to.';
comment on column results.fits.step is 'Optimizer step of the checkpoint.';
comment on column results.fits.tensors is 'Tensors in the fit.';
comment on column results.fits.excluded is 'Tensors left out: zero gradient or zero bracket.';
comment on column results.fits.intercept is 'Slope-1 fit: mean of log10(bracket RMS) − log10(gradient RMS).';
comment on column results.fits.residual_sd_decades is 'S.d. of the slope-1 residuals, in decades (n − 1).';
comment on column results.fits.slope is 'Slope of the free least-squares line.';
comment on column results.fits.free_intercept is 'Its intercept.';
comment on column results.fits.pearson_r is 'Pearson correlation of the logarithms.';
comment on column results.fits.r_squared_slope_1 is 'R² of the slope-1 fit; negative when a constant does better.';

create view results.outputs as
    select job_id, step, output, label, logit_rms, logit_max, slack, probability_rms, label_rate
    from outputs;
comment on view results.outputs is 'How far each output moves under swaps; one row per output and checkpoint, over pairs and test examples.';
comment on column results.outputs.job_id is 'The job it belongs to.';
comment on column results.outputs.step is 'Optimizer step of the checkpoint.';
comment on column results.outputs.output is 'Index of the output, from 0.';
comment on column results.outputs.label is 'Name of the output''s label.';
comment on column results.outputs.logit_rms is '√ mean over pairs and test examples of (J_t [v_i, v_j])².';
comment on column results.outputs.logit_max is 'Largest |J_t [v_i, v_j]|.';
comment on column results.outputs.slack is 'Mean over test examples of p(1 − p): how much a probability moves per unit of logit. p is the sigmoid of the logit for independent labels, else the softmax.';
comment on column results.outputs.probability_rms is '√ mean of (p(1 − p) J_t [v_i, v_j])²: the same in probability.';
comment on column results.outputs.label_rate is 'Share of the T test examples that carry the label.';

-- A role for people who query. It is the cluster's, not the database's, so it may be there already; a user who may not
-- create roles goes without.
do $$
begin
    if not exists (select from pg_roles where rolname = 'holonomy_reader') then
        create role holonomy_reader nologin;
    end if;
    grant usage on schema results to holonomy_reader;
    grant select on all tables in schema results to holonomy_reader;
exception
    when insufficient_privilege or duplicate_object or unique_violation then
        raise notice 'no role holonomy_reader: %', sqlerrm;
end
$$;
