"""Grids, and of which grid a picture of the gallery is."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("gallery", sa.Column("grid_id", sa.String(32)))
    op.create_index("gallery_grid", "gallery", ["grid_id", "position"])
    op.create_table(
        "grids",
        sa.Column("position", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        sa.Column("finished", sa.Boolean, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
    )
    unfinished = sa.column("finished", sa.Boolean).is_(False)
    op.create_index("grids_unfinished", "grids", ["position"], sqlite_where=unfinished, postgresql_where=unfinished)
