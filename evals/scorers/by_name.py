"""All scorers by name, those of programs and those of judges."""

from __future__ import annotations

from .by_judge import JUDGED
from .programs import PROGRAMS


def chance_of(name: str) -> float | None:
    """What a constant answer earns from a scorer; None for a name of another version."""
    scorer = PROGRAMS.get(name) or JUDGED.get(name)
    return None if scorer is None else scorer.chance
