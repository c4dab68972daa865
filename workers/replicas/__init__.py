"""Perturbed replicas of a run: trained together with it, and compared with it."""
