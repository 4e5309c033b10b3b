"""Tests of a token set that somebody wrote, in some features or in a whole dictionary, under one null."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from .errors import UsageError
from .nulls import DirectionNull
from .rank_index import RankIndex
from .statistics.directions import MeanNull, NullName, mean_p_present
from .statistics.enrichment import SetIndex
from .statistics.inflation import variance_inflation
from .statistics.mass import side_weights
from .statistics.names import NullChoice, Statistic
from .statistics.overlap import set_correlations
from .statistics.p_values import PValues
from .statistics.projection import standardise
from .statistics.random_set_null import random_set_tests
from .statistics.reference import collect
from .token_sets.compare import origins
from .token_sets.derivation import circular
from .token_sets.resolve import Resolved, resolve
from .token_sets.spec import TokenSetSpec, parse_spec
from .views import MIN_CONFIRM_MEMBERS, View, member_positions, ranked_values

if TYPE_CHECKING:
    from .workbench import Workbench

MIN_MEMBERS = 2
CONFIRM_LEVEL = 0.05
READ_ROWS = 512  # of the rank index at a time, between reports of progress
DEEP_FEATURES = 16  # tails by splitting take seconds each; beyond so many features those of the bank must do


@dataclass(frozen=True)
class Tested:
    """One statistic of the set in F features: values (F, 2), promoted and suppressed, and p-values under the null."""

    statistic: str
    values: np.ndarray
    p: PValues


class WrittenSet:
    """A written token set on a workbench's open tokens.

    Raises UsageError for a malformed specification and for a set with fewer than MIN_MEMBERS open tokens or as few
    others.
    """

    def __init__(self, workbench: Workbench, spec: TokenSetSpec | str) -> None:
        self._workbench = workbench
        self.spec = parse_spec(spec)
        vocabulary = workbench.subject.vocabulary
        self.resolved: Resolved = resolve(self.spec, vocabulary, workbench.library)
        self.members = self._members(workbench.views["open"])
        self.confirm_members = self._members(workbench.views["confirm"])
        tokens = len(workbench.views["open"].tokens)
        count = len(self.members)
        if count > tokens - MIN_MEMBERS:
            raise UsageError(
                f"The token set has {count} of {tokens} open tokens: a test needs at least {MIN_MEMBERS} outside to "
                "compare it with. Write a smaller set."
            )
        if count < MIN_MEMBERS:
            missing = ", ".join(item.item for item in self.resolved.unmatched[:5])
            raise UsageError(
                f"The token set has {len(self.resolved.ids)} tokens, {count} of them open (the others are sealed for "
                f"confirmation and tests, or not ranked): a test needs at least {MIN_MEMBERS}."
                f"{f' No single token: {missing}.' if missing else ''} Add words, or other spellings with variants."
            )

    @cached_property
    def inflation(self) -> float:
        """How many times more the set's mean logit weight varies over directions than that of unrelated tokens."""
        sizes = np.array([len(self.members)])
        return float(variance_inflation(self._mean, sizes, self._workbench.open_token_square)[0])

    def under(self, null: NullChoice, features: np.ndarray) -> list[Tested]:
        """Every statistic of the set in some features under one null."""
        return self._random(features) if null == "random" else self._directions(null, features)

    def circular(self, features: np.ndarray) -> np.ndarray:
        """Which features (F,) the set was made from: it names a derived set of theirs, or shares most tokens with one.

        Near-duplicates of such a feature count as it.
        """
        made_from = origins(self.spec, self.resolved.ids, self._workbench.library)
        return np.any(circular(made_from, self._workbench.subject.decoder[features]), axis=1)  # type: ignore[no-any-return]

    def beyond(self, other: WrittenSet, null: NullName, features: np.ndarray) -> list[Tested]:
        """What this set adds to another and the other to this one: partial correlations with each side's mass weights.

        p counts reference directions; it is 1 where the correlation turns its sign beside the other set.
        """
        references = self._workbench.references(null)
        drawn = [references.correlations(references.means(one.members), len(one.members)) for one in (self, other)]
        observed = self._correlations(other, features)
        shared = len(np.intersect1d(self.members, other.members, assume_unique=True))
        overlap = references.overlap(shared, len(self.members), len(other.members))
        return [
            Tested(name, *references.added((observed[one], observed[given]), (drawn[one], drawn[given]), overlap))
            for name, one, given in (("partial", 0, 1), ("partial_reverse", 1, 0))
        ]

    def _correlations(self, other: WrittenSet, features: np.ndarray) -> np.ndarray:
        """Correlations (2, F, 2) of each side's mass weights with membership in this set and in the other."""
        workbench = self._workbench
        membership = torch.zeros(len(workbench.views["open"].tokens), 2)
        membership[torch.from_numpy(self.members), 0] = 1
        membership[torch.from_numpy(other.members), 1] = 1
        own = membership.to(workbench.unembedding.device)
        blocks: list[np.ndarray] = []
        for part in workbench.feature_blocks(features):
            sides = side_weights(workbench.mass_weights(workbench.subject.decoder[part]))
            blocks.append(set_correlations(sides.flatten(0, 1), own).reshape(len(part), 2, 2))
        return np.moveaxis(np.concatenate(blocks), 2, 0)

    def holds(self, null: NullName, features: np.ndarray) -> np.ndarray:
        """Whether each side's mass is as unlikely on confirm tokens (F, 2): 1 or 0, NaN where too few members."""
        if len(self.confirm_members) < MIN_CONFIRM_MEMBERS:
            return np.full((len(features), 2), np.nan)
        index = self._workbench.rank_index("confirm", "whitened")
        read = partial(index.rankings.masses, self.confirm_members)
        direction_null = _null_of(null, read(index.references(null))["mass"])
        p = direction_null.p_values(self._of_features(index, features, read)["mass"][:, :, None])
        return (p[:, :, 0] <= CONFIRM_LEVEL).astype(float)

    def _directions(self, null: NullName, features: np.ndarray) -> list[Tested]:
        observed: dict[Statistic, np.ndarray] = {}
        logits, whitened = (self._workbench.rank_index("open", weights) for weights in ("logits", "whitened"))
        for index, statistics in ((whitened, whitened.rankings.masses), (logits, logits.rankings.scores)):
            observed |= self._of_features(index, features, partial(statistics, self.members))
        reference = {"mass": self._workbench.references(null).masses(self.members)}
        reference |= logits.rankings.scores(self.members, logits.references(null))
        tested: list[Tested] = []
        for statistic, values in observed.items():
            if statistic == "mean":
                p = PValues.exact(np.where(np.isnan(values), np.nan, self._mean_p(null, features)))
            else:
                deep = self._deep_mass(null) if statistic == "mass" else None
                found = _null_of(null, reference[statistic], deep).estimate(values[:, :, None])
                p = PValues(found.p[:, :, 0], found.log10_error[:, :, 0])
            tested.append(Tested(statistic, values, p))
        return tested

    def mass_null(self, null: NullName) -> DirectionNull:
        """The null of the set's mass, by counting alone: 1 column."""
        return _null_of(null, self._workbench.references(null).masses(self.members))

    def _deep_mass(self, null: NullName) -> Callable[[int], np.ndarray]:
        tails = self._workbench.deep_tails(null)
        return lambda side: tails.levels(self.members, side)

    def _random(self, features: np.ndarray) -> list[Tested]:
        view, workbench = self._workbench.views["open"], self._workbench
        sets = SetIndex.from_positions([self.members], len(view.tokens))
        own = dataclasses.replace(view, sets=sets)
        blocks: list[dict[str, tuple[np.ndarray, PValues]]] = []
        for part in workbench.feature_blocks(features):
            standardised = standardise(view.cut(workbench.weights(workbench.subject.decoder[part])))
            scores = own.ranked(standardised)
            found = random_set_tests(scores, sets.sizes, deep=len(features) <= DEEP_FEATURES).p
            values = np.moveaxis(ranked_values(scores), 2, 0)
            blocks.append({name: (values[place], found[name]) for place, name in enumerate(found)})
        return [
            Tested(
                name,
                np.concatenate([block[name][0] for block in blocks]),
                PValues(
                    np.concatenate([block[name][1].p[:, :, 0] for block in blocks]),
                    np.concatenate([block[name][1].log10_error[:, :, 0] for block in blocks]),
                ),
            )
            for name in blocks[0]
        ]

    def _mean_p(self, null: NullName, features: np.ndarray) -> np.ndarray:
        subject, rows = self._workbench.subject, self._workbench.subject.decoder[features]
        if null == "present":
            return mean_p_present(rows, self._mean)[:, :, 0]
        model = self._workbench.decoder_model
        return MeanNull(self._mean, model, subject.decoder[subject.alive]).p_values(rows)[:, :, 0]

    @cached_property
    def _mean(self) -> np.ndarray:
        """Mean unembedding column of the members, centred over the view: (D, 1)."""
        positions = self._workbench.views["open"].tokens[self.members]
        own = self._workbench.subject.unembedding[:, positions].mean(axis=1)
        return (own - self._workbench.open_centre)[:, None]

    def _of_features(
        self, index: RankIndex, features: np.ndarray, read: Callable[[slice], dict[Statistic, np.ndarray]]
    ) -> dict[Statistic, np.ndarray]:
        """Stored statistics in features: read of the whole dictionary when many are wanted, else one by one."""
        whole = 8 * len(features) >= index.features
        starts, step = (range(0, index.features, READ_ROWS), READ_ROWS) if whole else (features.tolist(), 1)
        rows: list[dict[Statistic, np.ndarray]] = []
        for done, start in enumerate(starts):
            self._workbench.progress("rankings read", done * step, len(starts) * step)
            rows.append(read(slice(start, min(start + step, index.features))))
        read_in: slice | np.ndarray = features if whole else slice(None)
        return {name: np.concatenate([row[name] for row in rows])[read_in] for name in rows[0]}

    def _members(self, view: View) -> np.ndarray:
        return member_positions(self._workbench.subject.universe[view.tokens], self.resolved.ids)


def _null_of(null: NullName, values: np.ndarray, deep: Callable[[int], np.ndarray] | None = None) -> DirectionNull:
    """The null of one statistic from its values (R, 2) in reference directions."""
    rows = values.reshape(-1, 1) if null == "present" else values
    reference = collect([rows], len(rows))
    return DirectionNull(null, dataclasses.replace(reference, deep=deep))
