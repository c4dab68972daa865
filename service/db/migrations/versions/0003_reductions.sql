-- Results of every reduction of a bracket job, beside those of the first schema: logit perturbations leave `pairs` for a
-- table of their own, because they may be there for some pairs only.
-- Frozen: a change is a new revision.

drop view results.pairs, results.tensors, results.fits, results.outputs;

create table defects (
    job_id bigint not null,
    step bigint not null,
    pairs bigint not null,
    median double precision,
    low double precision,
    high double precision,
    null_pairs bigint not null,
    null_median double precision,
    null_low double precision,
    null_high double precision,
    constraint defects_pkey primary key (job_id, step)
);
comment on table defects is 'Commutator defects ‖[v_i, v_j]‖ / (‖∇L_i‖ ‖∇L_j‖) over all pairs, beside random directions; one per checkpoint.';
comment on column defects.job_id is 'The job it belongs to.';
comment on column defects.step is 'Optimizer step of the checkpoint.';
comment on column defects.pairs is 'Pairs with two non-zero gradients.';
comment on column defects.median is 'Median defect.';
comment on column defects.low is 'Its 5 % quantile.';
comment on column defects.high is 'Its 95 % quantile.';
comment on column defects.null_pairs is 'Pairs drawn for the null whose two gradients are not zero.';
comment on column defects.null_median is 'Median of ‖H_j u − H_i w‖ / (‖∇L_i‖ ‖∇L_j‖), u and w random directions as long as ∇L_i and ∇L_j.';
comment on column defects.null_low is 'Its 5 % quantile.';
comment on column defects.null_high is 'Its 95 % quantile.';

create table verifications (
    job_id bigint not null,
    step bigint not null,
    i bigint not null,
    j bigint not null,
    path text not null,
    bracket_norm double precision not null,
    norm_error double precision not null,
    tensor_error double precision not null,
    cosine_error double precision not null,
    logit_error double precision,
    constraint verifications_pkey primary key (job_id, step, i, j)
);
comment on table verifications is 'Pairs computed again on the generic path in float64; errors are relative to that.';
comment on column verifications.job_id is 'The job it belongs to.';
comment on column verifications.step is 'Optimizer step of the checkpoint.';
comment on column verifications.i is 'Train-split index of the first example.';
comment on column verifications.j is 'Train-split index of the second example.';
comment on column verifications.path is 'Path that computed the pair.';
comment on column verifications.bracket_norm is '‖[v_i, v_j]‖ in float64.';
comment on column verifications.norm_error is 'Relative error of the stored norm.';
comment on column verifications.tensor_error is 'Largest over tensors of |error of the RMS| / RMS; 0 where both vanish.';
comment on column verifications.cosine_error is 'Larger of the errors of cosine_i and cosine_j (absolute).';
comment on column verifications.logit_error is 'Largest |error| of the pair''s logit perturbations / largest |perturbation|, if they are stored.';

create table perturbations (
    job_id bigint not null,
    step bigint not null,
    i bigint not null,
    j bigint not null,
    logit_rms double precision not null,
    logit_max double precision not null,
    norm_euclidean double precision not null,
    norm_softmax double precision not null,
    norm_bernoulli double precision not null,
    object text not null,
    position bigint not null,
    constraint perturbations_pkey primary key (job_id, step, i, j)
);
comment on table perturbations is 'Δz_t = J_t [v_i, v_j] of one pair over all T test examples, without lr²; one row per pair and checkpoint.';
comment on column perturbations.job_id is 'The job it belongs to.';
comment on column perturbations.step is 'Optimizer step of the checkpoint.';
comment on column perturbations.i is 'Train-split index of the first example.';
comment on column perturbations.j is 'Train-split index of the second example, j > i.';
comment on column perturbations.logit_rms is 'Root mean square of Δz over test examples and outputs.';
comment on column perturbations.logit_max is 'Largest |Δz|.';
comment on column perturbations.norm_euclidean is '√ mean_t Σ_k Δz²: function-space norm with G_z = I.';
comment on column perturbations.norm_softmax is '√ mean_t Δzᵀ (diag(p) − ppᵀ) Δz, p the softmax of z_t.';
comment on column perturbations.norm_bernoulli is '√ mean_t Σ_k p(1 − p) Δz², p the sigmoid of z_t.';
comment on column perturbations.object is 'Name of the object that holds the pair''s perturbations.';
comment on column perturbations.position is 'Index of the pair along the `pair` axis of its `logits`.';

create table projections (
    job_id bigint not null,
    step bigint not null,
    i bigint not null,
    j bigint not null,
    target text not null,
    value double precision not null,
    constraint projections_pkey primary key (job_id, step, i, j, target)
);
comment on table projections is 'q · [v_i, v_j] = (H_j q) · ∇L_i − (H_i q) · ∇L_j: times lr², what i before j adds against j before i.';
comment on column projections.job_id is 'The job it belongs to.';
comment on column projections.step is 'Optimizer step of the checkpoint.';
comment on column projections.i is 'Train-split index of the first example.';
comment on column projections.j is 'Train-split index of the second example, j > i.';
comment on column projections.target is 'Direction q: `test_loss`, `logit/example/output` or `saved/…`.';
comment on column projections.value is 'The projection; changes its sign with the order of i and j.';

create table minibatches (
    job_id bigint not null,
    step bigint not null,
    b bigint not null,
    c bigint not null,
    shared bigint not null,
    bracket_norm double precision not null,
    bracket_rms double precision not null,
    gradient_norm_b double precision not null,
    gradient_norm_c double precision not null,
    gradient_cosine double precision not null,
    defect double precision not null,
    cancellation double precision not null,
    constraint minibatches_pkey primary key (job_id, step, b, c)
);
comment on table minibatches is '[v_B, v_C] = H_C g_B − H_B g_C of batch means; one row per pair of minibatches and checkpoint.';
comment on column minibatches.job_id is 'The job it belongs to.';
comment on column minibatches.step is 'Optimizer step of the checkpoint.';
comment on column minibatches.b is 'Place of the first minibatch in the spec, from 0.';
comment on column minibatches.c is 'Place of the second minibatch, c > b.';
comment on column minibatches.shared is 'Examples in both; their own terms cancel.';
comment on column minibatches.bracket_norm is '‖[v_B, v_C]‖; symmetric in b, c.';
comment on column minibatches.bracket_rms is 'bracket_norm / √P.';
comment on column minibatches.gradient_norm_b is 'Norm of the mean gradient of the first.';
comment on column minibatches.gradient_norm_c is 'Norm of the mean gradient of the second.';
comment on column minibatches.gradient_cosine is 'Cosine of the two mean gradients.';
comment on column minibatches.defect is 'bracket_norm / (gradient_norm_b · gradient_norm_c); 0 where a gradient vanishes.';
comment on column minibatches.cancellation is 'bracket_norm / (‖H_C g_B‖ + ‖H_B g_C‖), 1 where both vanish.';

create table reorderings (
    job_id bigint not null,
    step bigint not null,
    reordering bigint not null,
    items bigint not null,
    i bigint,
    j bigint,
    lr double precision not null,
    predicted_norm double precision not null,
    exact_norm double precision not null,
    relative_error double precision not null,
    cosine double precision not null,
    predicted_loss double precision,
    realised_loss double precision,
    agrees boolean,
    constraint reorderings_pkey primary key (job_id, step, reordering)
);
comment on table reorderings is 'Order σ against order τ of plain gradient steps, one step per example, from the checkpoint; effects are divided by lr². Losses are of the test examples.';
comment on column reorderings.job_id is 'The job it belongs to.';
comment on column reorderings.step is 'Optimizer step of the checkpoint.';
comment on column reorderings.reordering is 'Number of the reordering within the job, from 0.';
comment on column reorderings.items is 'Examples in each order.';
comment on column reorderings.i is 'First example of σ, for swaps of two.';
comment on column reorderings.j is 'Second example of σ, for swaps of two.';
comment on column reorderings.lr is 'Learning rate of the exact steps.';
comment on column reorderings.predicted_norm is '‖S(σ) − S(τ)‖, the sum of brackets of the pairs that change order.';
comment on column reorderings.exact_norm is '‖θ_σ − θ_τ‖ / lr² after the steps.';
comment on column reorderings.relative_error is '‖exact − predicted‖ / ‖exact‖: first order in lr. 0 where both vanish, 1 where only the exact does.';
comment on column reorderings.cosine is 'Cosine of predicted and exact effect; 0 where either vanishes.';
comment on column reorderings.predicted_loss is '∇L_test · (S(σ) − S(τ)).';
comment on column reorderings.realised_loss is '(L_test(θ_σ) − L_test(θ_τ)) / lr².';
comment on column reorderings.agrees is 'Whether both have one sign; two exact zeros agree, one does not.';

create table order_accuracy (
    job_id bigint not null,
    step bigint not null,
    reorderings bigint not null,
    agreeing bigint not null,
    accuracy double precision,
    pearson_r double precision,
    median_relative_error double precision not null,
    constraint order_accuracy_pkey primary key (job_id, step)
);
comment on table order_accuracy is 'How well brackets predict which order leaves the smaller test loss; one row per checkpoint.';
comment on column order_accuracy.job_id is 'The job it belongs to.';
comment on column order_accuracy.step is 'Optimizer step of the checkpoint.';
comment on column order_accuracy.reorderings is 'Reorderings compared.';
comment on column order_accuracy.agreeing is 'Of them, those whose predicted and realised loss difference have one sign.';
comment on column order_accuracy.accuracy is 'agreeing / reorderings.';
comment on column order_accuracy.pearson_r is 'Correlation of predicted and realised differences.';
comment on column order_accuracy.median_relative_error is 'Median of the reorderings'' relative errors.';

create index perturbations_by_norm on perturbations (job_id, step, norm_euclidean desc);
create index projections_by_value on projections (job_id, step, target, value desc);

-- Bracket jobs that are not done were planned in stages that this version does not continue: they begin anew.
create temporary table begun on commit drop as
    select id from jobs where kind = 'brackets' and state <> 'done' and blocks_total > 0;
delete from pairs where job_id in (select id from begun);
delete from tensors where job_id in (select id from begun);
delete from fits where job_id in (select id from begun);
delete from outputs where job_id in (select id from begun);
delete from objects where job_id in (select id from begun);
delete from blocks where job_id in (select id from begun);
-- From running back to queued is no move that a service may make.
alter table jobs disable trigger jobs_moves;
update jobs
set state = case state when 'running' then 'queued' when 'cancelling' then 'cancelled' else state end,
    finished_at = case state when 'cancelling' then now() else finished_at end,
    phase = 0, phase_end = 0, blocks_total = 0, blocks_done = 0, plan = null
where id in (select id from begun);
alter table jobs enable trigger jobs_moves;

-- What earlier jobs found stays readable. Norms that were not taken then are NaN.
insert into perturbations (
    job_id, step, i, j, logit_rms, logit_max, norm_euclidean, norm_softmax, norm_bernoulli, object, position
)
select p.job_id, p.step, p.i, p.j, p.logit_rms, p.logit_max,
       p.logit_rms * sqrt((select count(*) from outputs o where o.job_id = p.job_id and o.step = p.step)),
       'NaN', 'NaN', p.object, p.position
from pairs p where p.logit_rms is not null;

alter table pairs drop column logit_rms, drop column logit_max;
alter table pairs add column recomputed boolean default false not null;
alter table pairs alter column recomputed drop default;
alter table pairs add column gauss_newton_norm double precision, add column gauss_newton_cosine double precision;
comment on column pairs.recomputed is 'True where cancellation was below 1e-3, so the pair was taken in float64 (equal examples: exactly 0).';
comment on column pairs.gauss_newton_norm is 'Norm of the bracket''s Gauss–Newton part, if asked for.';
comment on column pairs.gauss_newton_cosine is 'Cosine of the bracket with its Gauss–Newton part; 0 where either vanishes.';

alter table tensors add column gauss_newton_rms double precision;
comment on column tensors.gauss_newton_rms is 'The same of the brackets'' Gauss–Newton parts.';

alter table fits add column part text default 'bracket' not null;
alter table fits alter column part drop default;
alter table fits drop constraint fits_pkey, add constraint fits_pkey primary key (job_id, step, part);
comment on table fits is 'Proportionality of bracket RMS to gradient RMS over tensors, on log10 axes; one row per checkpoint and part.';
comment on column fits.part is '`bracket`, or `gauss_newton` for the brackets'' Gauss–Newton parts.';

alter table outputs
    add column normalised_rms double precision,
    add column multiple double precision,
    add column flagged boolean default false not null,
    add column train_rate double precision default 'NaN' not null,
    add column rival text,
    add column rival_lift double precision,
    add column rival_expected double precision,
    add column companion text,
    add column companion_lift double precision;
alter table outputs alter column flagged drop default, alter column train_rate drop default;
-- Of earlier jobs it is a mean, so that normalised_rms is not known.
comment on column outputs.slack is 'Root mean square over test examples of p(1 − p): how much a probability moves per unit of logit. p is the sigmoid of the logit for independent labels, else the softmax.';
comment on table outputs is 'How far each output moves under swaps; one row per output and checkpoint, over the pairs with logit perturbations and all test examples.';
comment on column outputs.normalised_rms is 'logit_rms / slack: not large merely because p(1 − p) is.';
comment on column outputs.multiple is 'normalised_rms over its median among the outputs that are no controls.';
comment on column outputs.flagged is 'True where the multiple is 2 or more.';
comment on column outputs.train_rate is 'Share of the train split that carries the label.';
comment on column outputs.rival is 'Among independent labels, that which it meets furthest below chance in the train split.';
comment on column outputs.rival_lift is 'P(both) / (P(label) P(rival)): 0 if never together.';
comment on column outputs.rival_expected is 'Train examples that would carry both by chance.';
comment on column outputs.companion is 'The label that exceeds chance furthest.';
comment on column outputs.companion_lift is 'Its lift.';

create view results.pairs as
    select job_id, step, i, j, bracket_norm, bracket_rms, gradient_norm_i, gradient_norm_j, cosine_i, cosine_j,
           gradient_cosine, defect, hvp_norm_ij, hvp_norm_ji, cancellation, loss_i, loss_j, recomputed,
           gauss_newton_norm, gauss_newton_cosine, object, position, kept_position
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
comment on column results.pairs.recomputed is 'True where cancellation was below 1e-3, so the pair was taken in float64 (equal examples: exactly 0).';
comment on column results.pairs.gauss_newton_norm is 'Norm of the bracket''s Gauss–Newton part, if asked for.';
comment on column results.pairs.gauss_newton_cosine is 'Cosine of the bracket with its Gauss–Newton part; 0 where either vanishes.';
comment on column results.pairs.object is 'Name of the object that holds the pair''s arrays.';
comment on column results.pairs.position is 'Index of the pair along the `pair` axis of that object''s arrays.';
comment on column results.pairs.kept_position is 'Index of the pair in that object''s kept brackets, if kept.';

create view results.tensors as
    select job_id, step, tensor, position, numel, gradient_rms, bracket_rms, gauss_newton_rms, zero_gradient
    from tensors;
comment on view results.tensors is 'One row per parameter tensor and checkpoint, over all pairs.';
comment on column results.tensors.job_id is 'The job it belongs to.';
comment on column results.tensors.step is 'Optimizer step of the checkpoint.';
comment on column results.tensors.tensor is 'Name of the parameter tensor.';
comment on column results.tensors.position is 'Order of the tensor within the model.';
comment on column results.tensors.numel is 'Number of elements.';
comment on column results.tensors.gradient_rms is '√ mean over examples and elements of (∇L)².';
comment on column results.tensors.bracket_rms is '√ mean over unordered pairs and elements of [v_i, v_j]².';
comment on column results.tensors.gauss_newton_rms is 'The same of the brackets'' Gauss–Newton parts.';
comment on column results.tensors.zero_gradient is 'True where every example''s gradient is exactly 0; left out of fits.';

create view results.fits as
    select job_id, step, part, tensors, excluded, intercept, residual_sd_decades, slope, free_intercept, pearson_r,
           r_squared_slope_1
    from fits;
comment on view results.fits is 'Proportionality of bracket RMS to gradient RMS over tensors, on log10 axes; one row per checkpoint and part.';
comment on column results.fits.job_id is 'The job it belongs to.';
comment on column results.fits.step is 'Optimizer step of the checkpoint.';
comment on column results.fits.part is '`bracket`, or `gauss_newton` for the brackets'' Gauss–Newton parts.';
comment on column results.fits.tensors is 'Tensors in the fit.';
comment on column results.fits.excluded is 'Tensors left out: zero gradient or zero bracket.';
comment on column results.fits.intercept is 'Slope-1 fit: mean of log10(bracket RMS) − log10(gradient RMS).';
comment on column results.fits.residual_sd_decades is 'S.d. of the slope-1 residuals, in decades (n − 1).';
comment on column results.fits.slope is 'Slope of the free least-squares line.';
comment on column results.fits.free_intercept is 'Its intercept.';
comment on column results.fits.pearson_r is 'Pearson correlation of the logarithms.';
comment on column results.fits.r_squared_slope_1 is 'R² of the slope-1 fit; negative when a constant does better.';

create view results.outputs as
    select job_id, step, output, label, logit_rms, logit_max, slack, normalised_rms, probability_rms, multiple, flagged,
           label_rate, train_rate, rival, rival_lift, rival_expected, companion, companion_lift
    from outputs;
comment on view results.outputs is 'How far each output moves under swaps; one row per output and checkpoint, over the pairs with logit perturbations and all test examples.';
comment on column results.outputs.job_id is 'The job it belongs to.';
comment on column results.outputs.step is 'Optimizer step of the checkpoint.';
comment on column results.outputs.output is 'Index of the output, from 0.';
comment on column results.outputs.label is 'Name of the output''s label.';
comment on column results.outputs.logit_rms is '√ mean over pairs and test examples of (J_t [v_i, v_j])².';
comment on column results.outputs.logit_max is 'Largest |J_t [v_i, v_j]|.';
comment on column results.outputs.slack is 'Root mean square over test examples of p(1 − p): how much a probability moves per unit of logit. p is the sigmoid of the logit for independent labels, else the softmax.';
comment on column results.outputs.normalised_rms is 'logit_rms / slack: not large merely because p(1 − p) is.';
comment on column results.outputs.probability_rms is '√ mean of (p(1 − p) J_t [v_i, v_j])²: the same in probability; for a softmax, the part due to the output''s own logit.';
comment on column results.outputs.multiple is 'normalised_rms over its median among the outputs that are no controls.';
comment on column results.outputs.flagged is 'True where the multiple is 2 or more.';
comment on column results.outputs.label_rate is 'Share of the T test examples that carry the label.';
comment on column results.outputs.train_rate is 'Share of the train split that carries the label.';
comment on column results.outputs.rival is 'Among independent labels, that which it meets furthest below chance in the train split.';
comment on column results.outputs.rival_lift is 'P(both) / (P(label) P(rival)): 0 if never together.';
comment on column results.outputs.rival_expected is 'Train examples that would carry both by chance.';
comment on column results.outputs.companion is 'The label that exceeds chance furthest.';
comment on column results.outputs.companion_lift is 'Its lift.';

create view results.defects as
    select job_id, step, pairs, median, low, high, null_pairs, null_median, null_low, null_high
    from defects;
comment on view results.defects is 'Commutator defects ‖[v_i, v_j]‖ / (‖∇L_i‖ ‖∇L_j‖) over all pairs, beside random directions; one per checkpoint.';
comment on column results.defects.job_id is 'The job it belongs to.';
comment on column results.defects.step is 'Optimizer step of the checkpoint.';
comment on column results.defects.pairs is 'Pairs with two non-zero gradients.';
comment on column results.defects.median is 'Median defect.';
comment on column results.defects.low is 'Its 5 % quantile.';
comment on column results.defects.high is 'Its 95 % quantile.';
comment on column results.defects.null_pairs is 'Pairs drawn for the null whose two gradients are not zero.';
comment on column results.defects.null_median is 'Median of ‖H_j u − H_i w‖ / (‖∇L_i‖ ‖∇L_j‖), u and w random directions as long as ∇L_i and ∇L_j.';
comment on column results.defects.null_low is 'Its 5 % quantile.';
comment on column results.defects.null_high is 'Its 95 % quantile.';

create view results.verifications as
    select job_id, step, i, j, path, bracket_norm, norm_error, tensor_error, cosine_error, logit_error
    from verifications;
comment on view results.verifications is 'Pairs computed again on the generic path in float64; errors are relative to that.';
comment on column results.verifications.job_id is 'The job it belongs to.';
comment on column results.verifications.step is 'Optimizer step of the checkpoint.';
comment on column results.verifications.i is 'Train-split index of the first example.';
comment on column results.verifications.j is 'Train-split index of the second example.';
comment on column results.verifications.path is 'Path that computed the pair.';
comment on column results.verifications.bracket_norm is '‖[v_i, v_j]‖ in float64.';
comment on column results.verifications.norm_error is 'Relative error of the stored norm.';
comment on column results.verifications.tensor_error is 'Largest over tensors of |error of the RMS| / RMS; 0 where both vanish.';
comment on column results.verifications.cosine_error is 'Larger of the errors of cosine_i and cosine_j (absolute).';
comment on column results.verifications.logit_error is 'Largest |error| of the pair''s logit perturbations / largest |perturbation|, if they are stored.';

create view results.perturbations as
    select job_id, step, i, j, logit_rms, logit_max, norm_euclidean, norm_softmax, norm_bernoulli, object, position
    from perturbations;
comment on view results.perturbations is 'Δz_t = J_t [v_i, v_j] of one pair over all T test examples, without lr²; one row per pair and checkpoint.';
comment on column results.perturbations.job_id is 'The job it belongs to.';
comment on column results.perturbations.step is 'Optimizer step of the checkpoint.';
comment on column results.perturbations.i is 'Train-split index of the first example.';
comment on column results.perturbations.j is 'Train-split index of the second example, j > i.';
comment on column results.perturbations.logit_rms is 'Root mean square of Δz over test examples and outputs.';
comment on column results.perturbations.logit_max is 'Largest |Δz|.';
comment on column results.perturbations.norm_euclidean is '√ mean_t Σ_k Δz²: function-space norm with G_z = I.';
comment on column results.perturbations.norm_softmax is '√ mean_t Δzᵀ (diag(p) − ppᵀ) Δz, p the softmax of z_t.';
comment on column results.perturbations.norm_bernoulli is '√ mean_t Σ_k p(1 − p) Δz², p the sigmoid of z_t.';
comment on column results.perturbations.object is 'Name of the object that holds the pair''s perturbations.';
comment on column results.perturbations.position is 'Index of the pair along the `pair` axis of its `logits`.';

create view results.projections as
    select job_id, step, i, j, target, value
    from projections;
comment on view results.projections is 'q · [v_i, v_j] = (H_j q) · ∇L_i − (H_i q) · ∇L_j: times lr², what i before j adds against j before i.';
comment on column results.projections.job_id is 'The job it belongs to.';
comment on column results.projections.step is 'Optimizer step of the checkpoint.';
comment on column results.projections.i is 'Train-split index of the first example.';
comment on column results.projections.j is 'Train-split index of the second example, j > i.';
comment on column results.projections.target is 'Direction q: `test_loss`, `logit/example/output` or `saved/…`.';
comment on column results.projections.value is 'The projection; changes its sign with the order of i and j.';

create view results.minibatches as
    select job_id, step, b, c, shared, bracket_norm, bracket_rms, gradient_norm_b, gradient_norm_c, gradient_cosine,
           defect, cancellation
    from minibatches;
comment on view results.minibatches is '[v_B, v_C] = H_C g_B − H_B g_C of batch means; one row per pair of minibatches and checkpoint.';
comment on column results.minibatches.job_id is 'The job it belongs to.';
comment on column results.minibatches.step is 'Optimizer step of the checkpoint.';
comment on column results.minibatches.b is 'Place of the first minibatch in the spec, from 0.';
comment on column results.minibatches.c is 'Place of the second minibatch, c > b.';
comment on column results.minibatches.shared is 'Examples in both; their own terms cancel.';
comment on column results.minibatches.bracket_norm is '‖[v_B, v_C]‖; symmetric in b, c.';
comment on column results.minibatches.bracket_rms is 'bracket_norm / √P.';
comment on column results.minibatches.gradient_norm_b is 'Norm of the mean gradient of the first.';
comment on column results.minibatches.gradient_norm_c is 'Norm of the mean gradient of the second.';
comment on column results.minibatches.gradient_cosine is 'Cosine of the two mean gradients.';
comment on column results.minibatches.defect is 'bracket_norm / (gradient_norm_b · gradient_norm_c); 0 where a gradient vanishes.';
comment on column results.minibatches.cancellation is 'bracket_norm / (‖H_C g_B‖ + ‖H_B g_C‖), 1 where both vanish.';

create view results.reorderings as
    select job_id, step, reordering, items, i, j, lr, predicted_norm, exact_norm, relative_error, cosine, predicted_loss,
           realised_loss, agrees
    from reorderings;
comment on view results.reorderings is 'Order σ against order τ of plain gradient steps, one step per example, from the checkpoint; effects are divided by lr². Losses are of the test examples.';
comment on column results.reorderings.job_id is 'The job it belongs to.';
comment on column results.reorderings.step is 'Optimizer step of the checkpoint.';
comment on column results.reorderings.reordering is 'Number of the reordering within the job, from 0.';
comment on column results.reorderings.items is 'Examples in each order.';
comment on column results.reorderings.i is 'First example of σ, for swaps of two.';
comment on column results.reorderings.j is 'Second example of σ, for swaps of two.';
comment on column results.reorderings.lr is 'Learning rate of the exact steps.';
comment on column results.reorderings.predicted_norm is '‖S(σ) − S(τ)‖, the sum of brackets of the pairs that change order.';
comment on column results.reorderings.exact_norm is '‖θ_σ − θ_τ‖ / lr² after the steps.';
comment on column results.reorderings.relative_error is '‖exact − predicted‖ / ‖exact‖: first order in lr. 0 where both vanish, 1 where only the exact does.';
comment on column results.reorderings.cosine is 'Cosine of predicted and exact effect; 0 where either vanishes.';
comment on column results.reorderings.predicted_loss is '∇L_test · (S(σ) − S(τ)).';
comment on column results.reorderings.realised_loss is '(L_test(θ_σ) − L_test(θ_τ)) / lr².';
comment on column results.reorderings.agrees is 'Whether both have one sign; two exact zeros agree, one does not.';

create view results.order_accuracy as
    select job_id, step, reorderings, agreeing, accuracy, pearson_r, median_relative_error
    from order_accuracy;
comment on view results.order_accuracy is 'How well brackets predict which order leaves the smaller test loss; one row per checkpoint.';
comment on column results.order_accuracy.job_id is 'The job it belongs to.';
comment on column results.order_accuracy.step is 'Optimizer step of the checkpoint.';
comment on column results.order_accuracy.reorderings is 'Reorderings compared.';
comment on column results.order_accuracy.agreeing is 'Of them, those whose predicted and realised loss difference have one sign.';
comment on column results.order_accuracy.accuracy is 'agreeing / reorderings.';
comment on column results.order_accuracy.pearson_r is 'Correlation of predicted and realised differences.';
comment on column results.order_accuracy.median_relative_error is 'Median of the reorderings'' relative errors.';

do $$
begin
    grant select on all tables in schema results to holonomy_reader;
exception
    when insufficient_privilege or undefined_object then
        raise notice 'no grant to holonomy_reader: %', sqlerrm;
end
$$;
