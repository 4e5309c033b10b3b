"""Output score: does a label's token set separate test tokens that the feature promotes from matched others?"""

from __future__ import annotations

import functools
from collections.abc import Mapping

import numpy as np

from ..exam.exam import Exam
from ..exam.items import TokenItems
from ..exam.test_tokens import DIRECTIONS, Direction
from ..scores import Score, Statement
from .directions import mean_over_claims
from .scorer import Scorer

_FREQUENT = 0.25  # share of the test tokens that count as frequent
_SHORT = 3  # letters


class OutputScorer(Scorer[Mapping[Direction, TokenItems]]):
    """AUROC of membership on the feature's extreme test tokens against matched ones: chance .5, perfect 1.

    Of a yes or no answer the area under the ROC curve (Fawcett 2006, doi:10.1016/j.patrec.2005.10.010) is the balanced
    accuracy, .5 + (share of extreme tokens in the set - share of matched ones) / 2. Sets claimed in one direction count
    together, directions claimed are averaged. A feature is examined where both directions can be, whatever a label says
    of it: all labels sit one exam. Details: `recall` and `false` alarms, and the `lift` over the best set
    that anybody could name without having seen the feature, named as `best_trivial`.
    """

    name, side, chance = "output", "output", 0.5

    def __init__(self, exam: Exam) -> None:
        self._exam = exam

    def items(self, feature: int) -> Mapping[Direction, TokenItems] | str:
        return self.items_of(self._exam.workbench.subject.decoder[feature], feature)

    def items_of(self, row: np.ndarray, seed: int) -> Mapping[Direction, TokenItems] | str:
        """The same for any direction (D,)."""
        found: dict[Direction, TokenItems] = {}
        for direction in DIRECTIONS:
            own = self._exam.tokens.items_of(row, direction, seed)
            if isinstance(own, str):
                return own
            found[direction] = own
        return found

    def score(self, feature: int, items: Mapping[Direction, TokenItems], statement: Statement) -> Score:
        def of(direction: Direction) -> Score:
            return self.score_tokens(items[direction], self._exam.members(getattr(statement, direction)))

        return mean_over_claims(statement, self.chance, of)

    def score_tokens(self, items: TokenItems, members: np.ndarray) -> Score:
        """The score of one set, a mask over the vocabulary, on the items of one direction."""
        value = separation(items, members)
        trivial = {name: separation(items, mask) for name, mask in self._trivial.items()}
        best = max(trivial, key=lambda name: trivial[name])
        details = {
            "recall": float(members[items.extreme].mean()),
            "false": float(members[items.matched].mean()),
            "lift": value - trivial[best],
            "best_trivial": best,
        }
        return Score(value, len(items.extreme) + len(items.matched), details=details)

    def says_anything(self, statement: Statement) -> bool:
        return bool(statement.promotes or statement.suppresses)

    @functools.cached_property
    def _trivial(self) -> dict[str, np.ndarray]:
        """Masks over the vocabulary."""
        vocabulary, tokens = self._exam.workbench.subject.vocabulary, self._exam.tokens
        words = [text.strip() for text in vocabulary.text]
        frequent = np.zeros(len(words), bool)
        frequent[tokens.ids[tokens.counts >= np.quantile(tokens.counts, 1 - _FREQUENT)]] = True
        return {
            "leading space": np.array([text.startswith(" ") for text in vocabulary.text]),
            "capital": np.array([word[:1].isupper() for word in words]),
            "all caps": np.array([word.isupper() and len(word) > 1 for word in words]),
            "digits": np.array([any(c.isdigit() for c in word) for word in words]),
            "symbols": np.array([not any(c.isalnum() for c in word) for word in words]),
            "short": np.array([len(word) <= _SHORT for word in words]),
            "frequent": frequent,
        }


def separation(items: TokenItems, members: np.ndarray) -> float:
    """Balanced accuracy of membership, a mask over the vocabulary, on matched test tokens."""
    return float(0.5 + (members[items.extreme].mean() - members[items.matched].mean()) / 2)
