"""Perturbed replicas: how far apart training runs drift that began almost the same."""
