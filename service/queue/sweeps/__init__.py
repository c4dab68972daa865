"""Sweeps: many jobs that are submitted, looked at, cancelled and retried as one."""
