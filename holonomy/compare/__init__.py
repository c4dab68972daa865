"""Did anything change between two sides, beyond the spread over seeds? An effect size and an interval."""

from holonomy.compare.comparison import Comparison, compare
from holonomy.compare.metrics import Metric

__all__ = ["Comparison", "Metric", "compare"]
