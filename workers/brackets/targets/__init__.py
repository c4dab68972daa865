"""Brackets projected on directions in parameter space."""
