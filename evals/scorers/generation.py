"""Generation: whether the feature fires in texts that a judge writes from the label.

The judge writes texts in which the feature should fire, and texts much like them in which it should not; the value is
the AUROC of the largest activation in each, as for concepts in Kopf et al. 2024 (CoSy, arXiv:2405.20331) and for the
clarity of Puri et al. 2025 (FADE, arXiv:2502.16994), whose Gini coefficient is 2 AUROC - 1, but against edited texts
of the same judge instead of natural ones: what both kinds share earns nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ...tools.activations.texts import activate
from ..judge.agreement import Scale
from ..judge.judge import Judge, Question
from ..judge.measures import auroc
from ..judge.prompts import JSON_ALONE
from ..judge.reading import TEXT
from ..scores import Score, Statement
from .judged import JudgedScorer

TEXTS = 10  # in which it should fire, and as many in which it should not
_CLASSES = ("texts where it should be silent", "texts where it should fire")
_SYSTEM = """\
A feature of a language model fires in some texts and is silent in others. A label says where it fires. Write {each} \
different texts of one or two sentences in which the feature should fire strongly, numbered 1 to {each}. Then write \
{each} more, numbered {next} to {all}, each of them the text {each} numbers before, with as little changed as makes \
the feature silent.
"""
_FORMAT = JSON_ALONE.format(answer="the text", example='{"1": "...", "2": "..."}')


class Generation(JudgedScorer[int]):
    """AUROC of the largest activation in texts where the feature should fire against those where it should not."""

    name, side, chance = "generation", "input", 0.5
    scale: ClassVar[Scale | None] = None

    def items(self, feature: int) -> int | str:
        """How many texts of each kind are asked for, or why none can be read."""
        if self._exam.workbench.subject.encoder is None:
            return "bare directions have no encoder that could fire"
        return TEXTS

    async def score(self, feature: int, items: int, statement: Statement, judge: Judge) -> Score:
        """Asks for all texts in one prompt; the details hold them with the largest activation in each."""
        system = _SYSTEM.format(each=items, next=items + 1, all=2 * items) + _FORMAT
        asked = Question(system, {"label": statement.text}, 2 * items, TEXT)
        answers = await judge.answers(feature, [range(2 * items)], lambda places: asked)
        there = [place for place, text in enumerate(answers.values) if text is not None]
        texts = [str(answers.values[place]) for place in there]
        largest = await judge.thread.run(lambda: self._largest(feature, texts))
        read = dict(zip(there, largest, strict=True))
        return answers.score(
            lambda places, _: auroc([int(place < items) for place in places], largest, _CLASSES),
            batch=2 * items,
            activations=[read.get(place) for place in range(2 * items)],
        )

    def _largest(self, feature: int, texts: Sequence[str]) -> list[float]:
        """The largest activation in each text."""
        workbench = self._exam.workbench
        with workbench.lock:
            found = [activate(workbench.subject, text, np.array([feature])).activations for text in texts]
        return [float(one.max()) for one in found]
