"""Splits whose classes are folders: `train/<class>/…` and `test/<class>/…`."""

from itertools import chain, zip_longest
from pathlib import Path

from holonomy.errors import BadFile
from holonomy.importers.source import needed_folder, needed_labels
from schemas.datasets import MAX_EXTENT

Labelled = tuple[Path, int]
"""A file and the number of its class."""


def class_names(split: Path) -> tuple[str, ...]:
    """Names of the folders in a split, sorted.

    Raises:
        BadFile: the split is not there, has no or too many folders, or one whose name cannot be that of a label.
    """
    needed_folder(split, "one folder per class")
    names = tuple(sorted(entry.name for entry in split.iterdir() if entry.is_dir() and entry.name[0] != "."))
    if not 1 <= len(names) <= MAX_EXTENT:
        raise BadFile(f"{split} should hold 1 to {MAX_EXTENT:,} folders, one per class; it holds {len(names)}")
    return needed_labels(names, f"{split.name}/")


def labelled_files(split: Path, names: tuple[str, ...], suffixes: frozenset[str]) -> list[Labelled]:
    """The files of a split. Classes take turns, each in the order of its file names.

    The first examples of a split are then of every class, rather than all of the first.

    Args:
        split: Its folder.
        names: Its classes, each a folder in it.
        suffixes: Of the files that count, in lower case.

    Raises:
        BadFile: a class is not there, or has no files.
    """
    by_class = list[list[Labelled]]()
    for label, name in enumerate(names):
        entries = needed_folder(split / name, f"the examples of {name!r}").iterdir()
        found = sorted(path for path in entries if path.suffix.lower() in suffixes)
        if not found:
            raise BadFile(f"{split / name} has no files that end in {', '.join(sorted(suffixes))}")
        by_class.append([(path, label) for path in found])
    return [entry for entry in chain.from_iterable(zip_longest(*by_class)) if entry is not None]
