"""All scorers that ask a judge, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...tools.errors import UsageError
from ..exam.exam import Exam
from ..judge.settings import JudgeSettings
from .detection import Detection
from .embedding import Embedding
from .fuzzing import Fuzzing
from .generation import Generation
from .intruder import Intruder
from .judged import JudgedScorer
from .output_detection import OutputDetection
from .scorer import require_known
from .simulation import Simulation

JUDGED = {
    scorer.name: scorer for scorer in (Detection, Fuzzing, Simulation, Generation, Embedding, OutputDetection, Intruder)
}


def judged_scorers(exam: Exam, settings: JudgeSettings, names: Sequence[str]) -> list[JudgedScorer[Any]]:
    """Scorers by name, for one judge; raises UsageError for an unknown name or a missing embedding model."""
    require_known(names, list(JUDGED))
    if Embedding.name in names and settings.embedding_model is None:
        raise UsageError("The embedding score needs an embedding model: name one with --embedding-model.")
    identities = {Embedding.name: settings.embedding_identity}
    return [JUDGED[name](exam, identities.get(name, settings.identity)) for name in dict.fromkeys(names)]
