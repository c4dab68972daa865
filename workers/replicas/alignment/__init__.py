"""Permutation alignment of two networks of one architecture."""

from workers.replicas.alignment.derivation import permutation_spec
from workers.replicas.alignment.matching import Alignment, match_weights
from workers.replicas.alignment.permutations import Permutations, PermutationSpec, Place, permuted

__all__ = ["Alignment", "PermutationSpec", "Permutations", "Place", "match_weights", "permutation_spec", "permuted"]
