"""The first schema, from the SQL file beside this one."""

from contextlib import closing
from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    # The driver's own cursor: SQLAlchemy would read the percent signs as parameters.
    with closing(op.get_bind().connection.cursor()) as cursor:
        cursor.execute(statements)
