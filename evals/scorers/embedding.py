"""Embedding: whether contexts in which the feature fires are nearer to its label than others.

Paulo et al. 2024 (arXiv:2410.13928): the label is the query by which an embedding model finds contexts; the value is
the AUROC of the cosine similarity between label and contexts. It costs a small part of what a chat model does, and sees
topics rather than tokens.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ...tools.inert import inert
from ..exam.items import ContextItems
from ..judge.agreement import Scale
from ..judge.answers import Answers
from ..judge.judge import EMBEDDED, Judge
from ..judge.measures import auroc
from ..judge.windows import Window
from ..scores import Score, Statement
from .detection import CLASSES
from .judged import ContextScorer


class Embedding(ContextScorer):
    """AUROC of the cosine similarity with the label; an empty label is equally far from everything."""

    name, side, chance = "embedding", "input", 0.5
    scale: ClassVar[Scale | None] = "interval"

    async def score(self, feature: int, items: ContextItems, statement: Statement, judge: Judge) -> Score:
        """Embeds the firing contexts, which the similarities in the details begin with, and the silent ones."""
        texts = [Window.around(item).text(self._vocabulary) for item in items.firing + items.silent]
        if not self.says_anything(statement):
            return Answers((0.0,) * len(texts)).score(lambda there, found: self.chance, batch=EMBEDDED)
        contexts = await judge.embeddings(feature, texts)
        label = await judge.embeddings(feature, [inert(statement.text)])
        near = _similarities(contexts, label)
        return near.score(
            lambda there, found: auroc([int(place < len(items.firing)) for place in there], found, CLASSES),
            batch=EMBEDDED,
        )


def _similarities(contexts: Answers, label: Answers) -> Answers:
    """The cosine of each context's vector with the label's; without the label's vector there is none."""
    query, took = label.values[0], contexts.took + label.took
    if query is None:
        (reason,) = label.reasons
        return Answers((None,) * len(contexts.values), type(label.reasons)({reason: len(contexts.values)}), took)
    values = tuple(None if vector is None else _cosine(vector, query) for vector in contexts.values)
    return Answers(values, contexts.reasons, took)


def _cosine(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """0 where a vector is 0."""
    x, y = np.asarray(first, np.float64), np.asarray(second, np.float64)
    norms = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float(x @ y) / norms if norms else 0.0
