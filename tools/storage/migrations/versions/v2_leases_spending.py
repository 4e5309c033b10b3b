"""Leases of features, what LLM requests cost, and why a label failed."""

import sqlalchemy as sa
from alembic import op

revision = "v2"
down_revision = "v1"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add two tables and a column."""
    op.create_table(
        "leases",
        sa.Column("run_id", sa.Integer(), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("feature", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("expires", MOMENT, nullable=False),
    )
    op.create_table(
        "spending",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("run_id", sa.Integer(), sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("feature", sa.Integer(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("cached_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("cost", sa.Double()),
        sa.Column("created", MOMENT, nullable=False),
        sa.CheckConstraint("kind IN ('paid', 'cached', 'estimated')"),
    )
    op.create_index("ix_spending_run_id", "spending", ["run_id"])
    op.add_column("labels", sa.Column("reason", sa.Text()))
