"""Datasets and selections of examples."""

from workers.data.dataset import Dataset, Split
from workers.data.load import DATASETS_GROUP, load
from workers.data.select import resolve

__all__ = ["DATASETS_GROUP", "Dataset", "Split", "load", "resolve"]
