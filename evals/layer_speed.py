"""Speed of whole layers: every statistic and null of many sets at once, and new sets against a rank index."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .fresh_home import fresh_home
from .made_up import made_up_subject
from .workload import Workload

if TYPE_CHECKING:
    from ..tools.enrich import Enrichment
    from ..tools.workbench import Workbench


def whole_layer(workload: Workload) -> Callable[[], None]:
    """Work that gives ES p=0 and p=1 with their peaks, rank sum, mass and mean of every set, p under all three nulls.

    From decoder and unembedding, block by block; the direction nulls are at hand.
    """
    from ..tools.statistics.projection import blocks

    enrichment, decoder = _enrichment(workload), workload.decoder()

    def work() -> None:
        for part in blocks(workload.features, workload.tokens):
            enrichment.test(decoder[part])

    return work


def new_set_in_layer(workload: Workload) -> Callable[[], object]:
    """Work that tests a new set in every feature: all statistics, p under the present null, q and confirmation."""
    from ..tools.set_tests import set_tests
    from ..tools.written_sets import WrittenSet

    bench, specs, features = _indexed_bench(workload), _new_specs(workload), np.arange(workload.features)
    return lambda: set_tests(WrittenSet(bench, next(specs)), "present", features)


def new_sets_in_single_features(workload: Workload) -> Callable[[], None]:
    """Work that tests a new set in one feature, as `new_set_in_layer` does, and so on, one for each feature."""
    from ..tools.set_tests import set_tests
    from ..tools.written_sets import WrittenSet

    bench, specs = _indexed_bench(workload), _new_specs(workload)

    def work() -> None:
        for feature in range(workload.features):
            set_tests(WrittenSet(bench, next(specs)), "present", np.array([feature]))

    return work


def _enrichment(workload: Workload) -> Enrichment:
    """The product's enrichment of a workload's sets over its whole vocabulary, nulls in a cache of its own."""
    from ..tools.deep_tails import DeepTails
    from ..tools.enrich import Enrichment
    from ..tools.nulls import MASS, RANKED, direction_nulls
    from ..tools.statistics.directions import NULLS
    from ..tools.statistics.enrichment import SetIndex
    from ..tools.storage.cache import ByteCache
    from ..tools.views import View

    fresh_home()
    subject = made_up_subject("speed", workload.unembedding(), workload.decoder())
    view = View(np.arange(workload.tokens), SetIndex.from_positions(workload.sets(), workload.tokens))
    cache = ByteCache()
    nulls = {
        (null, one.name): direction_nulls(subject, {"open": view}, null, replace(one, views=("open",)), cache)
        for null in NULLS
        for one in (MASS, RANKED)
    }
    for null in NULLS:
        tails = DeepTails(subject, view, null, cache)
        for place in range((1 if null == "present" else 2) * (len(view.sets) + 1)):
            tails.of_column(place)
    return Enrichment(subject, view, lambda null, statistic: nulls[null, statistic.name])


def _indexed_bench(workload: Workload) -> Workbench:
    """A workbench on a made-up subject whose rank indexes are built."""
    from ..tools.token_sets.library import TokenSet, TokenSetLibrary
    from ..tools.workbench import Workbench

    fresh_home()
    subject = made_up_subject("speed", workload.unembedding(), workload.decoder())
    sets = [TokenSet("all", "speed", "all", np.arange(workload.tokens), "made up", "")]
    bench = Workbench(subject, TokenSetLibrary(sets, subject.vocabulary.hash))
    for view, weights in (("open", "logits"), ("open", "whitened"), ("confirm", "whitened")):
        bench.rank_index(view, weights)  # type: ignore[arg-type]
    bench.deep_tails("present").levels(np.arange(10), 0)
    return bench


def _new_specs(workload: Workload) -> Iterator[str]:
    """Random sets as written ones, never the same again."""
    rng, size = np.random.default_rng([workload.seed, 4]), workload.set_sizes[0]
    while True:
        yield json.dumps({"ids": rng.choice(workload.tokens, size, replace=False).tolist()})
