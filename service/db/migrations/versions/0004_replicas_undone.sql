-- Back to the third schema, which knows no replica jobs.

drop view results.replicas, results.replica_metrics, results.replica_tensors, results.replica_layers,
    results.replica_baseline, results.replica_alignments, results.replica_barriers, results.replica_statistics,
    results.replica_growth, results.replica_exponents, results.replica_correlations, results.replica_stability;

drop table replicas, replica_metrics, replica_tensors, replica_layers, replica_baseline, replica_alignments,
    replica_barriers, replica_statistics, replica_growth, replica_exponents, replica_correlations,
    replica_stability;

delete from jobs where kind = 'replicas';
