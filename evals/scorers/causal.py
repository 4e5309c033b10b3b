"""Causal score: does steering by the feature move the output hypothesis' test tokens more than random directions do?"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import torch

from ...tools.activations.indexing import open_index
from ...tools.activations.part import explore
from ...tools.effects.contexts import Contexts, random_contexts
from ...tools.effects.hooks import logits
from ...tools.effects.steering import everywhere
from ...tools.effects.writing import as_rows, at_tokens, random_rows, written_row
from ..exam.exam import Exam
from ..exam.test_tokens import Direction
from ..scores import Score, Statement
from .directions import mean_over_claims
from .scorer import Scorer

RANDOM = 64
CONTEXTS, TOKENS = 8, 32  # held-out rows, and what is read of each
_ASKED = 512  # features whose activations say what is usual
_SEED = 0


@dataclass(frozen=True)
class _Steered:
    """Rows of token ids, how much is added at each place of them and which are text (rows, context); test tokens."""

    rows: np.ndarray
    amounts: torch.Tensor
    text: torch.Tensor
    tokens: torch.Tensor


class CausalScorer(Scorer[np.ndarray]):
    """Share of matched random directions that move the members less than the feature does, ties half: chance .5.

    A direction's effect is the mean change of the log-probability of the set's test tokens less that of the other test
    tokens, over the first TOKENS positions of CONTEXTS held-out rows, when it is added at each of them. All are added
    with one norm, that of a strong but usual activation: the median over features of largest activation times row norm.
    Random directions have the mean and covariance of the dictionary's rows. So the score is the rank of the feature
    among RANDOM of them, as in a Monte Carlo test (Davison and Hinkley 1997, doi:10.1017/CBO9780511802843). A set of
    none or of all test tokens has no others to compare with, and earns chance.
    """

    name, side, chance = "causal", "output", 0.5

    def __init__(self, exam: Exam) -> None:
        self._exam, self._subject = exam, exam.workbench.subject

    def items(self, feature: int) -> np.ndarray | str:
        """Mean change of the log-probability (nats) of every test token under steering, (tokens,)."""
        if not self._subject.decoder[feature].any():
            return "writes nothing: its decoder row is zero"
        return self._changes(written_row(self._subject, feature))

    def score(self, feature: int, items: np.ndarray, statement: Statement) -> Score:
        def of(direction: Direction) -> Score:
            inside = self._exam.members(getattr(statement, direction))[self._exam.tokens.ids]
            if inside.all() or not inside.any():
                return Score(self.chance, RANDOM)
            effect, among = contrast(items[None], inside)[0], contrast(self._random, inside)
            sign = 1 if direction == "promotes" else -1
            rank = float((np.sign(sign * (effect - among)).mean() + 1) / 2)
            return Score(rank, RANDOM, details={"effect": float(effect), "random_mean": float(among.mean())})

        return mean_over_claims(statement, self.chance, of)

    def says_anything(self, statement: Statement) -> bool:
        return bool(statement.promotes or statement.suppresses)

    def _changes(self, direction: np.ndarray) -> np.ndarray:
        """Changes (tokens,) under a direction of any norm, (width,)."""
        steered = self._steered
        unit = torch.from_numpy(direction / np.linalg.norm(direction)).to(self._subject.device)
        with self._exam.workbench.lock:
            return self._log_probs(steered.amounts[:, :, None] * unit) - self._before

    def _log_probs(self, added: torch.Tensor | None) -> np.ndarray:
        """Mean log-probability of every test token, (tokens,) float64."""
        steered = self._steered
        found = logits(self._subject, steered.rows, added)[steered.text].float()
        own = found[:, steered.tokens] - found.logsumexp(dim=1, keepdim=True)
        return own.mean(dim=0, dtype=torch.float64).cpu().numpy()

    @functools.cached_property
    def _random(self) -> np.ndarray:
        """Changes (RANDOM, tokens) under random directions."""
        rows = random_rows(self._subject, int(self._live[0]), RANDOM)
        return np.array([self._changes(row) for row in rows])

    @functools.cached_property
    def _before(self) -> np.ndarray:
        return self._log_probs(None)

    @functools.cached_property
    def _steered(self) -> _Steered:
        subject = self._subject
        drawn = random_contexts(self._exam.contexts.part, CONTEXTS)
        cut = Contexts([window[:TOKENS] for window in drawn.windows], drawn.sources)
        amounts, acting = everywhere(subject, cut, self._usual_norm())
        rows = as_rows(subject, cut.windows)
        amount, text = (torch.from_numpy(at_tokens(subject, own, rows.shape)) for own in (amounts, acting))
        tokens = torch.from_numpy(self._exam.tokens.ids)
        return _Steered(rows, amount.to(subject.device), text.to(subject.device), tokens.to(subject.device))

    def _usual_norm(self) -> float:
        """Of a strong but usual activation times its feature's row."""
        maxima = explore(open_index(self._subject), self._subject.vocabulary.special).totals.maxima
        fires = self._live[maxima[self._live] > 0]
        asked = np.random.default_rng(_SEED).permutation(fires)[:_ASKED].tolist()
        return float(np.median([maxima[one] * np.linalg.norm(written_row(self._subject, one)) for one in asked]))

    @property
    def _live(self) -> np.ndarray:
        return np.flatnonzero(self._subject.alive)


def contrast(changes: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Mean of changes (directions, tokens) over the tokens inside less the mean over the others, (directions,)."""
    return changes[:, inside].mean(axis=1) - changes[:, ~inside].mean(axis=1)
