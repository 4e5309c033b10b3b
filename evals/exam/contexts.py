"""Held-out contexts that labels are examined on: where a feature fires, and as many where it is silent."""

from __future__ import annotations

import functools

import numpy as np

from ...tools.activations.examples import DECILES
from ...tools.activations.held_out import HeldOut
from ...tools.activations.indexing import open_index
from ...tools.activations.negatives import silent, strongest
from ...tools.activations.store import Firings
from ...tools.errors import UsageError
from ...tools.inputs.slices import slice_of
from ...tools.statistics.directions import nearest_to
from ...tools.subject.reading import require_encoder
from ...tools.workbench import Workbench
from .items import ContextItem, ContextItems

CONTEXTS, MIN_CONTEXTS = 50, 20  # firing ones of a feature, and as many silent ones
SLICE_TOKENS = 500_000  # held-out tokens among which silent contexts are looked for
SEED = 0
_NEIGHBOURS = 5
_RANDOM = 100  # random positions that are looked at for each one wanted
_BIN = 16  # places in a row that are taken together
_KEPT = 64  # features whose items are kept for the next scorer
_KINDS = ("same token", "neighbour", "random")


class TestContexts:
    """Contexts of the held-out documents of a subject's index, the same ones each time.

    Silence is that of the forward pass which made the index: it holds every activation above zero. Raises UsageError
    for a subject without encoder or index, and for an index without held-out documents.
    """

    __test__ = False

    def __init__(self, workbench: Workbench) -> None:
        subject = workbench.subject
        require_encoder(subject)
        store = open_index(subject, workbench.progress)
        self.part = HeldOut(store, subject.vocabulary.special)
        if not len(self.part.rows):
            raise UsageError(
                f"No document of the index {store.folder} is held out, so nothing can be scored on it: index more "
                f"documents that differ with `tsea index --corpus FILES --subject {subject.name}`."
            )
        self.index = store.folder.name
        self._decoder = subject.decoder
        self.slice = slice_of(subject, self.part, SLICE_TOKENS)
        tokens = self.slice.tokens["token"]
        order = np.argsort(tokens, kind="stable")
        self._ordered_tokens, self._ordered_positions = tokens[order], self.slice.positions[order]
        self._tokens = int(self.part.token_counts.sum())
        self.items = functools.lru_cache(_KEPT)(self._items)

    def _items(self, feature: int) -> ContextItems | str:
        """Up to CONTEXTS firing and as many silent contexts of a feature, or why it has too few.

        Firing ones come evenly from all tenths by activation and, within a tenth, from the documents used least.
        Silent ones have no firing in the context around them (`examples.BEFORE`, `AFTER`): a third at the tokens of the
        firing ones, a third where a decoder neighbour fires most, the rest at random.
        """
        firings = self.part.firings(feature)
        count = _whole(len(firings.positions))
        if count < MIN_CONTEXTS:
            return f"fewer than {MIN_CONTEXTS} firings on held-out documents: {len(firings.positions)}"
        rng = np.random.default_rng([SEED, feature])
        quiet = self._silent(feature, firings, self._firing(firings, count, rng), rng)
        if len(quiet) < MIN_CONTEXTS:
            return f"fewer than {MIN_CONTEXTS} silent contexts on held-out documents: {len(quiet)}"
        count = _whole(len(quiet))
        kept = rng.permutation(len(quiet))[:count]
        positions = self._firing(firings, count, np.random.default_rng([SEED, feature]))
        return ContextItems(
            tuple(self._item(position, "firing", firings) for position in np.sort(positions).tolist()),
            tuple(self._item(quiet[one][0], quiet[one][1], firings) for one in np.sort(kept).tolist()),
            len(firings.positions) / self._tokens,
        )

    def _item(self, position: int, kind: str, firings: Firings) -> ContextItem:
        return ContextItem(self.part.context(position, firings), kind)

    def _firing(self, firings: Firings, count: int, rng: np.random.Generator) -> np.ndarray:
        """Positions (count,), as many of each tenth by activation, of as many documents as there are."""
        _, document = np.unique(self.part.documents(firings.positions), return_inverse=True)
        used = np.zeros(int(document.max()) + 1)
        taken = np.zeros(len(document))
        tenths = [rng.permutation(own) for own in np.array_split(np.argsort(firings.values, kind="stable"), DECILES)]
        for _ in range(count // DECILES):
            for tenth in tenths:
                one = tenth[np.argmin(used[document[tenth]] + taken[tenth])]
                used[document[one]] += 1
                taken[one] = np.inf
        return firings.positions[np.isinf(taken)]

    def _silent(
        self, feature: int, firings: Firings, chosen: np.ndarray, rng: np.random.Generator
    ) -> list[tuple[int, str]]:
        """Silent positions, each with its kind, as many as chosen ones where there are so many."""
        found: dict[int, str] = {}
        near, _ = nearest_to(self._decoder, feature, _NEIGHBOURS)
        share = len(chosen) // len(_KINDS)
        pools = (
            (*self._same_tokens(chosen, firings), share),
            (*_equal(np.unique(strongest(self.part, near.tolist()))), 2 * share),
            (*_equal(np.unique(rng.choice(self.slice.positions, _RANDOM * len(chosen)))), len(chosen)),
        )
        for kind, (pool, weights, until) in zip(_KINDS, pools, strict=True):
            new = ~np.isin(pool, list(found))
            drawn = self._drawn(pool[new], weights[new], firings, until - len(found), rng)
            found |= dict.fromkeys(drawn.tolist(), kind)
        return list(found.items())

    def _same_tokens(self, chosen: np.ndarray, firings: Firings) -> tuple[np.ndarray, np.ndarray]:
        """Occurrences of the tokens at chosen positions, weighted so that a draw of silent ones has these tokens."""
        tokens, counts = np.unique(self.part.tokens(chosen), return_counts=True)
        begin, end = (np.searchsorted(self._ordered_tokens, tokens, side) for side in ("left", "right"))
        pool = np.concatenate([self._ordered_positions[a:b] for a, b in zip(begin, end, strict=True)])
        owner = np.repeat(np.arange(len(tokens)), end - begin)
        quiet = np.bincount(owner[silent(self.part, pool, firings)], minlength=len(tokens))
        weights = np.divide(counts, quiet, out=np.zeros(len(tokens)), where=quiet > 0)[owner]
        return pool[weights > 0], weights[weights > 0]

    def _drawn(
        self, pool: np.ndarray, weights: np.ndarray, firings: Firings, count: int, rng: np.random.Generator
    ) -> np.ndarray:
        """Up to `count` silent positions of a pool, spread over the places of a row as the pool is.

        Near the ends of a row the context is cut short, and silence more frequent.
        """
        quiet = silent(self.part, pool, firings)
        count = min(count, int(quiet.sum()))
        if count <= 0:
            return np.empty(0, np.int64)
        place = self.part.places(pool) // _BIN
        every, still = (np.bincount(place[own], weights[own], place.max() + 1) for own in (slice(None), quiet))
        likely = (weights[quiet] * (every / np.where(still > 0, still, 1))[place[quiet]]).astype(np.float64)
        return rng.choice(pool[quiet], count, replace=False, p=likely / likely.sum())


def _whole(available: int) -> int:
    """How many contexts are taken of those available: as many from each tenth."""
    return min(CONTEXTS, available) // DECILES * DECILES


def _equal(pool: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return pool, np.ones(len(pool))
