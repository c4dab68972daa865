"""The result tables: one definition for the worker that fills them, the database, the client and the docs.

Every table also has `job_id`.
"""

from schemas.bracket_results import BRACKET_TABLES
from schemas.columns import ResultTable
from schemas.replica_results import REPLICA_TABLES
from schemas.training_results import TRAINING_TABLES

RESULT_TABLES: dict[str, ResultTable] = {
    table.name: table for table in (*TRAINING_TABLES, *BRACKET_TABLES, *REPLICA_TABLES)
}
