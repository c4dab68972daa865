<<<<<<< HEAD
"""Perturbed replicas: networks that began almost the same, trained side by side and compared."""
=======
"""Perturbed replicas: how far apart training runs drift that began almost the same."""
>>>>>>> align
