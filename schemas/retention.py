"""What is kept in the bucket and for how long, and what checks of the bucket found."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from schemas.base import Spec
from schemas.durations import Duration


class ArrayKind(StrEnum):
    """Objects that may be dropped: the first part of their names. Tables and summaries stay without them."""

    CHECKPOINTS = "checkpoints"  # of training runs
    TILES = "tiles"  # kept brackets and logit perturbations of pairs
    MOVES = "moves"  # logit perturbations of selected pairs
    STATES = "states"  # of the replicas of a group
    EXPONENTS = "exponents"  # tangents between blocks of Lyapunov exponents
    DIAGNOSTIC = "diagnostic"  # bytes of diagnostic jobs


class Retention(Spec):
    """A policy of `holonomy gc`: what may go. Whatever is not named stays."""

    arrays_older_than: Duration | None = None
    """Drop arrays of jobs that ended longer ago than this."""
    kinds: Annotated[tuple[ArrayKind, ...], Field(min_length=1)] = tuple(ArrayKind)
    """Which arrays."""
    keep_tags: tuple[str, ...] = ()
    """Keep those of jobs with any of these tags, and of the training runs that such jobs look at."""
    keep_names: tuple[str, ...] = ()
    """Keep those of jobs with these names, likewise."""
    keep_projects: tuple[str, ...] = ()
    """Keep those of jobs in these projects, likewise."""
    tables_older_than: Duration | None = None
    """Drop Parquet copies of result tables that were written longer ago than this; a demand writes them again."""
    orphans_older_than: Duration = "1d"
    """Collect objects that no row names once they are this old."""

    @property
    def reason(self) -> str:
        """The policy of arrays in words."""
        return f"arrays older than {self.arrays_older_than}"


class Share(BaseModel):
    """What goes for one reason."""

    reason: str
    """Why."""
    jobs: int
    """Jobs it belongs to; 0 for what belongs to none."""
    objects: int
    """Objects."""
    size_bytes: int
    """Their bytes."""


class Collected(BaseModel):
    """What `holonomy gc` took away, or would."""

    dry_run: bool
    """Whether nothing was changed."""
    shares: tuple[Share, ...]
    """By reason."""


class Fault(StrEnum):
    """How bucket and database disagree."""

    MISSING = "missing"  # a row names an object that is not there
    SIZE = "size"  # it has another length than its row says
    CORRUPTED = "corrupted"  # its bytes have another digest than its row says
    ORPHANED = "orphaned"  # no row names an object, and no running block may
    ROWS = "rows"  # a result table has not the rows that the job's blocks made


class Finding(BaseModel):
    """One disagreement."""

    fault: Fault
    """How they disagree."""
    key: str
    """Key in the bucket; the table for rows."""
    owner: str
    """What names it: `object`, `table`, `dataset`, or nothing."""
    job_id: int | None = None
    """The job it belongs to."""
    name: str | None = None
    """Name within the job."""
    detail: str
    """What was expected and what came."""
    advice: str | None = None
    """What to do where `--mend` cannot help."""


class Mended(BaseModel):
    """What became of an attempt to mend."""

    jobs: tuple[int, ...]
    """Jobs of which blocks ran again."""
    blocks: int
    """Those blocks."""
    same: int
    """Objects that have the same bytes as before."""
    other: int
    """Objects that have other bytes: computed on another device or by another version."""
    tables: int
    """Parquet copies that were dropped."""
    left: tuple[str, ...]
    """What could not be mended, and what to do."""


class Checked(BaseModel):
    """What `holonomy fsck` found."""

    objects: int
    """Objects that rows name and that were looked for."""
    size_bytes: int
    """Their bytes."""
    deep: bool
    """Whether every byte was read."""
    counts: dict[Fault, int]
    """Disagreements by kind; those that are none are left out."""
    examples: tuple[Finding, ...]
    """The first of each kind."""
    mended: Mended | None = None
    """What was mended, if that was asked for."""

    @property
    def clean(self) -> bool:
        """Whether nothing is amiss any more."""
        return not self.counts or (self.mended is not None and not self.mended.left)
