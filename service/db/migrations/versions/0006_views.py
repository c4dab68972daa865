"""Views of runs, sweeps, schedules and provenance, and units in every comment, from the SQL files beside this one."""

from contextlib import closing
from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the views, and say units and signs."""
    _execute(".sql")


def downgrade() -> None:
    """Drop the views."""
    _execute("_undone.sql")


def _execute(ending: str) -> None:
    file = Path(__file__)
    # The driver's own cursor: SQLAlchemy would read the percent signs as parameters.
    with closing(op.get_bind().connection.cursor()) as cursor:
        cursor.execute((file.parent / f"{file.stem}{ending}").read_text(encoding="utf-8"))
