"""Perturbed replicas: networks that began almost the same, trained side by side and compared."""
