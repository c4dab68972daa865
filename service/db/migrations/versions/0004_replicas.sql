-- Results of replica jobs.
-- Frozen: a change is a new revision.

create table replicas (
    job_id bigint not null,
    replica bigint not null,
    arm text not null,
    number bigint not null,
    group_number bigint not null,
    epsilon double precision,
    start_distance double precision,
    distance double precision,
    diverged_step bigint,
    floor_held boolean not null,
    constraint replicas_pkey primary key (job_id, replica)
);
comment on table replicas is 'One row per replica, and one (−1 − group) for the twin of each group.';
comment on column replicas.job_id is 'The job it belongs to.';
comment on column replicas.replica is 'Number of the replica within the job; −1 − g for the twin of group g.';
comment on column replicas.arm is 'Name of the arm; `twin` for a twin.';
comment on column replicas.number is 'Number within the arm: equal numbers have the same random draws.';
comment on column replicas.group_number is 'Group it was trained in.';
comment on column replicas.epsilon is 'ε of the arm''s first perturbation that has one; 0 for a twin.';
comment on column replicas.start_distance is '‖w_i − w_0‖ just after the first move of parameters; null without one.';
comment on column replicas.distance is '‖w_i − w_0‖ at the end.';
comment on column replicas.diverged_step is 'First look at which a loss or parameter is not finite.';
comment on column replicas.floor_held is 'Whether the twin of its group equals the baseline bit by bit to the end.';

create table replica_metrics (
    job_id bigint not null,
    step bigint not null,
    replica bigint not null,
    distance double precision,
    distance_l1 double precision,
    distance_sup double precision,
    relative_now double precision,
    relative_start double precision,
    over_epsilon double precision,
    growth double precision,
    cosine double precision,
    train_loss double precision,
    test_loss double precision,
    train_accuracy double precision,
    test_accuracy double precision,
    train_loss_difference double precision,
    test_loss_difference double precision,
    train_accuracy_difference double precision,
    test_accuracy_difference double precision,
    counterfactual_loss double precision,
    counterfactual_accuracy double precision,
    churn double precision,
    logit_distance double precision,
    logit_sup double precision,
    kl double precision,
    root_js double precision,
    train_examples bigint not null,
    test_examples bigint not null,
    constraint replica_metrics_pkey primary key (job_id, step, replica)
);
comment on table replica_metrics is 'One row per look and replica: distances to the baseline at the same step; also of the twins.';
comment on column replica_metrics.job_id is 'The job it belongs to.';
comment on column replica_metrics.step is 'Optimizer step.';
comment on column replica_metrics.replica is 'Number of the replica within the job, from 0; −1 − g for a twin.';
comment on column replica_metrics.distance is '‖w_i − w_0‖₂ over all parameters.';
comment on column replica_metrics.distance_l1 is '‖w_i − w_0‖₁.';
comment on column replica_metrics.distance_sup is 'Largest |w_i − w_0| of an element.';
comment on column replica_metrics.relative_now is 'distance / ‖w_0‖ at this step.';
comment on column replica_metrics.relative_start is 'distance / ‖w_0‖ at step 0.';
comment on column replica_metrics.over_epsilon is 'distance / ε; null without an ε above 0.';
comment on column replica_metrics.growth is 'distance / distance just after the first move; null before it and where that is 0.';
comment on column replica_metrics.cosine is 'Cosine of w_i and w_0.';
comment on column replica_metrics.train_loss is 'Mean loss over the measured training examples, model in eval mode.';
comment on column replica_metrics.test_loss is 'Mean loss over the measured test examples.';
comment on column replica_metrics.train_accuracy is 'Share of the measured training examples that are classified right.';
comment on column replica_metrics.test_accuracy is 'Share of the measured test examples.';
comment on column replica_metrics.train_loss_difference is 'train_loss less the baseline''s.';
comment on column replica_metrics.test_loss_difference is 'test_loss less the baseline''s.';
comment on column replica_metrics.train_accuracy_difference is 'train_accuracy less the baseline''s.';
comment on column replica_metrics.test_accuracy_difference is 'test_accuracy less the baseline''s.';
comment on column replica_metrics.counterfactual_loss is 'Mean loss over test examples against the labels the baseline predicts now.';
comment on column replica_metrics.counterfactual_accuracy is 'Share of test examples on which the baseline''s label is predicted.';
comment on column replica_metrics.churn is 'Share of test examples whose prediction differs: 1 − counterfactual_accuracy.';
comment on column replica_metrics.logit_distance is '√ mean over test examples of ‖z_i − z_0‖².';
comment on column replica_metrics.logit_sup is 'Largest |z_i − z_0| over test examples and outputs.';
comment on column replica_metrics.kl is 'Mean over test examples of KL(p_0 ‖ p_i), in nats, for independent labels the sum over them; null where the loss does not say what p is.';
comment on column replica_metrics.root_js is 'Mean over test examples, and over independent labels, of √JS(p_0, p_i), at most √ln 2; null as kl.';
comment on column replica_metrics.train_examples is 'Training examples measured.';
comment on column replica_metrics.test_examples is 'Test examples measured.';

create table replica_tensors (
    job_id bigint not null,
    step bigint not null,
    replica bigint not null,
    tensor text not null,
    distance double precision,
    relative_now double precision,
    relative_start double precision,
    cosine double precision,
    constraint replica_tensors_pkey primary key (job_id, step, replica, tensor)
);
comment on table replica_tensors is 'One row per look, replica and parameter tensor.';
comment on column replica_tensors.job_id is 'The job it belongs to.';
comment on column replica_tensors.step is 'Optimizer step.';
comment on column replica_tensors.replica is 'Number of the replica within the job, from 0; −1 − g for a twin.';
comment on column replica_tensors.tensor is 'Name of the parameter tensor.';
comment on column replica_tensors.distance is '‖w_i − w_0‖₂ of the tensor.';
comment on column replica_tensors.relative_now is 'distance / ‖w_0‖ of the tensor at this step; null where that is 0.';
comment on column replica_tensors.relative_start is 'distance / ‖w_0‖ of the tensor at step 0; null where that is 0.';
comment on column replica_tensors.cosine is 'Cosine of the two tensors; null where either vanishes.';

create table replica_layers (
    job_id bigint not null,
    step bigint not null,
    replica bigint not null,
    layer text not null,
    cka double precision,
    constraint replica_layers_pkey primary key (job_id, step, replica, layer)
);
comment on table replica_layers is 'One row per checkpoint, replica and hidden layer.';
comment on column replica_layers.job_id is 'The job it belongs to.';
comment on column replica_layers.step is 'Optimizer step.';
comment on column replica_layers.replica is 'Number of the replica within the job, from 0; −1 − g for a twin.';
comment on column replica_layers.layer is 'Name of the module whose output is compared.';
comment on column replica_layers.cka is 'Linear CKA with the baseline''s output over the drawn test examples.';

create table replica_baseline (
    job_id bigint not null,
    step bigint not null,
    norm double precision not null,
    train_loss double precision not null,
    test_loss double precision not null,
    train_accuracy double precision not null,
    test_accuracy double precision not null,
    lr double precision not null,
    train_examples bigint not null,
    test_examples bigint not null,
    constraint replica_baseline_pkey primary key (job_id, step)
);
comment on table replica_baseline is 'One row per look: the baseline itself.';
comment on column replica_baseline.job_id is 'The job it belongs to.';
comment on column replica_baseline.step is 'Optimizer step.';
comment on column replica_baseline.norm is '‖w_0‖.';
comment on column replica_baseline.train_loss is 'Mean loss over the measured training examples.';
comment on column replica_baseline.test_loss is 'Mean loss over the measured test examples.';
comment on column replica_baseline.train_accuracy is 'Share of the measured training examples that are classified right.';
comment on column replica_baseline.test_accuracy is 'Share of the measured test examples.';
comment on column replica_baseline.lr is 'Learning rate of the step; of the first one at step 0.';
comment on column replica_baseline.train_examples is 'Training examples measured.';
comment on column replica_baseline.test_examples is 'Test examples measured.';

create table replica_alignments (
    job_id bigint not null,
    step bigint not null,
    replica bigint not null,
    distance double precision,
    aligned_distance double precision,
    aligned_median double precision,
    aligned_highest double precision,
    restarts bigint not null,
    moved_units double precision,
    constraint replica_alignments_pkey primary key (job_id, step, replica)
);
comment on table replica_alignments is 'One row per checkpoint and replica: distance up to permutations of hidden units.';
comment on column replica_alignments.job_id is 'The job it belongs to.';
comment on column replica_alignments.step is 'Optimizer step.';
comment on column replica_alignments.replica is 'Number of the replica within the job, from 0; −1 − g for a twin.';
comment on column replica_alignments.distance is '‖w_i − w_0‖ as they are.';
comment on column replica_alignments.aligned_distance is 'The smallest ‖π(w_i) − w_0‖ that weight matching found.';
comment on column replica_alignments.aligned_median is 'Median of it over the restarts.';
comment on column replica_alignments.aligned_highest is 'Largest of it over the restarts.';
comment on column replica_alignments.restarts is 'Restarts.';
comment on column replica_alignments.moved_units is 'Share of hidden units that the best permutation moves.';

create table replica_barriers (
    job_id bigint not null,
    step bigint not null,
    replica bigint not null,
    aligned boolean not null,
    split text not null,
    quantity text not null,
    max_minus_ends double precision,
    midpoint double precision,
    mean_minus_chord double precision,
    at_baseline double precision,
    at_replica double precision,
    points bigint not null,
    examples bigint not null,
    constraint replica_barriers_pkey primary key (job_id, step, replica, aligned, split, quantity)
);
comment on table replica_barriers is 'Along the straight path from the baseline to a replica; one row per checkpoint, replica, alignment, split and quantity.';
comment on column replica_barriers.job_id is 'The job it belongs to.';
comment on column replica_barriers.step is 'Optimizer step.';
comment on column replica_barriers.replica is 'Number of the replica within the job, from 0; −1 − g for a twin.';
comment on column replica_barriers.aligned is 'Whether the replica was permuted first.';
comment on column replica_barriers.split is '`train` or `test`.';
comment on column replica_barriers.quantity is '`loss`, or `error`: 1 − accuracy.';
comment on column replica_barriers.max_minus_ends is 'Largest value on the path less the mean of its two ends.';
comment on column replica_barriers.midpoint is 'Value half way less the mean of the ends.';
comment on column replica_barriers.mean_minus_chord is 'Mean over the path of value less the straight line between the ends.';
comment on column replica_barriers.at_baseline is 'Value at the baseline.';
comment on column replica_barriers.at_replica is 'Value at the replica.';
comment on column replica_barriers.points is 'Points of the path.';
comment on column replica_barriers.examples is 'Examples measured.';

create table replica_statistics (
    job_id bigint not null,
    step bigint not null,
    arm text not null,
    metric text not null,
    count bigint not null,
    mean double precision,
    sd double precision,
    low double precision,
    high double precision,
    constraint replica_statistics_pkey primary key (job_id, step, arm, metric)
);
comment on table replica_statistics is 'Over the replicas of an arm; one row per look, arm and metric. Replicas that diverged are left out.';
comment on column replica_statistics.job_id is 'The job it belongs to.';
comment on column replica_statistics.step is 'Optimizer step.';
comment on column replica_statistics.arm is 'Name of the arm.';
comment on column replica_statistics.metric is 'Column of `replica_metrics`, or `aligned_distance`.';
comment on column replica_statistics.count is 'Replicas with a finite value, which have not diverged by then.';
comment on column replica_statistics.mean is 'Mean.';
comment on column replica_statistics.sd is 'Standard deviation over replicas (n − 1).';
comment on column replica_statistics.low is 'Lower end of the bootstrap interval of the mean.';
comment on column replica_statistics.high is 'Upper end.';

create table replica_growth (
    job_id bigint not null,
    arm text not null,
    law text not null,
    a double precision,
    b double precision,
    rss double precision,
    aic double precision,
    aic_difference double precision,
    points bigint not null,
    start bigint not null,
    stop bigint not null,
    constraint replica_growth_pkey primary key (job_id, arm, law)
);
comment on table replica_growth is 'Laws fitted to an arm''s mean distance over the growth window; one row per arm and law.';
comment on column replica_growth.job_id is 'The job it belongs to.';
comment on column replica_growth.arm is 'Name of the arm.';
comment on column replica_growth.law is '`exponential` a·e^(bt), `linear` a + bt, `sqrt` a + b√t or `power` a·t^b.';
comment on column replica_growth.a is 'First parameter.';
comment on column replica_growth.b is 'Second parameter.';
comment on column replica_growth.rss is 'Residual sum of squares of the distance.';
comment on column replica_growth.aic is 'n ln(rss / n) + 2k, k = 3: the two parameters and the variance; null where rss is 0.';
comment on column replica_growth.aic_difference is 'aic less the smallest of the arm.';
comment on column replica_growth.points is 'Looks in the window at which a replica has not diverged, n; at least 3 for a fit.';
comment on column replica_growth.start is 'First step of the window, not before the first look at which the arm has parted.';
comment on column replica_growth.stop is 'Last step of the window.';

create table replica_exponents (
    job_id bigint not null,
    step bigint not null,
    index bigint not null,
    log_growth double precision,
    exponent double precision,
    exponent_per_epoch double precision,
    constraint replica_exponents_pkey primary key (job_id, step, index)
);
comment on table replica_exponents is 'Finite-time Lyapunov exponents of the baseline, in the Euclidean norm of parameters and optimizer state together; one row per orthonormalisation and exponent. −∞, of a direction that steps forget, is null.';
comment on column replica_exponents.job_id is 'The job it belongs to.';
comment on column replica_exponents.step is 'Optimizer step.';
comment on column replica_exponents.index is 'Place of the exponent, 0 the leading one.';
comment on column replica_exponents.log_growth is 'Logarithm of the growth since the row before.';
comment on column replica_exponents.exponent is 'Mean logarithmic growth per step since step 0.';
comment on column replica_exponents.exponent_per_epoch is 'exponent times the steps of an epoch.';

create table replica_correlations (
    job_id bigint not null,
    arm text not null,
    quantity text not null,
    start_step bigint not null,
    step bigint not null,
    correlation double precision,
    sd double precision,
    count bigint not null,
    constraint replica_correlations_pkey primary key (job_id, arm, quantity, start_step, step)
);
comment on table replica_correlations is 'Autocorrelation between two checkpoints, centred and normalised, averaged over the replicas of an arm.';
comment on column replica_correlations.job_id is 'The job it belongs to.';
comment on column replica_correlations.arm is 'Name of the arm.';
comment on column replica_correlations.quantity is '`weights` or `logits` (of the drawn test examples).';
comment on column replica_correlations.start_step is 'The earlier checkpoint.';
comment on column replica_correlations.step is 'The later checkpoint.';
comment on column replica_correlations.correlation is 'Mean over replicas of the Pearson correlation over elements.';
comment on column replica_correlations.sd is 'Standard deviation over replicas (n − 1).';
comment on column replica_correlations.count is 'Replicas with a finite value.';

create table replica_stability (
    job_id bigint not null,
    arm text not null,
    after bigint not null,
    barrier double precision,
    aligned_barrier double precision,
    stable boolean not null,
    stability_time bigint,
    constraint replica_stability_pkey primary key (job_id, arm)
);
comment on table replica_stability is 'Arms whose schedule leaves the baseline''s after a step: the stability time is the earliest such step from which on the barrier in test error stays below the limit.';
comment on column replica_stability.job_id is 'The job it belongs to.';
comment on column replica_stability.arm is 'Name of the arm.';
comment on column replica_stability.after is 'Last step that the arm''s runs share with the baseline.';
comment on column replica_stability.barrier is 'Mean over replicas of max_minus_ends of the error on the test split at the end.';
comment on column replica_stability.aligned_barrier is 'The same after alignment.';
comment on column replica_stability.stable is 'Whether `barrier` is below the limit; false where no replica has one.';
comment on column replica_stability.stability_time is 'The stability time over all arms; null if none is stable.';

create view results.replicas as
    select job_id, replica, arm, number, group_number, epsilon, start_distance, distance, diverged_step, floor_held
    from replicas;
comment on view results.replicas is 'One row per replica, and one (−1 − group) for the twin of each group.';
comment on column results.replicas.job_id is 'The job it belongs to.';
comment on column results.replicas.replica is 'Number of the replica within the job; −1 − g for the twin of group g.';
comment on column results.replicas.arm is 'Name of the arm; `twin` for a twin.';
comment on column results.replicas.number is 'Number within the arm: equal numbers have the same random draws.';
comment on column results.replicas.group_number is 'Group it was trained in.';
comment on column results.replicas.epsilon is 'ε of the arm''s first perturbation that has one; 0 for a twin.';
comment on column results.replicas.start_distance is '‖w_i − w_0‖ just after the first move of parameters; null without one.';
comment on column results.replicas.distance is '‖w_i − w_0‖ at the end.';
comment on column results.replicas.diverged_step is 'First look at which a loss or parameter is not finite.';
comment on column results.replicas.floor_held is 'Whether the twin of its group equals the baseline bit by bit to the end.';

create view results.replica_metrics as
    select job_id, step, replica, distance, distance_l1, distance_sup, relative_now, relative_start, over_epsilon,
           growth, cosine, train_loss, test_loss, train_accuracy, test_accuracy, train_loss_difference,
           test_loss_difference, train_accuracy_difference, test_accuracy_difference, counterfactual_loss,
           counterfactual_accuracy, churn, logit_distance, logit_sup, kl, root_js, train_examples, test_examples
    from replica_metrics;
comment on view results.replica_metrics is 'One row per look and replica: distances to the baseline at the same step; also of the twins.';
comment on column results.replica_metrics.job_id is 'The job it belongs to.';
comment on column results.replica_metrics.step is 'Optimizer step.';
comment on column results.replica_metrics.replica is 'Number of the replica within the job, from 0; −1 − g for a twin.';
comment on column results.replica_metrics.distance is '‖w_i − w_0‖₂ over all parameters.';
comment on column results.replica_metrics.distance_l1 is '‖w_i − w_0‖₁.';
comment on column results.replica_metrics.distance_sup is 'Largest |w_i − w_0| of an element.';
comment on column results.replica_metrics.relative_now is 'distance / ‖w_0‖ at this step.';
comment on column results.replica_metrics.relative_start is 'distance / ‖w_0‖ at step 0.';
comment on column results.replica_metrics.over_epsilon is 'distance / ε; null without an ε above 0.';
comment on column results.replica_metrics.growth is 'distance / distance just after the first move; null before it and where that is 0.';
comment on column results.replica_metrics.cosine is 'Cosine of w_i and w_0.';
comment on column results.replica_metrics.train_loss is 'Mean loss over the measured training examples, model in eval mode.';
comment on column results.replica_metrics.test_loss is 'Mean loss over the measured test examples.';
comment on column results.replica_metrics.train_accuracy is 'Share of the measured training examples that are classified right.';
comment on column results.replica_metrics.test_accuracy is 'Share of the measured test examples.';
comment on column results.replica_metrics.train_loss_difference is 'train_loss less the baseline''s.';
comment on column results.replica_metrics.test_loss_difference is 'test_loss less the baseline''s.';
comment on column results.replica_metrics.train_accuracy_difference is 'train_accuracy less the baseline''s.';
comment on column results.replica_metrics.test_accuracy_difference is 'test_accuracy less the baseline''s.';
comment on column results.replica_metrics.counterfactual_loss is 'Mean loss over test examples against the labels the baseline predicts now.';
comment on column results.replica_metrics.counterfactual_accuracy is 'Share of test examples on which the baseline''s label is predicted.';
comment on column results.replica_metrics.churn is 'Share of test examples whose prediction differs: 1 − counterfactual_accuracy.';
comment on column results.replica_metrics.logit_distance is '√ mean over test examples of ‖z_i − z_0‖².';
comment on column results.replica_metrics.logit_sup is 'Largest |z_i − z_0| over test examples and outputs.';
comment on column results.replica_metrics.kl is 'Mean over test examples of KL(p_0 ‖ p_i), in nats, for independent labels the sum over them; null where the loss does not say what p is.';
comment on column results.replica_metrics.root_js is 'Mean over test examples, and over independent labels, of √JS(p_0, p_i), at most √ln 2; null as kl.';
comment on column results.replica_metrics.train_examples is 'Training examples measured.';
comment on column results.replica_metrics.test_examples is 'Test examples measured.';

create view results.replica_tensors as
    select job_id, step, replica, tensor, distance, relative_now, relative_start, cosine
    from replica_tensors;
comment on view results.replica_tensors is 'One row per look, replica and parameter tensor.';
comment on column results.replica_tensors.job_id is 'The job it belongs to.';
comment on column results.replica_tensors.step is 'Optimizer step.';
comment on column results.replica_tensors.replica is 'Number of the replica within the job, from 0; −1 − g for a twin.';
comment on column results.replica_tensors.tensor is 'Name of the parameter tensor.';
comment on column results.replica_tensors.distance is '‖w_i − w_0‖₂ of the tensor.';
comment on column results.replica_tensors.relative_now is 'distance / ‖w_0‖ of the tensor at this step; null where that is 0.';
comment on column results.replica_tensors.relative_start is 'distance / ‖w_0‖ of the tensor at step 0; null where that is 0.';
comment on column results.replica_tensors.cosine is 'Cosine of the two tensors; null where either vanishes.';

create view results.replica_layers as
    select job_id, step, replica, layer, cka
    from replica_layers;
comment on view results.replica_layers is 'One row per checkpoint, replica and hidden layer.';
comment on column results.replica_layers.job_id is 'The job it belongs to.';
comment on column results.replica_layers.step is 'Optimizer step.';
comment on column results.replica_layers.replica is 'Number of the replica within the job, from 0; −1 − g for a twin.';
comment on column results.replica_layers.layer is 'Name of the module whose output is compared.';
comment on column results.replica_layers.cka is 'Linear CKA with the baseline''s output over the drawn test examples.';

create view results.replica_baseline as
    select job_id, step, norm, train_loss, test_loss, train_accuracy, test_accuracy, lr, train_examples,
           test_examples
    from replica_baseline;
comment on view results.replica_baseline is 'One row per look: the baseline itself.';
comment on column results.replica_baseline.job_id is 'The job it belongs to.';
comment on column results.replica_baseline.step is 'Optimizer step.';
comment on column results.replica_baseline.norm is '‖w_0‖.';
comment on column results.replica_baseline.train_loss is 'Mean loss over the measured training examples.';
comment on column results.replica_baseline.test_loss is 'Mean loss over the measured test examples.';
comment on column results.replica_baseline.train_accuracy is 'Share of the measured training examples that are classified right.';
comment on column results.replica_baseline.test_accuracy is 'Share of the measured test examples.';
comment on column results.replica_baseline.lr is 'Learning rate of the step; of the first one at step 0.';
comment on column results.replica_baseline.train_examples is 'Training examples measured.';
comment on column results.replica_baseline.test_examples is 'Test examples measured.';

create view results.replica_alignments as
    select job_id, step, replica, distance, aligned_distance, aligned_median, aligned_highest, restarts, moved_units
    from replica_alignments;
comment on view results.replica_alignments is 'One row per checkpoint and replica: distance up to permutations of hidden units.';
comment on column results.replica_alignments.job_id is 'The job it belongs to.';
comment on column results.replica_alignments.step is 'Optimizer step.';
comment on column results.replica_alignments.replica is 'Number of the replica within the job, from 0; −1 − g for a twin.';
comment on column results.replica_alignments.distance is '‖w_i − w_0‖ as they are.';
comment on column results.replica_alignments.aligned_distance is 'The smallest ‖π(w_i) − w_0‖ that weight matching found.';
comment on column results.replica_alignments.aligned_median is 'Median of it over the restarts.';
comment on column results.replica_alignments.aligned_highest is 'Largest of it over the restarts.';
comment on column results.replica_alignments.restarts is 'Restarts.';
comment on column results.replica_alignments.moved_units is 'Share of hidden units that the best permutation moves.';

create view results.replica_barriers as
    select job_id, step, replica, aligned, split, quantity, max_minus_ends, midpoint, mean_minus_chord, at_baseline,
           at_replica, points, examples
    from replica_barriers;
comment on view results.replica_barriers is 'Along the straight path from the baseline to a replica; one row per checkpoint, replica, alignment, split and quantity.';
comment on column results.replica_barriers.job_id is 'The job it belongs to.';
comment on column results.replica_barriers.step is 'Optimizer step.';
comment on column results.replica_barriers.replica is 'Number of the replica within the job, from 0; −1 − g for a twin.';
comment on column results.replica_barriers.aligned is 'Whether the replica was permuted first.';
comment on column results.replica_barriers.split is '`train` or `test`.';
comment on column results.replica_barriers.quantity is '`loss`, or `error`: 1 − accuracy.';
comment on column results.replica_barriers.max_minus_ends is 'Largest value on the path less the mean of its two ends.';
comment on column results.replica_barriers.midpoint is 'Value half way less the mean of the ends.';
comment on column results.replica_barriers.mean_minus_chord is 'Mean over the path of value less the straight line between the ends.';
comment on column results.replica_barriers.at_baseline is 'Value at the baseline.';
comment on column results.replica_barriers.at_replica is 'Value at the replica.';
comment on column results.replica_barriers.points is 'Points of the path.';
comment on column results.replica_barriers.examples is 'Examples measured.';

create view results.replica_statistics as
    select job_id, step, arm, metric, count, mean, sd, low, high
    from replica_statistics;
comment on view results.replica_statistics is 'Over the replicas of an arm; one row per look, arm and metric. Replicas that diverged are left out.';
comment on column results.replica_statistics.job_id is 'The job it belongs to.';
comment on column results.replica_statistics.step is 'Optimizer step.';
comment on column results.replica_statistics.arm is 'Name of the arm.';
comment on column results.replica_statistics.metric is 'Column of `replica_metrics`, or `aligned_distance`.';
comment on column results.replica_statistics.count is 'Replicas with a finite value, which have not diverged by then.';
comment on column results.replica_statistics.mean is 'Mean.';
comment on column results.replica_statistics.sd is 'Standard deviation over replicas (n − 1).';
comment on column results.replica_statistics.low is 'Lower end of the bootstrap interval of the mean.';
comment on column results.replica_statistics.high is 'Upper end.';

create view results.replica_growth as
    select job_id, arm, law, a, b, rss, aic, aic_difference, points, start, stop
    from replica_growth;
comment on view results.replica_growth is 'Laws fitted to an arm''s mean distance over the growth window; one row per arm and law.';
comment on column results.replica_growth.job_id is 'The job it belongs to.';
comment on column results.replica_growth.arm is 'Name of the arm.';
comment on column results.replica_growth.law is '`exponential` a·e^(bt), `linear` a + bt, `sqrt` a + b√t or `power` a·t^b.';
comment on column results.replica_growth.a is 'First parameter.';
comment on column results.replica_growth.b is 'Second parameter.';
comment on column results.replica_growth.rss is 'Residual sum of squares of the distance.';
comment on column results.replica_growth.aic is 'n ln(rss / n) + 2k, k = 3: the two parameters and the variance; null where rss is 0.';
comment on column results.replica_growth.aic_difference is 'aic less the smallest of the arm.';
comment on column results.replica_growth.points is 'Looks in the window at which a replica has not diverged, n; at least 3 for a fit.';
comment on column results.replica_growth.start is 'First step of the window, not before the first look at which the arm has parted.';
comment on column results.replica_growth.stop is 'Last step of the window.';

create view results.replica_exponents as
    select job_id, step, index, log_growth, exponent, exponent_per_epoch
    from replica_exponents;
comment on view results.replica_exponents is 'Finite-time Lyapunov exponents of the baseline, in the Euclidean norm of parameters and optimizer state together; one row per orthonormalisation and exponent. −∞, of a direction that steps forget, is null.';
comment on column results.replica_exponents.job_id is 'The job it belongs to.';
comment on column results.replica_exponents.step is 'Optimizer step.';
comment on column results.replica_exponents.index is 'Place of the exponent, 0 the leading one.';
comment on column results.replica_exponents.log_growth is 'Logarithm of the growth since the row before.';
comment on column results.replica_exponents.exponent is 'Mean logarithmic growth per step since step 0.';
comment on column results.replica_exponents.exponent_per_epoch is 'exponent times the steps of an epoch.';

create view results.replica_correlations as
    select job_id, arm, quantity, start_step, step, correlation, sd, count
    from replica_correlations;
comment on view results.replica_correlations is 'Autocorrelation between two checkpoints, centred and normalised, averaged over the replicas of an arm.';
comment on column results.replica_correlations.job_id is 'The job it belongs to.';
comment on column results.replica_correlations.arm is 'Name of the arm.';
comment on column results.replica_correlations.quantity is '`weights` or `logits` (of the drawn test examples).';
comment on column results.replica_correlations.start_step is 'The earlier checkpoint.';
comment on column results.replica_correlations.step is 'The later checkpoint.';
comment on column results.replica_correlations.correlation is 'Mean over replicas of the Pearson correlation over elements.';
comment on column results.replica_correlations.sd is 'Standard deviation over replicas (n − 1).';
comment on column results.replica_correlations.count is 'Replicas with a finite value.';

create view results.replica_stability as
    select job_id, arm, after, barrier, aligned_barrier, stable, stability_time
    from replica_stability;
comment on view results.replica_stability is 'Arms whose schedule leaves the baseline''s after a step: the stability time is the earliest such step from which on the barrier in test error stays below the limit.';
comment on column results.replica_stability.job_id is 'The job it belongs to.';
comment on column results.replica_stability.arm is 'Name of the arm.';
comment on column results.replica_stability.after is 'Last step that the arm''s runs share with the baseline.';
comment on column results.replica_stability.barrier is 'Mean over replicas of max_minus_ends of the error on the test split at the end.';
comment on column results.replica_stability.aligned_barrier is 'The same after alignment.';
comment on column results.replica_stability.stable is 'Whether `barrier` is below the limit; false where no replica has one.';
comment on column results.replica_stability.stability_time is 'The stability time over all arms; null if none is stable.';

do $$
begin
    grant select on all tables in schema results to holonomy_reader;
exception
    when insufficient_privilege or undefined_object then
        raise notice 'no grant to holonomy_reader: %', sqlerrm;
end
$$;
