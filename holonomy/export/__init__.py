"""Exports: jobs and sweeps of one installation as a folder of Parquet and safetensors, and back into another."""

from holonomy.export.importing import Arrival, Report, import_export
from holonomy.export.writing import export

__all__ = ["Arrival", "Report", "export", "import_export"]
