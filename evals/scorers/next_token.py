"""Next-token score: on held-out text, do members of the output hypothesis follow firings more than silence?"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from ...tools.inputs.slices import Slice
from ..exam.exam import Exam
from ..exam.test_tokens import Direction
from ..scores import Score, Statement
from .directions import mean_over_claims
from .scorer import Scorer

MIN_FIRINGS = 20


@dataclass(frozen=True)
class Followers:
    """Test tokens that stand behind firings and behind silence, (n,) each, in strata of the same current token.

    `weights` (strata,) add up to 1.
    """

    firing: np.ndarray
    firing_stratum: np.ndarray
    silent: np.ndarray
    silent_stratum: np.ndarray
    weights: np.ndarray

    def rates(self, members: np.ndarray) -> tuple[float, float]:
        """Share of members, a mask over the vocabulary, behind firings and behind silence."""
        groups = ((self.firing, self.firing_stratum), (self.silent, self.silent_stratum))
        shares = [np.bincount(own, members[tokens]) / np.bincount(own) for tokens, own in groups]
        return float(shares[0] @ self.weights), float(shares[1] @ self.weights)


class NextTokenScorer(Scorer[Followers]):
    """.5 + (share of members behind firings - share behind silence) / 2, turned round for suppressed sets: chance .5.

    Only next tokens of the sealed test part count, so that a list of open tokens says nothing. Firings are held against
    silent positions with the same current token, strata weighted by n m / (n + m) of their n firings and m silences:
    the Mantel-Haenszel risk difference (Greenland and Robins 1985, doi:10.2307/2530643). Details: both `rates` and
    `ratio`, the lift of the one over the other.
    """

    name, side, chance = "next-token", "output", 0.5

    def __init__(self, exam: Exam) -> None:
        self._exam = exam

    def items(self, feature: int) -> Followers | str:
        fires = np.zeros(len(self._slice.positions), bool)
        fires[self._slice.strongest(self._exam.contexts.part.firings(feature), len(fires))] = True
        fires, current, following = fires[self._behind], *self._pairs
        firing, silent = (np.bincount(current[own], minlength=current.max() + 1) for own in (fires, ~fires))
        both = (firing > 0) & (silent > 0)
        if firing[both].sum() < MIN_FIRINGS:
            return f"fewer than {MIN_FIRINGS} held-out firings before a test token: {firing[both].sum()}"
        stratum = np.cumsum(both) - 1
        own, others = fires & both[current], ~fires & both[current]
        weights = (firing * silent / np.maximum(1, firing + silent))[both]
        return Followers(
            following[own], stratum[current[own]], following[others], stratum[current[others]], weights / weights.sum()
        )

    def score(self, feature: int, items: Followers, statement: Statement) -> Score:
        def of(direction: Direction) -> Score:
            behind, elsewhere = items.rates(self._exam.members(getattr(statement, direction)))
            sign = 1 if direction == "promotes" else -1
            ratio = behind / elsewhere if elsewhere > 0 else None
            details = {"rates": [behind, elsewhere], "ratio": ratio}
            return Score(0.5 + sign * (behind - elsewhere) / 2, len(items.firing), details=details)

        return mean_over_claims(statement, self.chance, of)

    def says_anything(self, statement: Statement) -> bool:
        return bool(statement.promotes or statement.suppresses)

    @property
    def _slice(self) -> Slice:
        return self._exam.contexts.slice

    @functools.cached_property
    def _behind(self) -> np.ndarray:
        """Which tokens of the slice (n,) stand before a test token."""
        return np.isin(self._slice.tokens["next"], self._exam.tokens.ids)

    @functools.cached_property
    def _pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """The current tokens there, and the next ones."""
        return self._slice.tokens["token"][self._behind], self._slice.tokens["next"][self._behind]
