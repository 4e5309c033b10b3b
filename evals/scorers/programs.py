"""The scorers that need no language model, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..exam.exam import Exam
from .causal import CausalScorer
from .inputs import InputScorer
from .next_token import NextTokenScorer
from .output import OutputScorer
from .scorer import Scorer, require_known

PROGRAMS = {kind.name: kind for kind in (OutputScorer, InputScorer, NextTokenScorer, CausalScorer)}


def program_scorers(exam: Exam, names: Sequence[str] = ()) -> list[Scorer[Any]]:
    """Scorers by name; without names all that can be asked, which is `output` alone of directions that never fire.

    Raises UsageError as `require_known`.
    """
    require_known(names, list(PROGRAMS))
    fires = exam.workbench.subject.encoder is not None
    chosen = list(dict.fromkeys(names)) or (list(PROGRAMS) if fires else [OutputScorer.name])
    return [PROGRAMS[name](exam) for name in chosen]
