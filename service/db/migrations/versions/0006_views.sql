-- Units and signs in the comments of results, and views of runs, sweeps, schedules and provenance.
-- Frozen: a change is a new revision.

create or replace view results.jobs as
    select id as job_id, digest, kind, name, state, reason, spec, submitted_by, submitted_at, started_at, finished_at,
           blocks_total, blocks_done, version, project, tags, sweep_id, priority, imported
    from jobs;
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
comment on column results.jobs.project is 'Project that it is counted in. Unit: name.';
comment on column results.jobs.tags is 'Labels for finding it. Unit: name.';
comment on column results.jobs.sweep_id is 'The sweep whose limits bind it; results.sweep_jobs has every sweep that it is in. Unit: id.';
comment on column results.jobs.priority is 'Its blocks start before those of jobs of lower priority. Unit: 1. Sign: the higher, the sooner.';
comment on column results.jobs.imported is 'Where it came from, if an export brought it here. Unit: JSON.';

comment on column results.blocks.job_id is 'The job it belongs to. Unit: id.';
comment on column results.blocks.block_id is 'Number of the block. Unit: id.';
comment on column results.blocks.kind is 'Kind of its payload. Unit: name.';
comment on column results.blocks.payload is 'What was computed: checkpoint, positions of examples, steps. Unit: JSON.';
comment on column results.blocks.state is 'done, or another state for a block that left a part of its work before it failed. Unit: name.';
comment on column results.blocks.seconds is 'Wall time of the run that was committed. Unit: s.';
comment on column results.blocks.data is 'What the numbers are: field, loss, power of the learning rate, BatchNorm mode, element type. Unit: JSON.';
comment on column results.blocks.provenance is 'Versions of code and libraries, device, threads and host. Unit: JSON.';

create view results.job_parents as
    select job_id, parent_id from job_parents;
comment on view results.job_parents is 'Jobs whose results a job takes: of a bracket job its training run, of saved directions the jobs that made them.';
comment on column results.job_parents.job_id is 'The job that takes them. Unit: id.';
comment on column results.job_parents.parent_id is 'The job that made them. Unit: id.';

create view results.runs as
    select j.id as job_id, j.digest, j.name, j.project, j.tags, j.sweep_id, j.state,
           j.spec #>> '{data,kind}' as data_kind,
           coalesce((select min(n.name) from dataset_names n where n.digest = j.spec #>> '{data,digest}'),
                    j.spec #>> '{data,name}') as dataset,
           j.spec #>> '{data,digest}' as dataset_digest,
           j.spec #>> '{model,kind}' as model_kind, j.spec -> 'model' as model, j.spec #>> '{loss,kind}' as loss_kind,
           j.spec #>> '{optimizer,kind}' as optimizer,
           (j.spec #>> '{optimizer,lr}')::double precision as lr,
           (j.spec #>> '{optimizer,momentum}')::double precision as momentum,
           (j.spec #>> '{optimizer,betas,0}')::double precision as beta1,
           (j.spec #>> '{optimizer,betas,1}')::double precision as beta2,
           (j.spec #>> '{optimizer,weight_decay}')::double precision as weight_decay,
           j.spec #>> '{rate,kind}' as rate_kind, (j.spec ->> 'steps')::bigint as steps,
           (j.spec ->> 'batch_size')::bigint as batch_size, (j.spec ->> 'seed')::bigint as seed,
           j.spec ->> 'dtype' as dtype, j.spec ->> 'device' as device, j.spec,
           j.submitted_by, j.submitted_at, j.started_at, j.finished_at,
           c.step as last_step, c.train_loss, c.test_loss, c.train_accuracy, c.test_accuracy, c.parameter_norm
    from jobs j left join lateral (
        select step, train_loss, test_loss, train_accuracy, test_accuracy, parameter_norm
        from checkpoints where job_id = j.id order by step desc limit 1
    ) c on true
    where j.kind = 'training';
comment on view results.runs is 'Training jobs, one row each: what was trained, how, and how well at the last checkpoint so far.';
comment on column results.runs.job_id is 'Number of the job. Unit: id.';
comment on column results.runs.digest is 'SHA-256 of the spec''s canonical JSON. Unit: id.';
comment on column results.runs.name is 'Label for people. Unit: name.';
comment on column results.runs.project is 'Project that it is counted in. Unit: name.';
comment on column results.runs.tags is 'Labels for finding it. Unit: name.';
comment on column results.runs.sweep_id is 'The sweep whose limits bind it; results.sweep_jobs has every sweep that it is in. Unit: id.';
comment on column results.runs.state is 'queued, running, cancelling, done, failed or cancelled. Unit: name.';
comment on column results.runs.data_kind is 'Kind of the data. Unit: name.';
comment on column results.runs.dataset is 'Name that the imported dataset has now, or of an installed one; null for built-in data. Unit: name.';
comment on column results.runs.dataset_digest is 'Digest of the imported dataset; null for other data. Unit: id.';
comment on column results.runs.model_kind is 'Kind of the model. Unit: name.';
comment on column results.runs.model is 'The whole model spec. Unit: JSON.';
comment on column results.runs.loss_kind is 'Kind of the loss. Unit: name.';
comment on column results.runs.optimizer is 'Kind of the update rule. Unit: name.';
comment on column results.runs.lr is 'Learning rate, before the factor of its schedule; in θ for updates whose size does not follow the gradient''s (Adam, AdamW, RMSprop). Unit: θ²·loss⁻¹ or θ.';
comment on column results.runs.momentum is 'Heavy-ball coefficient; null where the rule has none. Unit: 1.';
comment on column results.runs.beta1 is 'Decay of Adam''s first moment at each step. Unit: 1.';
comment on column results.runs.beta2 is 'Decay of Adam''s second moment at each step. Unit: 1.';
comment on column results.runs.weight_decay is 'Coefficient of θ, which is added to the gradient; for AdamW it stays apart, and is in θ⁻¹. Unit: loss·θ⁻² or θ⁻¹.';
comment on column results.runs.rate_kind is 'Kind of the learning-rate schedule. Unit: name.';
comment on column results.runs.steps is 'Optimizer steps of the whole run. Unit: step.';
comment on column results.runs.batch_size is 'Examples in a step. Unit: count.';
comment on column results.runs.seed is 'Seeds the initialisation and the batch schedule. Unit: id.';
comment on column results.runs.dtype is 'Type of parameters and arithmetic. Unit: name.';
comment on column results.runs.device is 'Device asked for. Unit: name.';
comment on column results.runs.spec is 'The spec, as pinned. Unit: JSON.';
comment on column results.runs.submitted_by is 'Name of the token. Unit: name.';
comment on column results.runs.submitted_at is 'When it was accepted. Unit: UTC.';
comment on column results.runs.started_at is 'When its first block was claimed. Unit: UTC.';
comment on column results.runs.finished_at is 'When it ended. Unit: UTC.';
comment on column results.runs.last_step is 'Step of the last checkpoint so far. Unit: step.';
comment on column results.runs.train_loss is 'Mean loss over the train split then, model in eval mode. Unit: loss.';
comment on column results.runs.test_loss is 'Mean loss over the test split then, model in eval mode. Unit: loss.';
comment on column results.runs.train_accuracy is 'Share of train examples classified right then, or of (example, label) for independent labels. Unit: 1.';
comment on column results.runs.test_accuracy is 'Share of test examples classified right then, or of (example, label) for independent labels. Unit: 1.';
comment on column results.runs.parameter_norm is 'Euclidean norm of all parameters then. Unit: θ.';

create view results.sweeps as
    select id as sweep_id, digest, name, project, tags, state, spec, priority, max_running_jobs, max_running_blocks,
           jobs_total, submitted_by, submitted_at, finished_at, cancel_requested_at, imported, version
    from sweeps;
comment on view results.sweeps is 'Sweeps, one row each.';
comment on column results.sweeps.sweep_id is 'Number of the sweep. Unit: id.';
comment on column results.sweeps.digest is 'SHA-256 of the canonical JSON of the sweep with pinned data. Unit: id.';
comment on column results.sweeps.name is 'Label for people. Unit: name.';
comment on column results.sweeps.project is 'Project that its jobs are counted in. Unit: name.';
comment on column results.sweeps.tags is 'Labels for finding it. Unit: name.';
comment on column results.sweeps.state is 'running, cancelling, done, failed or cancelled: as of its jobs, soon after they end. Unit: name.';
comment on column results.sweeps.spec is 'The sweep as submitted, with pinned data. Unit: JSON.';
comment on column results.sweeps.priority is 'Its jobs start before those of lower priority. Unit: 1. Sign: the higher, the sooner.';
comment on column results.sweeps.max_running_jobs is 'Most of its jobs that run at once; null without a limit. Unit: count.';
comment on column results.sweeps.max_running_blocks is 'Most of its blocks that run at once; null without a limit. Unit: count.';
comment on column results.sweeps.jobs_total is 'Points of the sweep, each a job. Unit: count.';
comment on column results.sweeps.submitted_by is 'Name of the token. Unit: name.';
comment on column results.sweeps.submitted_at is 'When it was accepted. Unit: UTC.';
comment on column results.sweeps.finished_at is 'When its last job ended. Unit: UTC.';
comment on column results.sweeps.cancel_requested_at is 'When its cancellation was asked for. Unit: UTC.';
comment on column results.sweeps.imported is 'Where it came from, if an export brought it here. Unit: JSON.';
comment on column results.sweeps.version is 'Version of the service that accepted it. Unit: name.';

create view results.sweep_jobs as
    select m.sweep_id, m.position, m.job_id, m.varied, j.kind, j.name, j.state, j.digest,
           coalesce(j.spec #>> '{training,seed}', j.spec ->> 'seed')::bigint as seed
    from sweep_jobs m join jobs j on j.id = m.job_id;
comment on view results.sweep_jobs is 'Jobs of sweeps: one row per sweep and point. A job that several sweeps have in common is in each of them.';
comment on column results.sweep_jobs.sweep_id is 'The sweep it belongs to. Unit: id.';
comment on column results.sweep_jobs.position is 'Place of the point in the sweep. Unit: index.';
comment on column results.sweep_jobs.job_id is 'The job of the point. Unit: id.';
comment on column results.sweep_jobs.varied is 'Value of each varied field, by its path. Unit: JSON.';
comment on column results.sweep_jobs.kind is 'Kind of the job''s spec. Unit: name.';
comment on column results.sweep_jobs.name is 'The job''s label for people. Unit: name.';
comment on column results.sweep_jobs.state is 'State of the job. Unit: name.';
comment on column results.sweep_jobs.digest is 'Digest of the job''s spec. Unit: id.';
comment on column results.sweep_jobs.seed is 'Seed of the job''s training run; null where nothing is drawn. Unit: id.';

create view results.sweep_fields as
    select m.sweep_id, m.position, m.job_id, v.field,
           case jsonb_typeof(v.value) when 'number' then (v.value #>> '{}')::double precision end as number,
           case jsonb_typeof(v.value) when 'string' then v.value #>> '{}' end as text,
           case jsonb_typeof(v.value) when 'boolean' then (v.value #>> '{}')::boolean end as yes,
           v.value
    from sweep_jobs m cross join lateral jsonb_each(m.varied) v (field, value);
comment on view results.sweep_fields is 'Varied fields of the jobs of sweeps: one row per sweep, point and field, its value typed.';
comment on column results.sweep_fields.sweep_id is 'The sweep it belongs to. Unit: id.';
comment on column results.sweep_fields.position is 'Place of the point in the sweep. Unit: index.';
comment on column results.sweep_fields.job_id is 'The job of the point. Unit: id.';
comment on column results.sweep_fields.field is 'Path of the field in the job''s spec. Unit: name.';
comment on column results.sweep_fields.number is 'The value, where it is a number: the field''s own unit. Unit: by field.';
comment on column results.sweep_fields.text is 'The value, where it is a text. Unit: text.';
comment on column results.sweep_fields.yes is 'The value, where it is true or false. Unit: yes/no.';
comment on column results.sweep_fields.value is 'The value as it is, also where it is a list or a document. Unit: JSON.';

create view results.schedules as
    select id as schedule_id, name, cron, timezone, work, overlap, catch_up_seconds, jitter_seconds, max_failures,
           failures, created_by, created_at, updated_at, paused_at, pause_reason, considered_until, next_at,
           deleted_at
    from schedules;
comment on view results.schedules is 'Schedules, one row each, deleted ones too.';
comment on column results.schedules.schedule_id is 'Number of the schedule. Unit: id.';
comment on column results.schedules.name is 'Its name, once among those not deleted. Unit: name.';
comment on column results.schedules.cron is 'Cron expression of its instants. Unit: text.';
comment on column results.schedules.timezone is 'IANA time zone in which cron counts. Unit: name.';
comment on column results.schedules.work is 'What is fired: the sweep, its templates and its limits. Unit: JSON.';
comment on column results.schedules.overlap is 'What happens when an earlier firing still runs: skip, queue, cancel-previous or allow. Unit: name.';
comment on column results.schedules.catch_up_seconds is 'How late an instant may still fire. Unit: s.';
comment on column results.schedules.jitter_seconds is 'Longest delay after an instant. Unit: s.';
comment on column results.schedules.max_failures is 'Failures in a row after which it pauses; null for never. Unit: count.';
comment on column results.schedules.failures is 'Failures in a row so far. Unit: count.';
comment on column results.schedules.created_by is 'Name of the token. Unit: name.';
comment on column results.schedules.created_at is 'When it was made. Unit: UTC.';
comment on column results.schedules.updated_at is 'When it was last changed. Unit: UTC.';
comment on column results.schedules.paused_at is 'Since when it is paused; null while it is not. Unit: UTC.';
comment on column results.schedules.pause_reason is 'Why it is paused. Unit: text.';
comment on column results.schedules.considered_until is 'Every instant up to here has its row, or was not in force. Unit: UTC.';
comment on column results.schedules.next_at is 'The next instant; null while it is paused. Unit: UTC.';
comment on column results.schedules.deleted_at is 'When it was deleted; null while it is there. Unit: UTC.';

create view results.schedule_history as
    select f.id as firing_id, f.schedule_id, s.name as schedule, f.instant, f.origin, f.state, f.due_at, f.fired_at,
           extract(epoch from f.fired_at - f.instant)::double precision as delay_seconds, f.finished_at, f.sweep_id,
           f.reason
    from firings f join schedules s on s.id = f.schedule_id;
comment on view results.schedule_history is 'Firings of schedules: one row per schedule and instant.';
comment on column results.schedule_history.firing_id is 'Number of the firing. Unit: id.';
comment on column results.schedule_history.schedule_id is 'The schedule. Unit: id.';
comment on column results.schedule_history.schedule is 'Its name. Unit: name.';
comment on column results.schedule_history.instant is 'The moment that cron names, or that was asked for. Unit: UTC.';
comment on column results.schedule_history.origin is 'cron, trigger or backfill: what asked for it. Unit: name.';
comment on column results.schedule_history.state is 'due, waiting, running, done, failed, cancelled, skipped, missed or refused. Unit: name.';
comment on column results.schedule_history.due_at is 'The instant with its jitter. Unit: UTC.';
comment on column results.schedule_history.fired_at is 'When its sweep was submitted; null if it was not. Unit: UTC.';
comment on column results.schedule_history.delay_seconds is 'From the instant to the submission. Unit: s. Sign: positive where it fired after its instant.';
comment on column results.schedule_history.finished_at is 'When its sweep ended, or it was decided that there is none. Unit: UTC.';
comment on column results.schedule_history.sweep_id is 'The sweep that it submitted; null if there is none. Unit: id.';
comment on column results.schedule_history.reason is 'Why it did not fire, or failed. Unit: text.';

create view results.provenance as
    select j.id as job_id, p ->> 'code' as code, p ->> 'holonomy' as holonomy, p ->> 'python' as python,
           p ->> 'torch' as torch, p ->> 'numpy' as numpy, p ->> 'cuda' as cuda, p ->> 'cudnn' as cudnn,
           p ->> 'device' as device, (p ->> 'threads')::bigint as threads,
           (p ->> 'tf32')::boolean as tf32, (p ->> 'deterministic')::boolean as deterministic, p ->> 'host' as host,
           p as record,
           c.blocks, c.seconds, c.first_finished_at, c.last_finished_at
    -- By job, so that a question about some jobs reads no other's blocks.
    from jobs j cross join lateral (
        select record -> 'provenance' as p, count(*) as blocks, sum(seconds) as seconds,
               min(finished_at) as first_finished_at, max(finished_at) as last_finished_at
        from blocks where job_id = j.id and record -> 'provenance' is not null
        group by record -> 'provenance'
    ) c;
comment on view results.provenance is 'With what results were computed: one row per job and distinct set of versions, device, threads and host of its blocks.';
comment on column results.provenance.job_id is 'The job it belongs to. Unit: id.';
comment on column results.provenance.code is 'First 16 digits of the SHA-256 of the sources that ran. Unit: id.';
comment on column results.provenance.holonomy is 'Version of holonomy. Unit: name.';
comment on column results.provenance.python is 'Version of Python. Unit: name.';
comment on column results.provenance.torch is 'Version of PyTorch. Unit: name.';
comment on column results.provenance.numpy is 'Version of NumPy. Unit: name.';
comment on column results.provenance.cuda is 'Version of CUDA; null on processors. Unit: name.';
comment on column results.provenance.cudnn is 'Version of cuDNN; null on processors. Unit: name.';
comment on column results.provenance.device is 'Model name of the processor or GPU. Unit: name.';
comment on column results.provenance.threads is 'Threads of PyTorch. Unit: count.';
comment on column results.provenance.tf32 is 'Whether products of float32 were allowed to be rounded to TF32. Unit: yes/no.';
comment on column results.provenance.deterministic is 'Whether only deterministic algorithms were allowed. Unit: yes/no.';
comment on column results.provenance.host is 'Name of the machine. Unit: name.';
comment on column results.provenance.record is 'All that was recorded, with the versions of every library and plugin. Unit: JSON.';
comment on column results.provenance.blocks is 'Blocks computed with it. Unit: count.';
comment on column results.provenance.seconds is 'Sum of their wall times. Unit: s.';
comment on column results.provenance.first_finished_at is 'When the first of them was committed. Unit: UTC.';
comment on column results.provenance.last_finished_at is 'When the last of them was committed. Unit: UTC.';

comment on column checkpoints.job_id is 'The job it belongs to. Unit: id.';
comment on column checkpoints.step is 'Optimizer step of the checkpoint. Unit: step.';
comment on column checkpoints.train_loss is 'Mean loss over the train split, model in eval mode. Unit: loss.';
comment on column checkpoints.test_loss is 'Mean loss over the test split, model in eval mode. Unit: loss.';
comment on column checkpoints.train_accuracy is 'Share of train examples whose largest logit is their label; for data with independent labels, the share of (example, label) whose logit has the right sign. Unit: 1.';
comment on column checkpoints.test_accuracy is 'The same over the test split. Unit: 1.';
comment on column checkpoints.parameter_norm is 'Euclidean norm of all parameters. Unit: θ.';
comment on column checkpoints.requested is 'False for a checkpoint kept only so that the run can be resumed. Unit: yes/no.';

comment on column training_steps.job_id is 'The job it belongs to. Unit: id.';
comment on column training_steps.step is 'Optimizer step, from 1. Unit: step.';
comment on column training_steps.loss is 'Mean loss over the batch, before the step, model in train mode. Unit: loss.';
comment on column training_steps.gradient_norm is 'Euclidean norm of the batch gradient. Unit: loss·θ⁻¹.';
comment on column training_steps.lr is 'Learning rate of the step; in θ for updates whose size does not follow the gradient''s (Adam, AdamW, RMSprop). Unit: θ²·loss⁻¹ or θ.';

comment on column pairs.job_id is 'The job it belongs to. Unit: id.';
comment on column pairs.step is 'Optimizer step of the checkpoint. Unit: step.';
comment on column pairs.i is 'Train-split index of the first example. Unit: index.';
comment on column pairs.j is 'Train-split index of the second example, j > i. Unit: index.';
comment on column pairs.bracket_norm is '‖[v_i, v_j]‖ over all P parameters; symmetric in i, j. Unit: loss²·θ⁻³.';
comment on column pairs.bracket_rms is 'bracket_norm / √P. Unit: loss²·θ⁻³.';
comment on column pairs.gradient_norm_i is '‖∇L_i‖. Unit: loss·θ⁻¹.';
comment on column pairs.gradient_norm_j is '‖∇L_j‖. Unit: loss·θ⁻¹.';
comment on column pairs.cosine_i is 'Cosine of [v_i, v_j] with ∇L_i; 0 where either vanishes. Unit: 1. Sign: positive where i before j leaves L_i larger than j before i.';
comment on column pairs.cosine_j is 'Cosine of [v_i, v_j] with ∇L_j; 0 where either vanishes. Unit: 1. Sign: positive where i before j leaves L_j larger than j before i.';
comment on column pairs.gradient_cosine is 'Cosine of ∇L_i with ∇L_j. Unit: 1. Sign: positive where a step down either loss lowers the other.';
comment on column pairs.defect is 'Commutator defect ‖[v_i, v_j]‖ / (‖∇L_i‖ ‖∇L_j‖); 0 where a gradient vanishes. Unit: θ⁻¹.';
comment on column pairs.hvp_norm_ij is '‖H_j ∇L_i‖. Unit: loss²·θ⁻³.';
comment on column pairs.hvp_norm_ji is '‖H_i ∇L_j‖. Unit: loss²·θ⁻³.';
comment on column pairs.cancellation is 'bracket_norm / (hvp_norm_ij + hvp_norm_ji), 1 where both vanish: small values mean digits were lost in the difference. Unit: 1.';
comment on column pairs.loss_i is 'L_i. Unit: loss.';
comment on column pairs.loss_j is 'L_j. Unit: loss.';
comment on column pairs.recomputed is 'True where cancellation was below 1e-3, so the pair was taken in float64 (equal examples: exactly 0). Unit: yes/no.';
comment on column pairs.gauss_newton_norm is 'Norm of the bracket''s Gauss–Newton part, if asked for. Unit: loss²·θ⁻³.';
comment on column pairs.gauss_newton_cosine is 'Cosine of the bracket with its Gauss–Newton part; 0 where either vanishes. Unit: 1. Sign: 1 for one direction, −1 for opposite ones.';
comment on column pairs.object is 'Name of the object that holds the pair''s arrays. Unit: name.';
comment on column pairs.position is 'Index of the pair along the `pair` axis of that object''s arrays. Unit: index.';
comment on column pairs.kept_position is 'Index of the pair in that object''s kept brackets, if kept. Unit: index.';

comment on column tensors.job_id is 'The job it belongs to. Unit: id.';
comment on column tensors.step is 'Optimizer step of the checkpoint. Unit: step.';
comment on column tensors.tensor is 'Name of the parameter tensor. Unit: name.';
comment on column tensors.position is 'Order of the tensor within the model. Unit: index.';
comment on column tensors.numel is 'Number of elements. Unit: count.';
comment on column tensors.gradient_rms is '√ mean over examples and elements of (∇L)². Unit: loss·θ⁻¹.';
comment on column tensors.bracket_rms is '√ mean over unordered pairs and elements of [v_i, v_j]². Unit: loss²·θ⁻³.';
comment on column tensors.gauss_newton_rms is 'The same of the brackets'' Gauss–Newton parts. Unit: loss²·θ⁻³.';
comment on column tensors.zero_gradient is 'True where every example''s gradient is exactly 0; left out of fits. Unit: yes/no.';

comment on column fits.job_id is 'The job it belongs to. Unit: id.';
comment on column fits.step is 'Optimizer step of the checkpoint. Unit: step.';
comment on column fits.part is '`bracket`, or `gauss_newton` for the brackets'' Gauss–Newton parts. Unit: name.';
comment on column fits.tensors is 'Tensors in the fit. Unit: count.';
comment on column fits.excluded is 'Tensors left out: zero gradient or zero bracket. Unit: count.';
comment on column fits.intercept is 'Slope-1 fit: mean of log10(bracket RMS) − log10(gradient RMS). Unit: decade. Sign: positive where bracket RMS / gradient RMS exceeds 1 loss·θ⁻².';
comment on column fits.residual_sd_decades is 'S.d. of the slope-1 residuals (n − 1). Unit: decade.';
comment on column fits.slope is 'Slope of the free least-squares line. Unit: 1. Sign: positive where tensors with larger gradients have larger brackets.';
comment on column fits.free_intercept is 'Its intercept: the line''s log10(bracket RMS) where the gradient RMS is 1, of a number in loss^(2 − slope)·θ^(slope − 3). Unit: by slope.';
comment on column fits.pearson_r is 'Pearson correlation of the logarithms. Unit: 1. Sign: as of the slope.';
comment on column fits.r_squared_slope_1 is 'R² of the slope-1 fit; negative when a constant does better. Unit: 1.';

comment on column defects.job_id is 'The job it belongs to. Unit: id.';
comment on column defects.step is 'Optimizer step of the checkpoint. Unit: step.';
comment on column defects.pairs is 'Pairs with two non-zero gradients. Unit: count.';
comment on column defects.median is 'Median defect. Unit: θ⁻¹.';
comment on column defects.low is 'Its 5 % quantile. Unit: θ⁻¹.';
comment on column defects.high is 'Its 95 % quantile. Unit: θ⁻¹.';
comment on column defects.null_pairs is 'Pairs drawn for the null whose two gradients are not zero. Unit: count.';
comment on column defects.null_median is 'Median of ‖H_j u − H_i w‖ / (‖∇L_i‖ ‖∇L_j‖), u and w random directions as long as ∇L_i and ∇L_j. Unit: θ⁻¹.';
comment on column defects.null_low is 'Its 5 % quantile. Unit: θ⁻¹.';
comment on column defects.null_high is 'Its 95 % quantile. Unit: θ⁻¹.';

comment on column verifications.job_id is 'The job it belongs to. Unit: id.';
comment on column verifications.step is 'Optimizer step of the checkpoint. Unit: step.';
comment on column verifications.i is 'Train-split index of the first example. Unit: index.';
comment on column verifications.j is 'Train-split index of the second example. Unit: index.';
comment on column verifications.path is 'Path that computed the pair. Unit: name.';
comment on column verifications.bracket_norm is '‖[v_i, v_j]‖ in float64. Unit: loss²·θ⁻³.';
comment on column verifications.norm_error is 'Relative error of the stored norm. Unit: 1.';
comment on column verifications.tensor_error is 'Largest over tensors of |error of the RMS| / RMS; 0 where both vanish. Unit: 1.';
comment on column verifications.cosine_error is 'Larger of the errors of cosine_i and cosine_j (absolute). Unit: 1.';
comment on column verifications.logit_error is 'Largest |error| of the pair''s logit perturbations / largest |perturbation|, if they are stored. Unit: 1.';

comment on column perturbations.job_id is 'The job it belongs to. Unit: id.';
comment on column perturbations.step is 'Optimizer step of the checkpoint. Unit: step.';
comment on column perturbations.i is 'Train-split index of the first example. Unit: index.';
comment on column perturbations.j is 'Train-split index of the second example, j > i. Unit: index.';
comment on column perturbations.logit_rms is 'Root mean square of Δz over test examples and outputs. Unit: logit·loss²·θ⁻⁴.';
comment on column perturbations.logit_max is 'Largest |Δz|. Unit: logit·loss²·θ⁻⁴.';
comment on column perturbations.norm_euclidean is '√ mean_t Σ_k Δz²: function-space norm with G_z = I. Unit: logit·loss²·θ⁻⁴.';
comment on column perturbations.norm_softmax is '√ mean_t Δzᵀ (diag(p) − ppᵀ) Δz, p the softmax of z_t. lr² times it is √(2 mean_t KL) of the move to leading order, so p(1 − p) is in logit⁻² here. Unit: loss²·θ⁻⁴.';
comment on column perturbations.norm_bernoulli is '√ mean_t Σ_k p(1 − p) Δz², p the sigmoid of z_t; p(1 − p) as in norm_softmax. Unit: loss²·θ⁻⁴.';
comment on column perturbations.object is 'Name of the object that holds the pair''s perturbations. Unit: name.';
comment on column perturbations.position is 'Index of the pair along the `pair` axis of its `logits`. Unit: index.';

comment on column projections.job_id is 'The job it belongs to. Unit: id.';
comment on column projections.step is 'Optimizer step of the checkpoint. Unit: step.';
comment on column projections.i is 'Train-split index of the first example. Unit: index.';
comment on column projections.j is 'Train-split index of the second example, j > i. Unit: index.';
comment on column projections.target is 'Direction q: `test_loss`, `logit/example/output` or `saved/…`. Unit: name.';
comment on column projections.value is 'The projection: loss³·θ⁻⁴ for `test_loss`, logit·loss²·θ⁻⁴ for a logit, loss²·θ⁻³ times the unit of a saved q. Unit: by target. Sign: positive where i before j ends further along q, or with the larger loss or logit, than j before i; the other order has the other sign.';

comment on column minibatches.job_id is 'The job it belongs to. Unit: id.';
comment on column minibatches.step is 'Optimizer step of the checkpoint. Unit: step.';
comment on column minibatches.b is 'Place of the first minibatch in the spec, from 0. Unit: index.';
comment on column minibatches.c is 'Place of the second minibatch, c > b. Unit: index.';
comment on column minibatches.shared is 'Examples in both; their own terms cancel. Unit: count.';
comment on column minibatches.bracket_norm is '‖[v_B, v_C]‖; symmetric in b, c. Unit: loss²·θ⁻³.';
comment on column minibatches.bracket_rms is 'bracket_norm / √P. Unit: loss²·θ⁻³.';
comment on column minibatches.gradient_norm_b is 'Norm of the mean gradient of the first. Unit: loss·θ⁻¹.';
comment on column minibatches.gradient_norm_c is 'Norm of the mean gradient of the second. Unit: loss·θ⁻¹.';
comment on column minibatches.gradient_cosine is 'Cosine of the two mean gradients. Unit: 1. Sign: positive where a step down either mean loss lowers the other.';
comment on column minibatches.defect is 'bracket_norm / (gradient_norm_b · gradient_norm_c); 0 where a gradient vanishes. Unit: θ⁻¹.';
comment on column minibatches.cancellation is 'bracket_norm / (‖H_C g_B‖ + ‖H_B g_C‖), 1 where both vanish. Unit: 1.';

comment on column reorderings.job_id is 'The job it belongs to. Unit: id.';
comment on column reorderings.step is 'Optimizer step of the checkpoint. Unit: step.';
comment on column reorderings.reordering is 'Number of the reordering within the job, from 0. Unit: index.';
comment on column reorderings.items is 'Examples in each order. Unit: count.';
comment on column reorderings.i is 'First example of σ, for swaps of two. Unit: index.';
comment on column reorderings.j is 'Second example of σ, for swaps of two. Unit: index.';
comment on column reorderings.lr is 'Learning rate of the exact steps. Unit: θ²·loss⁻¹.';
comment on column reorderings.predicted_norm is '‖S(σ) − S(τ)‖, the sum of brackets of the pairs that change order. Unit: loss²·θ⁻³.';
comment on column reorderings.exact_norm is '‖θ_σ − θ_τ‖ / lr² after the steps. Unit: loss²·θ⁻³.';
comment on column reorderings.relative_error is '‖exact − predicted‖ / ‖exact‖: first order in lr. 0 where both vanish, 1 where only the exact does. Unit: 1.';
comment on column reorderings.cosine is 'Cosine of predicted and exact effect; 0 where either vanishes. Unit: 1. Sign: 1 for one direction, −1 for opposite ones.';
comment on column reorderings.predicted_loss is '∇L_test · (S(σ) − S(τ)). Unit: loss³·θ⁻⁴. Sign: positive where order σ leaves the larger test loss.';
comment on column reorderings.realised_loss is '(L_test(θ_σ) − L_test(θ_τ)) / lr². Unit: loss³·θ⁻⁴. Sign: positive where order σ leaves the larger test loss.';
comment on column reorderings.agrees is 'Whether both have one sign; two exact zeros agree, one does not. Unit: yes/no.';

comment on column order_accuracy.job_id is 'The job it belongs to. Unit: id.';
comment on column order_accuracy.step is 'Optimizer step of the checkpoint. Unit: step.';
comment on column order_accuracy.reorderings is 'Reorderings compared. Unit: count.';
comment on column order_accuracy.agreeing is 'Of them, those whose predicted and realised loss difference have one sign. Unit: count.';
comment on column order_accuracy.accuracy is 'agreeing / reorderings. Unit: 1.';
comment on column order_accuracy.pearson_r is 'Correlation of predicted and realised differences. Unit: 1. Sign: positive where larger predictions come with larger differences.';
comment on column order_accuracy.median_relative_error is 'Median of the reorderings'' relative errors. Unit: 1.';

comment on column outputs.job_id is 'The job it belongs to. Unit: id.';
comment on column outputs.step is 'Optimizer step of the checkpoint. Unit: step.';
comment on column outputs.output is 'Index of the output, from 0. Unit: index.';
comment on column outputs.label is 'Name of the output''s label. Unit: name.';
comment on column outputs.logit_rms is '√ mean over pairs and test examples of (J_t [v_i, v_j])². Unit: logit·loss²·θ⁻⁴.';
comment on column outputs.logit_max is 'Largest |J_t [v_i, v_j]|. Unit: logit·loss²·θ⁻⁴.';
comment on column outputs.slack is 'Root mean square over test examples of p(1 − p): how much a probability moves per unit of logit. p is the sigmoid of the logit for independent labels, else the softmax. Unit: logit⁻¹.';
comment on column outputs.normalised_rms is 'logit_rms / slack: not large merely because p(1 − p) is. Unit: logit²·loss²·θ⁻⁴.';
comment on column outputs.probability_rms is '√ mean of (p(1 − p) J_t [v_i, v_j])²: the same in probability; for a softmax, the part due to the output''s own logit. Unit: loss²·θ⁻⁴.';
comment on column outputs.multiple is 'normalised_rms over its median among the outputs that are no controls. Unit: 1.';
comment on column outputs.flagged is 'True where the multiple is 2 or more. Unit: yes/no.';
comment on column outputs.label_rate is 'Share of the T test examples that carry the label. Unit: 1.';
comment on column outputs.train_rate is 'Share of the train split that carries the label. Unit: 1.';
comment on column outputs.rival is 'Among independent labels, that which it meets furthest below chance in the train split. Unit: name.';
comment on column outputs.rival_lift is 'P(both) / (P(label) P(rival)): 0 if never together. Unit: 1.';
comment on column outputs.rival_expected is 'Train examples that would carry both by chance. Unit: count.';
comment on column outputs.companion is 'The label that exceeds chance furthest. Unit: name.';
comment on column outputs.companion_lift is 'Its lift: above 1 where the two meet more often than by chance. Unit: 1.';

comment on column replicas.job_id is 'The job it belongs to. Unit: id.';
comment on column replicas.replica is 'Number of the replica within the job; −1 − g for the twin of group g. Unit: index.';
comment on column replicas.arm is 'Name of the arm; `twin` for a twin. Unit: name.';
comment on column replicas.number is 'Number within the arm: equal numbers have the same random draws. Unit: index.';
comment on column replicas.group_number is 'Group it was trained in. Unit: index.';
comment on column replicas.epsilon is 'ε of the arm''s first perturbation that has one: in θ where its scale is `absolute` or `per_element`; 0 for a twin. Unit: 1 or θ.';
comment on column replicas.start_distance is '‖w_i − w_0‖ just after the first move of parameters; null without one. Unit: θ.';
comment on column replicas.distance is '‖w_i − w_0‖ at the end. Unit: θ.';
comment on column replicas.diverged_step is 'First look at which a loss or parameter is not finite. Unit: step.';
comment on column replicas.floor_held is 'Whether the twin of its group equals the baseline bit by bit to the end. Unit: yes/no.';

comment on column replica_metrics.job_id is 'The job it belongs to. Unit: id.';
comment on column replica_metrics.step is 'Optimizer step. Unit: step.';
comment on column replica_metrics.replica is 'Number of the replica within the job, from 0; −1 − g for a twin. Unit: index.';
comment on column replica_metrics.distance is '‖w_i − w_0‖₂ over all parameters. Unit: θ.';
comment on column replica_metrics.distance_l1 is '‖w_i − w_0‖₁. Unit: θ.';
comment on column replica_metrics.distance_sup is 'Largest |w_i − w_0| of an element. Unit: θ.';
comment on column replica_metrics.relative_now is 'distance / ‖w_0‖ at this step. Unit: 1.';
comment on column replica_metrics.relative_start is 'distance / ‖w_0‖ at step 0. Unit: 1.';
comment on column replica_metrics.over_epsilon is 'distance / ε; null without an ε above 0. Unit: θ or 1.';
comment on column replica_metrics.growth is 'distance / distance just after the first move; null before it and where that is 0. Unit: 1.';
comment on column replica_metrics.cosine is 'Cosine of w_i and w_0. Unit: 1. Sign: 1 for one direction, −1 for opposite ones.';
comment on column replica_metrics.train_loss is 'Mean loss over the measured training examples, model in eval mode. Unit: loss.';
comment on column replica_metrics.test_loss is 'Mean loss over the measured test examples. Unit: loss.';
comment on column replica_metrics.train_accuracy is 'Share of the measured training examples that are classified right. Unit: 1.';
comment on column replica_metrics.test_accuracy is 'Share of the measured test examples. Unit: 1.';
comment on column replica_metrics.train_loss_difference is 'train_loss less the baseline''s. Unit: loss. Sign: positive where the replica''s is larger.';
comment on column replica_metrics.test_loss_difference is 'test_loss less the baseline''s. Unit: loss. Sign: positive where the replica''s is larger.';
comment on column replica_metrics.train_accuracy_difference is 'train_accuracy less the baseline''s. Unit: 1. Sign: positive where the replica''s is larger.';
comment on column replica_metrics.test_accuracy_difference is 'test_accuracy less the baseline''s. Unit: 1. Sign: positive where the replica''s is larger.';
comment on column replica_metrics.counterfactual_loss is 'Mean loss over test examples against the labels the baseline predicts now. Unit: loss.';
comment on column replica_metrics.counterfactual_accuracy is 'Share of test examples on which the baseline''s label is predicted. Unit: 1.';
comment on column replica_metrics.churn is 'Share of test examples whose prediction differs: 1 − counterfactual_accuracy. Unit: 1.';
comment on column replica_metrics.logit_distance is '√ mean over test examples of ‖z_i − z_0‖². Unit: logit.';
comment on column replica_metrics.logit_sup is 'Largest |z_i − z_0| over test examples and outputs. Unit: logit.';
comment on column replica_metrics.kl is 'Mean over test examples of KL(p_0 ‖ p_i), for independent labels the sum over them; null where the loss does not say what p is. Unit: nat.';
comment on column replica_metrics.root_js is 'Mean over test examples, and over independent labels, of √JS(p_0, p_i), at most √ln 2; null as kl. Unit: √nat.';
comment on column replica_metrics.train_examples is 'Training examples measured. Unit: count.';
comment on column replica_metrics.test_examples is 'Test examples measured. Unit: count.';

comment on column replica_tensors.job_id is 'The job it belongs to. Unit: id.';
comment on column replica_tensors.step is 'Optimizer step. Unit: step.';
comment on column replica_tensors.replica is 'Number of the replica within the job, from 0; −1 − g for a twin. Unit: index.';
comment on column replica_tensors.tensor is 'Name of the parameter tensor. Unit: name.';
comment on column replica_tensors.distance is '‖w_i − w_0‖₂ of the tensor. Unit: θ.';
comment on column replica_tensors.relative_now is 'distance / ‖w_0‖ of the tensor at this step; null where that is 0. Unit: 1.';
comment on column replica_tensors.relative_start is 'distance / ‖w_0‖ of the tensor at step 0; null where that is 0. Unit: 1.';
comment on column replica_tensors.cosine is 'Cosine of the two tensors; null where either vanishes. Unit: 1. Sign: 1 for one direction, −1 for opposite ones.';

comment on column replica_layers.job_id is 'The job it belongs to. Unit: id.';
comment on column replica_layers.step is 'Optimizer step. Unit: step.';
comment on column replica_layers.replica is 'Number of the replica within the job, from 0; −1 − g for a twin. Unit: index.';
comment on column replica_layers.layer is 'Name of the module whose output is compared. Unit: name.';
comment on column replica_layers.cka is 'Linear CKA with the baseline''s output over the drawn test examples. Unit: 1.';

comment on column replica_baseline.job_id is 'The job it belongs to. Unit: id.';
comment on column replica_baseline.step is 'Optimizer step. Unit: step.';
comment on column replica_baseline.norm is '‖w_0‖. Unit: θ.';
comment on column replica_baseline.train_loss is 'Mean loss over the measured training examples. Unit: loss.';
comment on column replica_baseline.test_loss is 'Mean loss over the measured test examples. Unit: loss.';
comment on column replica_baseline.train_accuracy is 'Share of the measured training examples that are classified right. Unit: 1.';
comment on column replica_baseline.test_accuracy is 'Share of the measured test examples. Unit: 1.';
comment on column replica_baseline.lr is 'Learning rate of the step, of the first one at step 0; in θ for updates whose size does not follow the gradient''s (Adam, AdamW, RMSprop). Unit: θ²·loss⁻¹ or θ.';
comment on column replica_baseline.train_examples is 'Training examples measured. Unit: count.';
comment on column replica_baseline.test_examples is 'Test examples measured. Unit: count.';

comment on column replica_alignments.job_id is 'The job it belongs to. Unit: id.';
comment on column replica_alignments.step is 'Optimizer step. Unit: step.';
comment on column replica_alignments.replica is 'Number of the replica within the job, from 0; −1 − g for a twin. Unit: index.';
comment on column replica_alignments.distance is '‖w_i − w_0‖ as they are. Unit: θ.';
comment on column replica_alignments.aligned_distance is 'The smallest ‖π(w_i) − w_0‖ that weight matching found. Unit: θ.';
comment on column replica_alignments.aligned_median is 'Median of it over the restarts. Unit: θ.';
comment on column replica_alignments.aligned_highest is 'Largest of it over the restarts. Unit: θ.';
comment on column replica_alignments.restarts is 'Restarts. Unit: count.';
comment on column replica_alignments.moved_units is 'Share of hidden units that the best permutation moves. Unit: 1.';

comment on column replica_barriers.job_id is 'The job it belongs to. Unit: id.';
comment on column replica_barriers.step is 'Optimizer step. Unit: step.';
comment on column replica_barriers.replica is 'Number of the replica within the job, from 0; −1 − g for a twin. Unit: index.';
comment on column replica_barriers.aligned is 'Whether the replica was permuted first. Unit: yes/no.';
comment on column replica_barriers.split is '`train` or `test`. Unit: name.';
comment on column replica_barriers.quantity is '`loss`, or `error`: 1 − accuracy. Unit: name.';
comment on column replica_barriers.max_minus_ends is 'Largest value on the path less the mean of its two ends. Unit: loss or 1. Sign: positive where the path lies above the mean of its ends.';
comment on column replica_barriers.midpoint is 'Value half way less the mean of the ends. Unit: loss or 1. Sign: positive where the path lies above the mean of its ends half way.';
comment on column replica_barriers.mean_minus_chord is 'Mean over the path of value less the straight line between the ends. Unit: loss or 1. Sign: positive where the path lies above its chord on average.';
comment on column replica_barriers.at_baseline is 'Value at the baseline. Unit: loss or 1.';
comment on column replica_barriers.at_replica is 'Value at the replica. Unit: loss or 1.';
comment on column replica_barriers.points is 'Points of the path. Unit: count.';
comment on column replica_barriers.examples is 'Examples measured. Unit: count.';

comment on column replica_statistics.job_id is 'The job it belongs to. Unit: id.';
comment on column replica_statistics.step is 'Optimizer step. Unit: step.';
comment on column replica_statistics.arm is 'Name of the arm. Unit: name.';
comment on column replica_statistics.metric is 'Column of `replica_metrics`, or `aligned_distance`. Unit: name.';
comment on column replica_statistics.count is 'Replicas with a finite value, which have not diverged by then. Unit: count.';
comment on column replica_statistics.mean is 'Mean, in the metric''s unit and with its sign. Unit: by metric.';
comment on column replica_statistics.sd is 'Standard deviation over replicas (n − 1). Unit: by metric.';
comment on column replica_statistics.low is 'Lower end of the bootstrap interval of the mean. Unit: by metric.';
comment on column replica_statistics.high is 'Its upper end. Unit: by metric.';

comment on column replica_growth.job_id is 'The job it belongs to. Unit: id.';
comment on column replica_growth.arm is 'Name of the arm. Unit: name.';
comment on column replica_growth.law is '`exponential` a·e^(bt), `linear` a + bt, `sqrt` a + b√t or `power` a·t^b. Unit: name.';
comment on column replica_growth.a is 'First parameter: in θ, for `power` in θ·step⁻ᵇ. Unit: by law.';
comment on column replica_growth.b is 'Second parameter: in step⁻¹ for `exponential`, θ·step⁻¹ for `linear`, θ·√step⁻¹ for `sqrt`, a pure number for `power`. Unit: by law. Sign: positive where the distance grows.';
comment on column replica_growth.rss is 'Residual sum of squares of the distance. Unit: θ².';
comment on column replica_growth.aic is 'n ln(rss / n) + 2k, k = 3: the two parameters and the variance; null where rss is 0. Unit: 1. Sign: the smaller, the better; only differences within an arm mean something.';
comment on column replica_growth.aic_difference is 'aic less the smallest of the arm. Unit: 1.';
comment on column replica_growth.points is 'Looks in the window at which a replica has not diverged, n; at least 3 for a fit. Unit: count.';
comment on column replica_growth.start is 'First step of the window, not before the first look at which the arm has parted. Unit: step.';
comment on column replica_growth.stop is 'Last step of the window. Unit: step.';

comment on column replica_exponents.job_id is 'The job it belongs to. Unit: id.';
comment on column replica_exponents.step is 'Optimizer step. Unit: step.';
comment on column replica_exponents.index is 'Place of the exponent, 0 the leading one. Unit: index.';
comment on column replica_exponents.log_growth is 'Logarithm of the growth since the row before. Unit: nat. Sign: positive where nearby states drift apart.';
comment on column replica_exponents.exponent is 'Mean logarithmic growth per step since step 0. Unit: nat·step⁻¹. Sign: positive where nearby states drift apart.';
comment on column replica_exponents.exponent_per_epoch is 'exponent times the steps of an epoch. Unit: nat·epoch⁻¹. Sign: positive where nearby states drift apart.';

comment on column replica_correlations.job_id is 'The job it belongs to. Unit: id.';
comment on column replica_correlations.arm is 'Name of the arm. Unit: name.';
comment on column replica_correlations.quantity is '`weights` or `logits` (of the drawn test examples). Unit: name.';
comment on column replica_correlations.start_step is 'The earlier checkpoint. Unit: step.';
comment on column replica_correlations.step is 'The later checkpoint. Unit: step.';
comment on column replica_correlations.correlation is 'Mean over replicas of the Pearson correlation over elements. Unit: 1. Sign: positive where elements stay on one side of the mean.';
comment on column replica_correlations.sd is 'Standard deviation over replicas (n − 1). Unit: 1.';
comment on column replica_correlations.count is 'Replicas with a finite value. Unit: count.';

comment on column replica_stability.job_id is 'The job it belongs to. Unit: id.';
comment on column replica_stability.arm is 'Name of the arm. Unit: name.';
comment on column replica_stability.after is 'Last step that the arm''s runs share with the baseline. Unit: step.';
comment on column replica_stability.barrier is 'Mean over replicas of max_minus_ends of the error on the test split at the end. Unit: 1. Sign: positive where the path lies above the mean of its ends.';
comment on column replica_stability.aligned_barrier is 'The same after alignment. Unit: 1. Sign: as of barrier.';
comment on column replica_stability.stable is 'Whether `barrier` is below the limit; false where no replica has one. Unit: yes/no.';
comment on column replica_stability.stability_time is 'The stability time over all arms; null if none is stable. Unit: step.';

-- Their views say the same.
do $$
declare
    shown record;
begin
    for shown in
        select t.relname as view, a.attname as name, col_description(t.oid, a.attnum) as said
        from pg_class t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
        where t.relnamespace = current_schema()::regnamespace and t.relname in (
            'checkpoints', 'training_steps', 'pairs', 'tensors', 'fits', 'defects', 'verifications',
            'perturbations', 'projections', 'minibatches', 'reorderings', 'order_accuracy', 'outputs',
            'replicas', 'replica_metrics', 'replica_tensors', 'replica_layers', 'replica_baseline',
            'replica_alignments', 'replica_barriers', 'replica_statistics', 'replica_growth',
            'replica_exponents', 'replica_correlations', 'replica_stability'
        )
    loop
        execute format('comment on column results.%I.%I is %L', shown.view, shown.name, shown.said);
    end loop;
end
$$;

do $$
begin
    grant select on all tables in schema results to holonomy_reader;
exception
    when insufficient_privilege or undefined_object then
        raise notice 'no grant to holonomy_reader: %', sqlerrm;
end
$$;
