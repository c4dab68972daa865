"""Speed of the results database: loading, asking, exporting, submitting sweeps."""
