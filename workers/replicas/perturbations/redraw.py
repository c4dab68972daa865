"""Another draw of the initialisation in the place of what is there."""

from collections.abc import Callable, Mapping

import numpy as np
from torch import Tensor

from schemas.perturbations import Reinitialise
from workers.replicas.perturbations.where import chosen

Initialisation = Callable[[int], Mapping[str, Tensor]]
"""The parameters that the run's model is initialised with under a seed."""


def redrawn(
    parameters: Mapping[str, Tensor], move: Reinitialise, draw: np.random.Generator, initialisation: Initialisation
) -> dict[str, Tensor]:
    """The parameters, with the chosen elements from an initialisation whose seed is drawn.

    What is there before does not matter, so that even a replica that has diverged begins anew.

    Args:
        parameters: Tensors that may be replaced, by name.
        move: Which elements are.
        draw: The replica's own generator for this move.
        initialisation: Gives tensors of these names and shapes.

    Raises:
        UserFault: `where` chooses what is not there.
    """
    places = chosen(parameters, move.where, draw)
    fresh = initialisation(int(draw.integers(2**63)))
    found = dict(parameters)
    for name, place in places.items():
        tensor = parameters[name]
        flat = tensor.detach().cpu().reshape(-1).clone()
        flat[place] = fresh[name].detach().cpu().to(tensor.dtype).reshape(-1)[place]
        found[name] = flat.reshape(tensor.shape).to(tensor.device)
    return found
