-- Back to the second schema: what it has no place for is dropped.

drop view results.pairs, results.tensors, results.fits, results.outputs, results.defects, results.verifications, results.perturbations,
    results.projections, results.minibatches, results.reorderings, results.order_accuracy;

alter table pairs drop column recomputed, drop column gauss_newton_norm, drop column gauss_newton_cosine;
alter table pairs add column logit_rms double precision, add column logit_max double precision;
update pairs p set logit_rms = m.logit_rms, logit_max = m.logit_max
from perturbations m where (m.job_id, m.step, m.i, m.j) = (p.job_id, p.step, p.i, p.j) and m.object = p.object;
comment on column pairs.logit_rms is 'Root mean square over test examples and outputs of J_t [v_i, v_j].';
comment on column pairs.logit_max is 'Largest |J_t [v_i, v_j]| over test examples and outputs.';

alter table tensors drop column gauss_newton_rms;

delete from fits where part <> 'bracket';
alter table fits drop constraint fits_pkey, drop column part, add constraint fits_pkey primary key (job_id, step);
comment on table fits is 'Proportionality of bracket RMS to gradient RMS over tensors, on log10 axes; one row per checkpoint.';

alter table outputs
    drop column normalised_rms, drop column multiple, drop column flagged, drop column train_rate, drop column rival,
    drop column rival_lift, drop column rival_expected, drop column companion, drop column companion_lift;
comment on table outputs is 'How far each output moves under swaps; one row per output and checkpoint, over pairs and test examples.';

drop table defects, verifications, perturbations, projections, minibatches, reorderings, order_accuracy;

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
comment on column results.outputs.probability_rms is '√ mean of (p(1 − p) J_t [v_i, v_j])²: the same in probability; for a softmax, the part due to the output''s own logit.';
comment on column results.outputs.label_rate is 'Share of the T test examples that carry the label.';

do $$
begin
    grant select on all tables in schema results to holonomy_reader;
exception
    when insufficient_privilege or undefined_object then
        raise notice 'no grant to holonomy_reader: %', sqlerrm;
end
$$;
