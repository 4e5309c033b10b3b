"""Queries about scores: each is made once and kept; what could not be scored may be scored later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from .tables import LabelScore

_KEY = ("label_id", "scorer", "control", "judge", "exam")
_RESULT = ("value", "n", "unscored", "details", "created")


def keep(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Add rows; those of a score that has a value already are left out, others take the place of what is there."""
    if not rows:
        return
    kind = session.get_bind().dialect.name
    statement = (postgresql if kind == "postgresql" else sqlite).insert(LabelScore)
    new = {name: getattr(statement.excluded, name) for name in _RESULT}
    statement = statement.on_conflict_do_update(index_elements=_KEY, set_=new, where=LabelScore.value.is_(None))
    session.execute(statement, sorted(rows, key=lambda row: [row[name] for name in _KEY]))


def kept(session: Session, run_id: int, exam: str, labels: Sequence[int] | None = None) -> list[LabelScore]:
    """The scores of a run in one exam, in the order written; of some labels where these are given."""
    query = select(LabelScore).where(LabelScore.run_id == run_id, LabelScore.exam == exam).order_by(LabelScore.id)
    if labels is not None:
        query = query.where(LabelScore.label_id.in_(labels))
    return list(session.scalars(query))
