"""The queue in Postgres: submission, claims under leases, fenced commits. Statements and nothing that computes."""
