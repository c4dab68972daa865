"""What a client carries between installations: exports of jobs and sweeps, with everything that they hold."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from holonomy.across import Named, numbers
from holonomy.connection import Connected

if TYPE_CHECKING:
    from holonomy.export import Report as ImportReport
    from schemas.exports import ExportManifest


def unheard(*_: object) -> None:
    """Nobody wants to know how far it is."""


class Exchanging(Connected):
    """Exports and imports."""

    def export(
        self,
        folder: str | Path,
        *,
        jobs: Named = (),
        sweeps: Named = (),
        objects: bool = True,
        report: Callable[[int, int], None] = unheard,
        tell: Callable[[str], None] = unheard,
    ) -> "ExportManifest":
        """Write done jobs and sweeps, with the training runs they stand on, as Parquet and safetensors into a folder.

        Interrupted, or on a full disk, the same call goes on where it stopped; the manifest is written last.

        Args:
            folder: New, empty, or of the same export before.
            jobs: Done jobs, as numbers or handles.
            sweeps: Sweeps, as numbers or handles; their jobs that are not done are left out.
            objects: Whether to write arrays as well as tables.
            report: Told after each piece: bytes that are there, bytes in all.
            tell: Told in words what is left out.

        Raises:
            Refused: a job is not done, nothing is asked for, or the folder holds something else.
            NotFound: there is no such job or sweep.
            DiskFull: there is no room; what is complete stays.
        """
        from holonomy.export import export

        return export(
            self._connection,
            Path(folder),
            jobs=numbers(jobs),
            sweeps=numbers(sweeps),
            objects=objects,
            report=report,
            tell=tell,
        )

    def import_(
        self,
        folder: str | Path,
        *,
        checking: Callable[[int, int], None] = unheard,
        sending: Callable[[int, int], None] = unheard,
    ) -> "ImportReport":
        """Store an export of another installation: the same rows, objects and digests under new numbers.

        Needs the scope `admin`. Every digest is checked before anything is sent, each job appears whole or not at
        all, and those that are there already are left alone, so that the same call goes on where one stopped.

        Args:
            folder: Of the export.
            checking: Told after each file: bytes checked, bytes in all.
            sending: Told after each file: bytes that the service has, bytes in all.

        Raises:
            BadFile: a file is missing, or is not what the manifest says; nothing was imported.
            Refused: the service does not take a job; those before it stay.
        """
        from holonomy.export import import_export

        return import_export(self._connection, Path(folder), checking=checking, sending=sending)
