"""Imported datasets: manifests by digest, and the names that point to them."""

import json
from typing import Any, Literal

from sqlalchemy import Connection, text

from schemas.canonical import digest
from schemas.data import Idx, Images, Imported, Text
from schemas.datasets import (
    Dataset,
    DatasetImport,
    DatasetManifest,
    IdxManifest,
    ImagesManifest,
    TextManifest,
    dataset_manifest,
)
from schemas.images import channel_values, output_labels
from schemas.jobs import AnyJob, training_of
from schemas.training import Training
from service.errors import Missing, Refused

_INSERT = text("""
    insert into datasets (digest, kind, manifest) values (:digest, :kind, cast(:manifest as jsonb))
    on conflict (digest) do nothing
""")
_NAME = text("""
    insert into dataset_names (name, digest) values (:name, :digest)
    on conflict (name) do update set digest = excluded.digest
""")
_NAMED = text("""
    select n.name, d.digest, d.manifest from dataset_names n join datasets d using (digest) order by n.name
""")
_BY_NAME = text("select digest from dataset_names where name = :name")
_BY_DIGEST = text("select manifest from datasets where digest = :digest")


def register(connection: Connection, request: DatasetImport) -> Dataset:
    """Store a manifest under its digest and point the name to it. Equal manifests are stored once."""
    pin = digest(request.manifest)
    manifest = json.dumps(request.manifest.model_dump(mode="json"))
    connection.execute(_INSERT, {"digest": pin, "kind": request.manifest.kind, "manifest": manifest})
    connection.execute(_NAME, {"name": request.name, "digest": pin})
    return Dataset(digest=pin, name=request.name, manifest=request.manifest)


def listed(connection: Connection) -> list[Dataset]:
    """All named datasets, by name."""
    return [
        Dataset(digest=row.digest, name=row.name, manifest=dataset_manifest.validate_python(row.manifest))
        for row in connection.execute(_NAMED)
    ]


def pinned(connection: Connection, training: Training) -> Training:
    """The run with the name of an imported dataset replaced by the digest it stands for now.

    Raises:
        Missing: there is no dataset of that name or digest; the message lists the known names.
        Refused: the dataset is of another kind than the spec says, or lacks labels or channels that it asks for.
    """
    if not isinstance(training.data, Imported):
        return training
    return training.model_copy(update={"data": _pin(connection, training.data)})


def manifest_of(connection: Connection, spec: AnyJob) -> DatasetManifest | None:
    """The manifest of a pinned spec's imported dataset; None when it uses none.

    Raises:
        Missing: the digest is not there.
    """
    training = training_of(spec)
    if training is None or not isinstance(training.data, Imported):
        return None
    return _manifest(connection, str(training.data.digest))


def _pin(connection: Connection, data: Imported) -> Imported:
    pin = data.digest
    if data.name is not None:
        pin = connection.execute(_BY_NAME, {"name": data.name}).scalar_one_or_none()
        if pin is None:
            raise _unknown(connection, "name", data.name)
    _check_fit(data, _manifest(connection, str(pin)))
    return data.model_copy(update={"name": None, "digest": pin})


def _check_fit(data: Imported, manifest: DatasetManifest) -> None:
    match data, manifest:
        case Images(), ImagesManifest():
            try:
                output_labels(data, manifest)
                channel_values(data, manifest)
            except ValueError as error:
                raise Refused("data_mismatch", str(error)) from None
        case (Idx(), IdxManifest()) | (Text(), TextManifest()):
            pass
        case _:
            raise Refused(
                "data_mismatch",
                f"the dataset `{data.name or data.digest}` was imported as {manifest.kind}: "
                f"say `kind: {manifest.kind}` where the spec names it",
            )


def _manifest(connection: Connection, pin: str) -> DatasetManifest:
    found: Any = connection.execute(_BY_DIGEST, {"digest": pin}).scalar_one_or_none()
    if found is None:
        raise _unknown(connection, "digest", pin)
    return dataset_manifest.validate_python(found)


def _unknown(connection: Connection, kind: Literal["name", "digest"], value: str) -> Missing:
    names = [row.name for row in connection.execute(_NAMED)]
    known = f"known names: {', '.join(names)}" if names else "none is imported yet"
    return Missing(
        "unknown_dataset", f"no dataset of {kind} `{value}` ({known}); import it with `holonomy data import`"
    )
