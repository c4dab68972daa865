"""Models: modules that map a batch (N, *input_shape) to logits (N, K)."""

from workers.models.build import MODELS_GROUP, build, initialised

__all__ = ["MODELS_GROUP", "build", "initialised"]
