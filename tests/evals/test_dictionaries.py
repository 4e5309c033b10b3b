from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

from tsea.evals import dictionaries
from tsea.evals.dictionaries import claim_shares, dictionary_row
from tsea.evals.excess import excess_discoveries, excess_share
from tsea.tools import nulls
from tsea.tools.statistics.names import CLASSES
from tsea.tools.storage.cache import ByteCache
from tsea.tools.token_sets.library import TokenSetLibrary
from tsea.tools.workbench import Workbench


@pytest.fixture(scope="module")
def small_bench(pocket_bench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """600 of the bundled subject's features, 16 sets, and few reference directions."""
    subject, kept = pocket_bench.subject, slice(0, 600)
    density = None if subject.density is None else subject.density[kept]
    small = dataclasses.replace(
        subject, decoder=subject.decoder[kept], alive=subject.alive[kept], density=density, hash="600 features"
    )
    sets = [*pocket_bench.library.select("regex.*"), *pocket_bench.library.select("suffix.*")][:16]
    cache = ByteCache(tmp_path_factory.mktemp("cache"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(nulls.DIRECTIONS, "mass", 2048)
        yield Workbench(small, TokenSetLibrary(sets, subject.vocabulary.hash), cache=cache)


@pytest.mark.large
def test_a_row_says_what_classes_claims_and_excess_a_dictionary_has(small_bench: Workbench) -> None:
    row = dictionary_row(small_bench)
    assert (row.subject, row.features, row.alive) == ("pocket", 600, small_bench.subject.alive.sum())
    assert list(row.classes) == list(CLASSES) and sum(row.classes.values()) == pytest.approx(1)
    excess = {one.null: one.excess for one in excess_discoveries(small_bench)}
    assert (row.excess_present, row.excess_specific) == (excess["present"], excess["specific"])
    assert row.specific + row.present > 3 * (row.decoys_specific + row.decoys_present) / 2
    assert row.decoys_specific <= 0.05


def test_shares_of_claims_are_of_live_features(small_bench: Workbench) -> None:
    features, decoys = claim_shares(small_bench)
    count = int(small_bench.subject.alive.sum())
    assert all(share * count == pytest.approx(round(share * count)) for share in features)
    assert all(0 <= share <= 1 for share in (*features, *decoys))


def test_a_name_opens_the_dictionary_and_the_table_has_its_line(
    small_bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dictionaries.Workbench, "open", lambda name, **_: small_bench)
    found = dictionaries.report(["local:checkpoint"])
    assert "| pocket | blocks.3.hook_resid_post | 600 |" in found.table
    assert found.name == "dictionaries" and found.figures["rows"][0]["subject"] == "pocket"


def test_excess_is_the_difference_of_two_shares_with_its_standard_error() -> None:
    excess, se = excess_share(np.repeat([True, False], [30, 70]), np.repeat([True, False], [10, 190]))
    assert excess == pytest.approx(0.25)
    assert se == pytest.approx(np.sqrt(0.3 * 0.7 / 100 + 0.05 * 0.95 / 200))


def test_excess_is_reported_on_the_odd_half_over_at_least_4096_directions(small_bench: Workbench) -> None:
    present, specific = excess_discoveries(small_bench)
    assert (present.null, specific.null) == ("present", "specific")
    for row in (present, specific):
        assert (row.random * 4096) == pytest.approx(round(row.random * 4096))
        assert row.excess == pytest.approx(row.features - row.random)
