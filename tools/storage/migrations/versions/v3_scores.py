"""Scores of labels and of their controls."""

import sqlalchemy as sa
from alembic import op

revision = "v3"
down_revision = "v2"


def upgrade() -> None:
    """Add a table."""
    op.create_table(
        "scores",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("run_id", sa.Integer(), sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("label_id", sa.Integer(), sa.ForeignKey("labels.id"), nullable=False),
        sa.Column("feature", sa.Integer(), nullable=False),
        sa.Column("scorer", sa.String(32), nullable=False),
        sa.Column("exam", sa.String(64), nullable=False),
        sa.Column("control", sa.String(32), nullable=False),
        sa.Column("judge", sa.String(200), nullable=False),
        sa.Column("value", sa.Double()),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("unscored", sa.Text()),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("label_id", "scorer", "control", "judge", "exam"),
    )
    op.create_index("ix_scores_run_id", "scores", ["run_id"])
