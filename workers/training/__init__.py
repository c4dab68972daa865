"""Deterministic, resumable training."""
