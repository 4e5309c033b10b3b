"""All scorers that ask a judge, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...tools.errors import UsageError, nearest
from .detection import Detection
from .embedding import Embedding
from .fuzzing import Fuzzing
from .generation import Generation
from .intruder import Intruder
from .judged import JudgedScorer
from .output_detection import OutputDetection
from .simulation import Simulation

if TYPE_CHECKING:
    from ..exam.exam import Exam

JUDGED = {
    scorer.name: scorer for scorer in (Detection, Fuzzing, Simulation, Generation, Embedding, OutputDetection, Intruder)
}


def judged_scorers(exam: Exam, names: Sequence[str]) -> list[JudgedScorer[Any]]:
    """The scorers of these names; raises UsageError for a name that none has."""
    for name in names:
        if name not in JUDGED:
            there = nearest(name, JUDGED) or f" There are {', '.join(JUDGED)}."
            raise UsageError(f"No judged scorer is called {name}.{there}")
    return [JUDGED[name](exam) for name in names]
