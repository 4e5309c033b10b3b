"""Runs, labels, the ledger of tests and named sets, as they were before databases knew their version."""

import sqlalchemy as sa
from alembic import op

revision = "v1"
down_revision = None

JSON, MOMENT = sa.JSON(), sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create what is missing: databases without a version hold all of these tables, or all but the last."""
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False, unique=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_hash", sa.Text(), nullable=False),
        sa.Column("config", JSON, nullable=False),
        sa.Column("config_hash", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("finished", MOMENT),
        sa.Column("summary", JSON),
        if_not_exists=True,
    )
    op.create_table(
        "labels",
        sa.Column("id", sa.Integer(), primary_key=True),
        _run(),
        sa.Column("batch_key", sa.String(64), unique=True),
        sa.Column("feature", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("claim", sa.String(16), nullable=False),
        sa.Column("hypotheses", JSON, nullable=False),
        sa.Column("confidence", sa.Double()),
        sa.Column("q", sa.Double()),
        sa.Column("refute", sa.Text(), nullable=False),
        sa.Column("evidence", JSON, nullable=False),
        sa.Column("provenance", JSON, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.CheckConstraint("status IN ('labelled', 'no_claim', 'failed')"),
        sa.CheckConstraint("claim IN ('specific', 'present', 'none')"),
        if_not_exists=True,
    )
    op.create_index("ix_labels_run_id", "labels", ["run_id"], if_not_exists=True)
    op.create_table(
        "ledger",
        sa.Column("id", sa.Integer(), primary_key=True),
        _run(),
        sa.Column("feature", sa.Integer(), nullable=False),
        sa.Column("library_hash", sa.String(64), nullable=False),
        sa.Column("n_tests", sa.Integer(), nullable=False),
        sa.UniqueConstraint("run_id", "feature", "library_hash"),
        if_not_exists=True,
    )
    op.create_table(
        "hypotheses",
        sa.Column("id", sa.Integer(), primary_key=True),
        _run(),
        sa.Column("feature", sa.Integer(), nullable=False),
        sa.Column("spec_hash", sa.String(64), nullable=False),
        sa.Column("set_name", sa.Text(), nullable=False),
        sa.Column("statistic", sa.String(32), nullable=False),
        sa.Column("null", sa.String(32), nullable=False),
        sa.Column("side", sa.String(32), nullable=False),
        sa.Column("effect", sa.Double()),
        sa.Column("p_present", sa.Double()),
        sa.Column("p_specific", sa.Double()),
        sa.Column("q", sa.Double()),
        sa.Column("holds", sa.Boolean()),
        sa.UniqueConstraint("run_id", "feature", "spec_hash", "statistic", "null", "side"),
        if_not_exists=True,
    )
    op.create_table(
        "defined_sets",
        sa.Column("id", sa.Integer(), primary_key=True),
        _run(),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("spec", JSON, nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.UniqueConstraint("run_id", "name"),
        if_not_exists=True,
    )


def _run() -> sa.Column[int]:
    return sa.Column("run_id", sa.Integer(), sa.ForeignKey("runs.id"), nullable=False)
