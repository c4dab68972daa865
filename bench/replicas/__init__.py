"""Replicas trained together, looked at, and whole replica jobs."""
