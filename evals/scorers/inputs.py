"""Input score: does a label's input hypothesis separate held-out firing contexts from silent hard negatives?"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...tools.activations.examples import DECILES
from ..exam.exam import Exam
from ..exam.items import ContextItems
from ..scores import Score, Statement
from .scorer import Scorer


class InputScorer(Scorer[ContextItems]):
    """Balanced accuracy of "any of the hypotheses fits here" on firing and silent contexts: chance .5, perfect 1.

    Details: `recall`, also by tenth of the activation, weakest first; `precision` at the true density, with false
    alarms counted on random silent contexts, the only ones that stand for the text as it is; `auroc` with the share of
    the hypotheses that fit as the score (Fawcett 2006, doi:10.1016/j.patrec.2005.10.010); Pearson `correlation` of that
    share with activation over all contexts. What is not defined is None.
    """

    name, side, chance = "input", "input", 0.5

    def __init__(self, exam: Exam) -> None:
        self._exam = exam

    def items(self, feature: int) -> ContextItems | str:
        return self._exam.contexts.items(feature)

    def score(self, feature: int, items: ContextItems, statement: Statement) -> Score:
        n = len(items.firing) + len(items.silent)
        if not statement.fires:
            return Score(self.chance, n)
        fits = self._exam.fitting(statement.fires, (*items.firing, *items.silent))
        found, missed = np.split(fits.any(axis=0), [len(items.firing)])
        value = float(0.5 + (found.mean() - missed.mean()) / 2)
        return Score(value, n, details=_details(items, fits.mean(axis=0), found, missed))

    def says_anything(self, statement: Statement) -> bool:
        return bool(statement.fires)


def _details(items: ContextItems, share: np.ndarray, found: np.ndarray, missed: np.ndarray) -> dict[str, Any]:
    firing, silent = np.split(share, [len(items.firing)])
    activation = np.array([item.activation for item in (*items.firing, *items.silent)])
    order = np.argsort(activation[: len(firing)], kind="stable")
    at_random = np.array([item.kind == "random" for item in items.silent])
    hits = items.density * found.mean()
    alarms = (1 - items.density) * missed[at_random].mean() if at_random.any() else np.nan
    return {
        "recall": float(found.mean()),
        "recall_by_decile": [float(own.mean()) for own in np.array_split(found[order], DECILES)],
        "precision": float(hits / (hits + alarms)) if hits + alarms > 0 else None,
        "auroc": float(np.sign(firing[:, None] - silent).mean() / 2 + 0.5),
        "correlation": float(np.corrcoef(share, activation)[0, 1]) if np.ptp(share) > 0 else None,
    }
