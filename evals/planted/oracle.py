"""What a labeler's claims are held against: the tests that it uses, asked about sets that are known in advance.

All tests are of the promoted or suppressed mass of whitened logit weights under the present null.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch

from ...labeler.claims import LEVEL
from ...tools.nulls import MASS, DirectionNull, direction_nulls
from ...tools.statistics.directions import mean_p_present
from ...tools.statistics.fdr import two_stage_q
from ...tools.statistics.mass import side_weights, trimmed_mass
from ...tools.statistics.projection import logit_weights, standardise
from ...tools.token_sets.library import TokenSet
from ...tools.token_sets.split import CONFIRM, OPEN, TEST, token_split
from ...tools.views import MIN_CONFIRM_MEMBERS, View
from ...tools.workbench import Workbench

_STAT = dataclasses.replace(MASS, views=("open",), deep=False)
_DEEP = dataclasses.replace(MASS, views=("open",))


class SetTests:
    """The mass of given sets (token ids) on one part of the universe: OPEN, CONFIRM or TEST tokens."""

    def __init__(self, workbench: Workbench, sets: Sequence[np.ndarray], part: int) -> None:
        self._subject = workbench.subject
        split = token_split(self._subject.vocabulary)[self._subject.universe]
        named = [TokenSet(f"planted.{n}", "planted", "", ids, "", "") for n, ids in enumerate(sets)]
        self._view = View.of(self._subject.universe, split == part, named)
        statistic = _DEEP if part == OPEN else _STAT
        self._null: DirectionNull = direction_nulls(
            self._subject, {"open": self._view}, "present", statistic, workbench.cache, workbench.progress
        )["open"]
        self.sizes = self._view.sets.sizes

    def p_values(self, directions: np.ndarray) -> np.ndarray:
        """p (F, 2, S) of directions (F, D); NaN for sets with too few members here to be confirmed."""
        p = self._null.p_values(self._view.masses(self._weights(directions)))[:, :, :-1]
        p[:, :, self.sizes < MIN_CONFIRM_MEMBERS] = np.nan
        return p

    def p_without_top(self, direction: np.ndarray, column: int) -> float:
        """p of the promoted mass of one set without its top member in one direction (D,)."""
        weights = side_weights(self._weights(direction[None]))[0, 0].cpu()
        trimmed = float(trimmed_mass(weights, torch.from_numpy(self._view.members(column))))
        return self._null.p_value(trimmed, 0, column)

    def _weights(self, directions: np.ndarray) -> torch.Tensor:
        rows = torch.from_numpy(np.ascontiguousarray(directions, dtype=np.float32))
        return standardise(logit_weights(rows, self._view.columns(self._subject.whitened)))


def passing(workbench: Workbench, features: np.ndarray, rows: np.ndarray, sets: Sequence[np.ndarray]) -> np.ndarray:
    """Whether the claim rule passes set n, known in advance, in feature `rows[n]` of a run over `features`: (n,) bool.

    That is a run-wide q of at most LEVEL on open tokens, where the set is one more of the tests that the run makes on
    its feature (and stands in for the library's own set, where that has the same tokens); p <= LEVEL on confirm
    tokens; and p <= LEVEL without the top member. The mean is the power of the labeler's test.
    """
    directions = workbench.subject.decoder[features]
    distinct, column = _distinct(sets)
    opened, confirm = (SetTests(workbench, distinct, part) for part in (OPEN, CONFIRM))
    given = directions[rows]
    each = np.arange(len(rows))
    own = opened.p_values(given)[each, 0, column]
    library = library_p(workbench, directions)
    known = {s.ids.tobytes(): n for n, s in enumerate(workbench.sets)}
    found = np.zeros(len(rows), bool)
    # Of two sets of a feature, each is asked on its own.
    _, turn = np.unique(rows, return_index=True)
    for chosen in (turn, np.setdiff1d(each, turn)):
        tests = np.concatenate([library, np.ones((len(library), 1))], axis=1)
        tests[rows[chosen], -1] = own[chosen]
        for n in chosen.tolist():
            same = known.get(np.intersect1d(distinct[column[n]], workbench.open_ids).tobytes())
            if same is not None:
                tests[rows[n], same] = 1
        found[chosen] = two_stage_q(tests)[rows[chosen], -1] <= LEVEL
    found &= confirm.p_values(given)[each, 0, column] <= LEVEL
    return found & [opened.p_without_top(d, c) <= LEVEL for d, c in zip(given, column.tolist(), strict=True)]


def library_p(workbench: Workbench, directions: np.ndarray) -> np.ndarray:
    """p (F, 2 S) of every test that a run makes on directions (F, D), promoted sides first."""
    null, view = workbench.nulls("present")["open"], workbench.views["open"]
    parts = workbench.feature_blocks(np.arange(len(directions)))
    p = [null.p_values(view.masses(workbench.mass_weights(directions[part])))[:, :, :-1] for part in parts]
    return np.concatenate(p).reshape(len(directions), -1)


def holding(workbench: Workbench, directions: np.ndarray, sets: Sequence[np.ndarray], sides: np.ndarray) -> np.ndarray:
    """Whether set f holds in direction f (F, D) on test tokens, on a side (0 promoted, 1 suppressed): 1 or 0, (F,).

    NaN where it has too few members among them.
    """
    distinct, column = _distinct(sets)
    p = SetTests(workbench, distinct, TEST).p_values(directions)[np.arange(len(directions)), sides, column]
    return np.where(np.isnan(p), np.nan, p <= LEVEL)


def raised(workbench: Workbench, part: np.ndarray, sets: Sequence[np.ndarray]) -> np.ndarray:
    """Which sets what was planted raises (0) or lowers (1) on the whole universe: (S, 2) bool, from `part` (D,) alone.

    Beyond chance: its mean whitened weight is at least as far from 0 as that of one isotropic direction in twenty
    (exact t test). Nothing is raised where nothing was planted.
    """
    if not part.any():
        return np.zeros((len(sets), 2), bool)
    subject = workbench.subject
    means = np.stack([subject.whitened[:, np.isin(subject.universe, ids)].mean(axis=1) for ids in sets], axis=1)
    centred = means - subject.whitened.mean(axis=1, keepdims=True)
    return mean_p_present(part[None], centred)[0].T <= LEVEL


def _distinct(sets: Sequence[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """Sets without repetition, and which of them each one is."""
    keys = [ids.tobytes() for ids in sets]
    order = {key: n for n, key in enumerate(dict.fromkeys(keys))}
    first = {key: ids for key, ids in zip(reversed(keys), reversed(sets), strict=True)}
    return [first[key] for key in order], np.array([order[key] for key in keys], np.int64)
