"""Sealed test tokens that labels are examined on: those that a feature promotes most, and matched others."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ...tools.activations.indexing import can_open_index, open_index
from ...tools.activations.part import Part
from ...tools.phrases import number_of
from ...tools.token_sets.split import TEST, token_split
from ...tools.workbench import Workbench
from .items import TokenItems
from .matching import TokenLooks

Direction = Literal["promotes", "suppresses"]
DIRECTIONS: tuple[Direction, ...] = ("promotes", "suppresses")
EXTREME = 0.01  # share of the test tokens that are a direction's extreme ones
FEWEST, MOST = 16, 100  # extreme tokens
MIN_TOKENS = 10  # of these that need a match
SEED = 0


class TestTokens:
    """The test part of a subject's universe: `ids` (T,) and how often each occurs on the explore side of its index.

    Tokens are ranked by whitened logit weights, those that the claims of this project are about (README, "How sure is a
    label?"): under plain ones the extremes of most features share what all tokens share, such as frequency, and a fifth
    of them have no match. Where there is no index, low token ids count as frequent.
    """

    __test__ = False

    def __init__(self, workbench: Workbench) -> None:
        subject = workbench.subject
        vocabulary, universe = subject.vocabulary, subject.universe
        own = token_split(vocabulary)[universe] == TEST
        self.ids = universe[own]
        self.counts = 1 / (1 + self.ids)
        if can_open_index(subject):
            counts = Part(open_index(subject, workbench.progress), ("open", "confirm"), vocabulary.special).token_counts
            self.counts = np.append(counts, 0)[np.minimum(self.ids, len(counts))]
        self._decoder, self._columns = subject.decoder, subject.whitened[:, own]
        self._looks = TokenLooks([vocabulary.text[token] for token in self.ids.tolist()], self.counts)

    def items(self, feature: int, direction: Direction) -> TokenItems | str:
        """The test tokens that a feature promotes (suppresses) most, or why it cannot be examined."""
        return self.items_of(self._decoder[feature], direction, feature)

    def items_of(self, row: np.ndarray, direction: Direction, seed: int) -> TokenItems | str:
        """The same for any direction (D,).

        The most extreme EXTREME of the test tokens, at least FEWEST and at most MOST, each with a token of the other
        half of the ranking that has its leading space, case and script and is nearest in log frequency and length.
        """
        weights = row @ self._columns
        if not np.ptp(weights) > 0:
            return "ranks no token: its decoder row is zero or its logit weights are all equal"
        outward = weights if direction == "promotes" else -weights
        count = int(np.clip(round(EXTREME * len(self.ids)), FEWEST, MOST))
        extreme = np.argsort(-outward, kind="stable")[:count]
        others = outward <= np.median(outward)
        others[extreme] = False
        rng = np.random.default_rng([SEED, seed, DIRECTIONS.index(direction)])
        chosen, matched = self._looks.matched(extreme, others, rng)
        if len(chosen) < MIN_TOKENS:
            return f"fewer than {MIN_TOKENS} of {number_of(count, 'extreme test token')} have a match: {len(chosen)}"
        return TokenItems(self.ids[chosen], self.ids[matched])
