"""What an `images` spec asks of the dataset it names."""

from collections.abc import Sequence

from schemas.data import CONTROL_LABELS, Images
from schemas.datasets import ImagesManifest
from schemas.nearest import did_you_mean

_SHOWN = 40


def output_labels(data: Images, manifest: ImagesManifest) -> tuple[str, ...]:
    """Names of the K outputs: the labels chosen, then those of the controls.

    Raises:
        ValueError: a label is not there, or labels are chosen or controlled where an example has one class.
    """
    controls = data.controls
    if manifest.label_kind == "classes" and (data.labels is not None or controls is not None):
        raise ValueError(
            "`labels` and `controls` are for independent labels, but each example of this dataset has one class: "
            "leave them out"
        )
    wanted = (*(data.labels or ()), *(controls.pair if controls else ()))
    missing = [name for name in wanted if name not in manifest.labels]
    if missing:
        meant = did_you_mean(missing[0], manifest.labels)
        raise ValueError(f"the dataset has no label {missing[0]!r}; it has {_listed(manifest.labels)}{meant}")
    return (*(data.labels or manifest.labels), *(CONTROL_LABELS if controls else ()))


def channel_values(data: Images, manifest: ImagesManifest) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel.

    Raises:
        ValueError: as many were given as the images have no channels.
    """
    return _by_channel("mean", data.mean, manifest), _by_channel("std", data.std, manifest)


def _by_channel(field: str, value: float | tuple[float, ...], manifest: ImagesManifest) -> tuple[float, ...]:
    values = value if isinstance(value, tuple) else (value,) * manifest.channels
    if len(values) != manifest.channels:
        raise ValueError(
            f"`{field}` has {len(values)} values but the images have {manifest.channels} channels: give one number, "
            "or one per channel"
        )
    return values


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
