"""Sets of features instead of tokens: rank a dictionary's features by the cosine of decoder directions.

Asks of a feature whether those that promote digits, or those of one class, stand near it. A feature never ranks itself.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
import torch

from .nulls import MASS, direction_nulls
from .progress import Progress, silent
from .rankings import GivenRanking, given_ranking
from .results import EnrichmentRow, finite
from .statistics.directions import NULLS, unit_rows
from .statistics.fdr import benjamini_hochberg, two_stage_q
from .statistics.inflation import mean_square_norm, variance_inflation
from .statistics.mass import SIDES
from .statistics.names import CLASSES
from .statistics.p_values import PValues
from .statistics.projection import logit_weights, standardise
from .storage.cache import ByteCache
from .subject.subject import Subject
from .token_sets.library import TokenSet, TokenSetLibrary
from .views import View
from .vocabulary import Vocabulary

LEVEL = 0.05
# Of cosines as they are: directions of one dictionary share no unembedding to be whitened.
_COSINE_MASS = dataclasses.replace(MASS, views=("open",), columns=attrgetter("unembedding"), deep=False)


def feature_ranking(subject: Subject) -> Subject:
    """The subject whose tokens are the dictionary's live features and whose logit weights are cosines.

    A token id is a feature's number. Every live feature stands in its own ranking here; `FeatureSets` leaves it out.
    """
    rows = unit_rows(subject.decoder).astype(np.float32)
    live = np.flatnonzero(subject.alive).astype(np.int64)
    names = tuple(f"feature {feature}" for feature in range(subject.n_features))
    convention = "cosines of decoder directions, centred over the live features"
    return dataclasses.replace(
        subject,
        name=f"{subject.name}@features",
        vocabulary=Vocabulary(names, names, frozenset(np.flatnonzero(~subject.alive).tolist())),
        universe=live,
        convention=convention,
        unembedding=np.ascontiguousarray((rows[live] - rows[live].mean(axis=0)).T),
        decoder=rows,
        hash=hashlib.blake2b(f"{subject.hash} {convention}".encode(), digest_size=16).hexdigest(),
        _load_model=lambda: subject.model,
    )


def sets_of_classes(codes: np.ndarray, alive: np.ndarray) -> list[TokenSet]:
    """The live features of each class, from class codes and a mask of live features (n,)."""
    members = [(name, np.flatnonzero(alive & (codes == code))) for code, name in enumerate(CLASSES)]
    return [_feature_set(f"class.{name.replace(' ', '_')}", f"{name} features", ids) for name, ids in members]


def sets_of_hits(p: np.ndarray, names: Sequence[str]) -> list[TokenSet]:
    """The features that promote and that suppress each of S token sets, from p-values (n_features, 2, S).

    Each set is selected by Benjamini-Hochberg over the features at .05, so about a twentieth of it may be false.
    """
    hits = np.nan_to_num(benjamini_hochberg(p, axis=0), nan=1.0) <= LEVEL
    return [
        _feature_set(f"{family}.{name}", f"features that {verb} {name}", np.flatnonzero(hits[:, side, column]))
        for side, (family, verb) in enumerate((("promotes", "promote"), ("suppresses", "suppress")))
        for column, name in enumerate(names)
    ]


@dataclass(frozen=True)
class Neighbourhood:
    """Enrichment of S feature sets near (promoted) and opposite (suppressed) F features.

    `mass` (F, 2, S) in nats with its direction-null p-values, and rank statistics with random-set ones.
    """

    mass: np.ndarray
    p: dict[str, PValues]
    ranked: GivenRanking


class FeatureSets:
    """Sets of a dictionary's features, tested in the rankings of single features."""

    def __init__(
        self, subject: Subject, sets: Sequence[TokenSet], cache: ByteCache, progress: Progress = silent
    ) -> None:
        self.subject = feature_ranking(subject)
        live = self.subject.universe
        self.sets = list(TokenSetLibrary(sets, self.subject.vocabulary.hash).testable(live))
        self._view = View.of(live, np.ones(len(live), dtype=bool), self.sets)
        self._columns = torch.from_numpy(self.subject.unembedding)
        token_square = mean_square_norm(self.subject.unembedding)
        self.inflation = variance_inflation(self._view.set_means(self._columns), self._view.sets.sizes, token_square)
        self._nulls = {
            null: direction_nulls(self.subject, {"open": self._view}, null, _COSINE_MASS, cache, progress)["open"]
            for null in NULLS
        }

    def nearest(self, feature: int, count: int = 10) -> list[tuple[int, float]]:
        """The features whose directions have the largest cosine with that of another one, and the cosines."""
        live = self.subject.universe
        cosines = self.subject.decoder[live] @ self.subject.decoder[feature]
        order = np.argsort(-cosines, kind="stable")
        return [(int(live[at]), float(cosines[at])) for at in order[live[order] != feature][:count]]

    def test(self, features: np.ndarray) -> Neighbourhood:
        """Test every set in the rankings of some features, each without itself.

        Reference directions are no features: their null has each set whole, which a feature's own set lacks by one.
        """
        live = self.subject.universe
        weights = logit_weights(torch.from_numpy(self.subject.decoder[features]), self._columns)
        masses = np.concatenate(
            [
                self._without(int(feature)).masses(standardise(weights[[row]][:, live != feature]))
                for row, feature in enumerate(features)
            ]
        )
        p = {null: reference.estimate(masses) for null, reference in self._nulls.items()}
        of_sets = slice(len(self.sets))
        ranking = np.where(live[None] == features[:, None], np.nan, weights.numpy()).astype(np.float32)
        return Neighbourhood(
            mass=masses[:, :, of_sets],
            p={n: PValues(found.p[:, :, of_sets], found.log10_error[:, :, of_sets]) for n, found in p.items()},
            ranked=given_ranking(ranking, self._view.sets),
        )

    def _without(self, feature: int) -> View:
        return View.of(self.subject.universe, self.subject.universe != feature, self.sets)


def neighbourhood_rows(sets: FeatureSets, features: np.ndarray) -> Iterator[list[EnrichmentRow]]:
    """Mass of every feature set in the rankings of some features, one list of rows per feature; q as in enrichment."""
    found = sets.test(features)
    q = two_stage_q(found.p["present"].p.reshape(len(features), -1)).reshape(found.mass.shape)
    for row, feature in enumerate(features):
        yield [
            EnrichmentRow.model_validate(
                {
                    "feature": int(feature),
                    "set": one.name,
                    "size": int(found.ranked.sizes[row, column]),
                    "statistic": "mass",
                    "side": SIDES[side],
                    "value": finite(found.mass[row, side, column]),
                    "q": finite(q[row, side, column]),
                    "inflation": float(sets.inflation[column]),
                }
                | {f"p_{null}": finite(found.p[null].p[row, side, column]) for null in NULLS}
                | {f"error_{null}": finite(found.p[null].log10_error[row, side, column]) for null in NULLS}
            )
            for column, one in enumerate(sets.sets)
            for side in range(len(SIDES))
        ]


def _feature_set(name: str, description: str, features: np.ndarray) -> TokenSet:
    family = name.split(".")[0]
    return TokenSet(name, family, description, features.astype(np.int64), "this dictionary", "")
