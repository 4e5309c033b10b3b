"""One opened subject with its token set library: the operations that every front door offers, and the notebook API."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from .activations.activity import Activity
from .activations.indexing import open_index
from .beyond import References
from .collapse import Redundancy
from .deep_tails import DeepTails
from .directions import direction_model
from .effects import ablation, steering
from .effects.contexts import contexts_to_ablate, contexts_to_steer, largest_activation
from .effects.direct import direct_effect
from .effects.watched import watch
from .enrich import Enrichment, enrichment_rows
from .errors import UsageError
from .feature_sets import FeatureSets, neighbourhood_rows, sets_of_classes, sets_of_hits
from .features import select_features
from .inputs.enrichment import ReadingEnrichment
from .libraries import OpenLibrary, library_of
from .library_cache import kept_split
from .nulls import MASS, DirectionNull, Statistic, direction_nulls
from .progress import Progress, silent
from .rank_index import RankIndex, Weights
from .results import (
    ClassProportion,
    DirectEffect,
    EffectResult,
    EnrichmentRow,
    FeatureStats,
    SetDetails,
    SetTestRow,
    TokenWeight,
    finite,
)
from .set_details import set_details
from .set_tests import set_test_rows
from .shapes import Shapes
from .statistics.directions import DirectionModel, NullName
from .statistics.inflation import mean_square_norm
from .statistics.mass import SIDES, effective_tokens, side_weights
from .statistics.names import CLASSES, NullChoice, Side
from .statistics.projection import blocks, logit_weights, standardise
from .storage.cache import ByteCache
from .subject import open_subject
from .subject.encoder_side import encoder_side
from .subject.subject import Subject
from .token_sets.derivation import circular
from .token_sets.library import TokenSetLibrary, check_testable
from .token_sets.resolve import resolve
from .token_sets.spec import TokenSetSpec, parse_spec
from .token_sets.split import CONFIRM, OPEN
from .views import View, ViewName, member_positions
from .written_sets import WrittenSet

if TYPE_CHECKING:
    import pandas as pd

    from .ledger import TestLedger

SHOWN_TOKENS = 10


class Workbench:
    """Statistics and enrichment of one subject's features; model work is locked, so threads may share a workbench.

    Token-level results show open tokens only, moments describe the whole universe. Null distributions are computed at
    first use and kept in the cache; `progress` (what, done, total) is called meanwhile.
    """

    def __init__(
        self,
        subject: Subject,
        library: TokenSetLibrary | None = None,
        skipped_families: Sequence[str] = (),
        *,
        cache: ByteCache | None = None,
        progress: Progress = silent,
    ) -> None:
        self.subject = subject
        self.cache = cache or ByteCache()
        self.progress = progress
        if library is None:
            library, skipped_families = library_of(subject.vocabulary, self.cache, progress=progress)
        self.library, self.skipped_families = library, list(skipped_families)
        self._split = kept_split(subject.vocabulary, self.cache)[subject.universe]
        self.open_ids = subject.universe[self._split == OPEN]
        self.sets = [self.library[name] for name in self.library.testable(self.open_ids).names]
        self.unembedding = torch.from_numpy(subject.unembedding).to(subject.device)
        self.whitened = torch.from_numpy(subject.whitened).to(subject.device)
        self.shapes = Shapes(subject, self.unembedding, self.cache)
        self.lock = threading.RLock()
        self._nulls: dict[tuple[NullName, str], dict[ViewName, DirectionNull]] = {}
        self._indexes: dict[tuple[ViewName, Weights], RankIndex] = {}
        self._tails: dict[NullName, DeepTails] = {}
        self._references: dict[NullName, References] = {}

    @classmethod
    def open(
        cls,
        subject: str = "pocket",
        *,
        directions: Path | None = None,
        device: str | None = None,
        dtype: str | None = None,
        universe: TokenSetSpec | str | None = None,
        encoder: bool = False,
        imported: bool = True,
        progress: Progress = silent,
    ) -> Workbench:
        """Open a subject by name (see `open_subject`) with the token set library of its vocabulary.

        `universe` (a written set, or the name of one in the library) narrows the tokens that are ranked and tested;
        `encoder` ranks them by what features read (see `encoder_side`) instead of what they write; without `imported`
        the library is the same on every machine.
        """
        opened, cache = open_subject(subject, directions=directions, device=device, dtype=dtype), ByteCache()
        if encoder:
            opened = encoder_side(opened)
        library, skipped = library_of(opened.vocabulary, cache, imported=imported, progress=progress)
        if universe is not None:
            spec = parse_spec(universe)
            opened = opened.narrowed(resolve(spec, opened.vocabulary, library).ids, spec.to_json())
        return cls(opened, library, skipped, cache=cache, progress=progress)

    @functools.cached_property
    def views(self) -> dict[ViewName, View]:
        """The open and the confirm part of the universe, with the same sets in the same order."""
        return {
            "open": View.of(self.subject.universe, self._split == OPEN, self.sets),
            "confirm": View.of(self.subject.universe, self._split == CONFIRM, self.sets),
        }

    @functools.cached_property
    def redundancy(self) -> Redundancy:
        """Asks of hits of one feature which of them stronger ones explain."""
        return Redundancy(self.subject, self.views["open"], self.whitened)

    @functools.cached_property
    def open_centre(self) -> np.ndarray:
        """Mean unembedding column of open tokens, (D,)."""
        return self.subject.unembedding[:, self.views["open"].tokens].mean(axis=1)

    @functools.cached_property
    def open_token_square(self) -> float:
        """What the variance inflation of sets of open tokens is relative to."""
        return mean_square_norm(self.subject.unembedding[:, self.views["open"].tokens])

    @functools.cached_property
    def decoder_model(self) -> DirectionModel:
        """The normal model of the dictionary's directions."""
        return direction_model(self.subject, "specific")

    def nulls(self, null: NullName, statistic: Statistic = MASS) -> dict[ViewName, DirectionNull]:
        """The direction null of a statistic in each view that the statistic is tested in."""
        with self.lock:
            key = (null, statistic.name)
            if key not in self._nulls:
                self._nulls[key] = direction_nulls(self.subject, self.views, null, statistic, self.cache, self.progress)
            return self._nulls[key]

    def rank_index(self, view: ViewName, weights: Weights) -> RankIndex:
        """Rankings of a view's tokens by every feature, built at first use and kept on disk."""
        with self.lock:
            if (view, weights) not in self._indexes:
                self._indexes[view, weights] = RankIndex.open(self.subject, self.views[view], weights, self.progress)
            return self._indexes[view, weights]

    def references(self, null: NullName) -> References:
        """Reference directions of a null in the rank index, to judge what sets of open tokens add to each other."""
        with self.lock:
            if null not in self._references:
                self._references[null] = References(self.rank_index("open", "whitened"), null)
            return self._references[null]

    def deep_tails(self, null: NullName) -> DeepTails:
        """Deep tails of the mass of any set of open tokens under a direction null."""
        with self.lock:
            if null not in self._tails:
                self._tails[null] = DeepTails(self.subject, self.views["open"], null, self.cache)
            return self._tails[null]

    def select(self, selector: str | int) -> np.ndarray:
        """Feature indices of a number or a selector such as `0-63` or `top:64:skewness`."""
        return select_features(str(selector), self.subject.n_features, self._column)

    def weights(self, directions: np.ndarray) -> torch.Tensor:
        """Logit weights (F, universe) of directions (F, D)."""
        return logit_weights(torch.from_numpy(np.ascontiguousarray(directions)), self.unembedding)

    def mass_weights(self, directions: np.ndarray, view: ViewName = "open") -> torch.Tensor:
        """Whitened logit weights (F, tokens of a view) of directions (F, D), standardised: what the mass is made of."""
        weights = logit_weights(torch.from_numpy(np.ascontiguousarray(directions)), self.whitened)
        return standardise(self.views[view].cut(weights))

    def open_weights(self, directions: np.ndarray) -> np.ndarray:
        """Logit weights (F, open tokens) of directions (F, D), float32."""
        return self.views["open"].cut(self.weights(directions)).cpu().numpy()

    def feature_blocks(self, features: np.ndarray) -> Iterator[np.ndarray]:
        """Cut features into the blocks that are computed at once."""
        for part in blocks(len(features), len(self.subject.universe)):
            yield features[part]

    def shown(self, open_positions: np.ndarray) -> list[str]:
        """Tokens at positions of the open view, for people."""
        ids = self.views["open"].ids(self.subject.universe, open_positions)
        return [self.subject.vocabulary.shown(int(i)) for i in ids]

    def circular(self, directions: np.ndarray) -> np.ndarray:
        """Which of `sets` were made from which directions (F, D) or their near-duplicates: (F, S) bool."""
        return circular([s.derived_from for s in self.sets], directions)

    def stats(self, features: np.ndarray) -> Iterator[FeatureStats]:
        """Moments, class and most extreme open tokens of features, block by block."""
        for part in self.feature_blocks(features):
            directions = self.subject.decoder[part]
            with self.lock:
                shape, weights = self.shapes.of(directions), self.open_weights(directions)
            codes = self.shapes.classes(directions, shape)
            for row, feature in enumerate(part):
                yield FeatureStats(
                    feature=int(feature),
                    mean=float(shape.moments.mean[row]),
                    std=float(shape.moments.std[row]),
                    skewness=finite(shape.moments.skewness[row]),
                    kurtosis=finite(shape.moments.kurtosis[row]),
                    feature_class=CLASSES[codes[row]],
                    top=self.extreme_tokens(weights[row], 1),
                    bottom=self.extreme_tokens(weights[row], -1),
                )

    def extreme_tokens(self, open_weights: np.ndarray, sign: int, count: int = SHOWN_TOKENS) -> list[TokenWeight]:
        """The open tokens with the largest (`sign` 1) or smallest (-1) logit weight, most extreme first."""
        positions = np.argsort(-sign * open_weights, kind="stable")[:count]
        ids = self.views["open"].ids(self.subject.universe, positions)
        return [
            TokenWeight(token=shown, id=int(i), weight=float(open_weights[p]))
            for shown, i, p in zip(self.shown(positions), ids, positions, strict=True)
        ]

    def class_proportions(self) -> list[ClassProportion]:
        """Class proportions of the live dictionary beside those of matched random directions."""
        with self.lock:
            found = self.shapes.dictionary_classes[self.subject.alive]
            random = self.shapes.random_classes
        return [
            ClassProportion(
                feature_class=name,
                features=int((found == code).sum()),
                share=float((found == code).mean()),
                random_share=float((random == code).mean()),
            )
            for code, name in enumerate(CLASSES)
        ]

    @functools.cached_property
    def enrichment(self) -> Enrichment:
        """Tests every set of the library in directions."""
        return Enrichment(self.subject, self.views["open"], self.nulls)

    def enrich(
        self, features: np.ndarray, sets: str = "*", *, mass_only: bool = False
    ) -> Iterator[list[EnrichmentRow]]:
        """Every statistic, or the mass alone, of every set that the glob names, one list of rows per feature."""
        names = {self.library[name].name for name in self.library.fitting(sets)}
        columns = np.flatnonzero([s.name in names for s in self.sets])
        if len(columns) == 0:
            raise UsageError(
                f"No set that fits {sets!r} has a testable number of open tokens; `tsea sets list` names them."
            )
        return enrichment_rows(self, features, columns, mass_only=mass_only)

    def test_set(
        self,
        features: np.ndarray,
        spec: WrittenSet | TokenSetSpec | str,
        null: NullChoice = "present",
        given: WrittenSet | TokenSetSpec | str | None = None,
        ledger: TestLedger | None = None,
    ) -> Iterator[list[SetTestRow]]:
        """Every statistic of a written set (also as JSON, or a library name), one list of rows per feature.

        With `given`, also what the two sets add to each other; with `ledger`, q covers what the run tested before, and
        these tests enter it. Rankings come from the rank index, built at first use.
        """
        written = spec if isinstance(spec, WrittenSet) else WrittenSet(self, spec)
        other = given if given is None or isinstance(given, WrittenSet) else WrittenSet(self, given)
        if ledger is None:
            return set_test_rows(written, null, features, other)
        beside = None if other is None else other.spec
        rows = set_test_rows(written, null, features, other, ledger.earlier(written.spec, null, features, beside))
        return ledger.written(written.spec, null, rows, beside)

    def set_details(
        self,
        feature: int,
        spec: WrittenSet | TokenSetSpec | str,
        side: Side = "promoted",
        *,
        most: int = SHOWN_TOKENS,
        rivals: int = 3,
    ) -> SetDetails:
        """What stands behind a written set in one feature: members, what it misses, and up to so many rivals.

        Lists of tokens are cut to `most`. Raises UsageError for an unknown feature, one that ranks no token, and as
        `WrittenSet` does.
        """
        self.select(feature)
        written = spec if isinstance(spec, WrittenSet) else WrittenSet(self, spec)
        return set_details(self, written, feature, side, most, rivals)

    def enrich_neighbourhood(self, features: np.ndarray) -> Iterator[list[EnrichmentRow]]:
        """Sets of features instead of tokens: which are enriched near and opposite each feature's direction.

        The sets are the classes, and for each set of the library the features that promote or suppress it.
        """
        return neighbourhood_rows(self._feature_sets, features)

    @functools.cached_property
    def _feature_sets(self) -> FeatureSets:
        null, view = self.nulls("present")["open"], self.views["open"]
        decoder, every = self.subject.decoder, np.arange(self.subject.n_features)
        p = [
            null.p_values(view.masses(self.mass_weights(decoder[part])))[:, :, :-1]
            for part in self.feature_blocks(every)
        ]
        # What was made from a feature says nothing about its neighbourhood.
        independent = np.flatnonzero([not s.derived_from for s in self.sets])
        sets = sets_of_hits(np.concatenate(p)[:, :, independent], [self.sets[column].name for column in independent])
        sets += sets_of_classes(self.shapes.dictionary_classes, self.subject.alive)
        return FeatureSets(self.subject, sets, self.cache, self.progress)

    @functools.cached_property
    def reading(self) -> ReadingEnrichment:
        """Asks which token sets features fire on, over the subject's index (see `open_index`)."""
        store = open_index(self.subject, self.progress)
        return ReadingEnrichment(self.subject, store, self.library, self.cache, self.progress, self.lock)

    @functools.cached_property
    def activity(self) -> Activity:
        """Asks what the features do on text: on any that is given, and on the open documents of the subject's index."""
        return Activity(self.subject, self.progress, self.lock)

    def steer(
        self,
        feature: int,
        texts: Sequence[str] | None = None,
        *,
        strength: float = 1.0,
        scale: float | None = None,
        sets: Sequence[TokenSetSpec | str] | None = None,
        contexts: int | None = None,
        random: int = steering.RANDOM,
    ) -> EffectResult:
        """What adding a feature changes on texts, or on random contexts of the index (see `steering.steer`).

        `scale` is the feature's largest activation on open text where none is given, `sets` are watched (see `watch`).
        Raises UsageError also for texts beside a number of contexts, and for bare directions without scale and texts.
        """
        with self.lock:
            self.select(feature)
            if self.subject.encoder is None and (scale is None or not texts):
                raise UsageError(
                    f"{self.subject.name} has no encoder, so no index says where it fires: add --scale and --text."
                )
            watched = watch(self.subject.vocabulary, self.library, self.open_ids, sets or ())
            chosen = contexts_to_steer(self.activity, texts, contexts)
            if scale is None:
                scale = largest_activation(self.activity.part, feature)
            progress = self.progress
            return steering.steer(
                self.subject, feature, chosen, watched, scale, strength=strength, random=random, progress=progress
            )

    def ablate(
        self,
        feature: int,
        texts: Sequence[str] | None = None,
        *,
        sets: Sequence[TokenSetSpec | str] | None = None,
        contexts: int | None = None,
        random: int = steering.RANDOM,
    ) -> EffectResult:
        """What taking a feature out changes on texts, or where it fires most on the index (see `ablation.ablate`).

        `sets` are watched (see `watch`). Raises UsageError also for texts beside a number of contexts.
        """
        with self.lock:
            self.select(feature)
            watched = watch(self.subject.vocabulary, self.library, self.open_ids, sets or ())
            chosen = contexts_to_ablate(self.activity, feature, texts, contexts)
            return ablation.ablate(self.subject, feature, chosen, watched, random=random, progress=self.progress)

    def direct_effect(self, feature: int) -> DirectEffect | None:
        """How far logit weights foretell what steering does, on random contexts; None where it never fires there."""
        largest = self.activity.summary(feature).max
        if largest is None:
            return None
        with self.lock:
            contexts = contexts_to_steer(self.activity, None, None)
            watched = watch(self.subject.vocabulary, self.library, self.open_ids, ())
            weights = self.open_weights(self.subject.decoder[[feature]])[0]
            return direct_effect(self.subject, feature, weights, contexts, watched, largest, self.progress)

    def ranking(self, feature: int, token_set: TokenSetSpec | str) -> tuple[np.ndarray, np.ndarray]:
        """A feature's logit weights on open tokens (float32), centred, and the positions of a set's members among them.

        Raises UsageError for an unknown set and for one with no open member or no open token outside it.
        """
        open_ids = self.subject.universe[self.views["open"].tokens]
        ids = resolve(parse_spec(token_set), self.subject.vocabulary, self.library).ids
        members = member_positions(open_ids, check_testable(ids, open_ids))
        weights = self.open_weights(self.subject.decoder[[feature]])[0]
        return weights - weights.mean(), members

    def effective_members(self, feature: int, set_name: str, side: Side) -> float:
        """How many of a set's open members carry its mass on one side, between 1 and all of them."""
        _, members = self.ranking(feature, set_name)
        sides = side_weights(self.mass_weights(self.subject.decoder[[feature]]))[0].cpu()
        return float(effective_tokens(sides[SIDES.index(side)], torch.from_numpy(members)))

    @functools.cached_property
    def open_library(self) -> OpenLibrary:
        """The library with what may be asked of it."""
        return OpenLibrary(self.library, self.subject.vocabulary, self.open_ids, self.skipped_families)

    def stats_frame(self, selector: str | int) -> pd.DataFrame:
        """`stats` of selected features as a DataFrame, one row per feature."""
        import pandas as pd

        return pd.DataFrame([s.model_dump(by_alias=True) for s in self.stats(self.select(selector))])

    def enrich_frame(self, selector: str | int, sets: str = "*") -> pd.DataFrame:
        """`enrich` of selected features as a DataFrame, one row per feature, set, statistic and side."""
        import pandas as pd

        return pd.DataFrame([row.model_dump() for rows in self.enrich(self.select(selector), sets) for row in rows])

    def _column(self, name: str) -> np.ndarray:
        if name == "class":
            return np.array(CLASSES)[self.shapes.dictionary_classes]
        if name == "density":
            density = self.subject.density
            return np.full(self.subject.n_features, np.nan) if density is None else density
        return np.where(self.subject.alive, getattr(self.shapes.dictionary.moments, name), np.nan)
