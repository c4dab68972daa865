"""Models that torch.func cannot take, however PyTorch says it."""

from collections.abc import Iterator, Sequence
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


TWICE = "need a model that torch.func can differentiate twice and batch over directions"


@contextmanager
def refusals(needs: str = f"brackets {TWICE}", signs: Sequence[str] = SIGNS) -> Iterator[None]:
    """Turn torch.func's refusals of a model inside into a `UserFault`.

    Args:
        needs: Who needs what of the model.
        signs: What PyTorch's message holds when it refuses.

    Raises:
        UserFault: the model uses an operation without what is needed.
    """
    try:
        yield
    except RuntimeError as error:
        if any(sign in str(error) for sign in signs):
            reason = str(error).strip().splitlines()[0]
            raise UserFault(f"{needs}, PyTorch refused it: {reason}") from error
        raise
