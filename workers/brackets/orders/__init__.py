"""Whole reorderings of examples: predicted, taken exactly, and compared."""
