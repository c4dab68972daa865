"""Arrays as they travel: safetensors bytes to NumPy."""

from typing import Any

import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from holonomy.errors import ServiceFault

Array = NDArray[Any]
Arrays = dict[str, Array]


def read_arrays(content: bytes, what: str) -> Arrays:
    """Arrays by name.

    Raises:
        ServiceFault: the bytes are not a safetensors file.
    """
    try:
        return dict(safetensors.numpy.load(content))
    except safetensors.SafetensorError as error:
        raise ServiceFault(f"{what} did not arrive as safetensors: {error}") from None
