"""Deep tails of the mass of token sets in one view, computed set by set when first needed and kept in the cache.

The mass is that of whitened weights.
"""

from __future__ import annotations

import functools
import hashlib

import numpy as np

from .directions import SEED, direction_model, null_identity
from .statistics.directions import NullName
from .statistics.tail_sampling import LEVELS, MassTails
from .storage.cache import ByteCache, load_arrays, save_arrays
from .subject.subject import Subject
from .views import View

_VERSION = 3


class DeepTails:
    """Mass levels of any set of a view's tokens under one direction null."""

    def __init__(self, subject: Subject, view: View, null: NullName, cache: ByteCache) -> None:
        self._subject, self._view, self._cache = subject, view, cache
        self._null: NullName = null
        self._found: dict[str, np.ndarray] = {}

    def levels(self, members: np.ndarray, side: int) -> np.ndarray:
        """Mass (L,) that a random direction reaches on a side with the probabilities tail_sampling.LEVELS, or NaN.

        `members` are positions in the view.
        """
        # An isotropic direction is as likely as its negative, so both sides share their levels.
        side = 0 if self._null == "present" else side
        key = f"{self._key}/{side}/{hashlib.blake2b(members.tobytes(), digest_size=16).hexdigest()}"
        if key not in self._found:
            stored = self._cache.get(key)
            if stored is None:
                stored = save_arrays({"levels": self._tails.levels(members, side).astype(np.float32)})
                self._cache.set(key, stored)
            self._found[key] = load_arrays(stored)["levels"]
        return self._found[key]

    def of_column(self, place: int) -> np.ndarray:
        """Levels of a column of `View.masses`, where the columns of the suppressed side follow those of the promoted
        one; NaN for the concentration, which is no set."""
        side, column = divmod(place, len(self._view.sets) + 1)
        if column == len(self._view.sets):
            return np.full(len(LEVELS), np.nan)
        return self.levels(self._view.members(column), side)

    @functools.cached_property
    def _key(self) -> str:
        digest = null_identity(self._subject, self._null)
        digest.update(self._view.tokens.tobytes())
        return f"deep-tails/{_VERSION}/{digest.hexdigest()}"

    @functools.cached_property
    def _tails(self) -> MassTails:
        """What levels are computed from; its costly part, which no set changes, is kept in the cache."""
        columns = self._view.columns(self._subject.whitened).to(self._subject.device)
        arguments = (columns, direction_model(self._subject, self._null), [SEED["tails"], SEED[self._null]])
        stored = self._cache.get(self._key)
        if stored is not None:
            return MassTails(*arguments, load_arrays(stored))
        tails = MassTails(*arguments)
        self._cache.set(self._key, save_arrays(tails.prepared))
        return tails
