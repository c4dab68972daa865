"""Models that torch.func cannot differentiate twice, however PyTorch says it."""

from collections.abc import Iterator
from contextlib import contextmanager

from workers.errors import UserFault

SIGNS = (
    "vmap",
    "functorch",
    "forward AD",
    "forward-mode",
    "Batching rule",
    "derivative for",
    "inplace arithmetic",
    "doesn't match the broadcast shape",  # recurrent layers, which write into what is not batched
)


@contextmanager
def refusals(what: str = "brackets") -> Iterator[None]:
    """Turn torch.func's refusals of a model inside into a `UserFault`.

    Args:
        what: Who needs the derivatives, in the plural.

    Raises:
        UserFault: the model uses an operation without the derivatives or batching that they need.
    """
    try:
        yield
    except RuntimeError as error:
        if any(sign in str(error) for sign in SIGNS):
            reason = str(error).strip().splitlines()[0]
            raise UserFault(
                f"{what} need a model that torch.func can differentiate twice and batch over directions, "
                f"PyTorch refused it: {reason}"
            ) from error
        raise
