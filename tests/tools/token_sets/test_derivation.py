from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tsea.tools.token_sets import TokenSet, TokenSetLibrary
from tsea.tools.token_sets.derivation import NEAR_DUPLICATE, Derivation, circular
from tsea.tools.token_sets.gmt import read_gmt, write_gmt
from tsea.tools.vocabulary import Vocabulary


def test_a_feature_its_near_duplicates_and_no_others_are_circular() -> None:
    own = np.array([3.0, 4.0, 0.0, 0.0])
    near = np.array([0.0, 10.0, 0.0, 0.0])  # cosine .8
    far = np.array([10.0, 0.0, 0.0, 0.0])  # cosine .6
    opposite = -own
    assert 0.6 < NEAR_DUPLICATE <= 0.8
    reads = np.array([[0.0, 0.0, 2.0, 0.0]])
    origins = [
        (),
        (Derivation("s", 1, own[None]),),
        (Derivation("s", 1, own[None]), Derivation("s", 2, reads)),
        (Derivation("another model", 1, np.ones((1, 3))),),
    ]
    found = circular(origins, np.stack([own, 0.01 * near, far, opposite, np.zeros(4), reads[0]]))
    assert found.tolist() == [
        [False, True, True, False],
        [False, True, True, False],
        [False, False, False, False],
        [False, False, False, False],
        [False, False, False, False],
        [False, False, True, False],
    ]


def test_the_origin_of_a_set_survives_its_export(tmp_path: Path) -> None:
    vocabulary = Vocabulary(tuple("abcd"), tuple("abcd"), frozenset())
    rows = np.random.default_rng(0).normal(size=(2, 32)).astype(np.float32)
    sets = [
        TokenSet("12", "derived", "", np.array([0, 2]), "derived from s", "", (), (Derivation("s", 12, rows),)),
        TokenSet("plain", "mine", "", np.array([1]), "", ""),
    ]
    write_gmt(TokenSetLibrary(sets, vocabulary.hash), vocabulary, tmp_path / "x.gmt")
    library, _ = read_gmt(tmp_path / "x.gmt", vocabulary)
    assert library["plain"].derived_from == () and library.derived.names == ["12"]
    (origin,) = library["12"].derived_from
    assert (origin.subject, origin.feature) == ("s", 12)
    cosines = (origin.directions * rows).sum(axis=1) / np.linalg.norm(rows, axis=1)
    np.testing.assert_allclose(cosines, 1, atol=1e-3)
    assert circular([[origin]], rows).all()


@pytest.mark.parametrize("damage", [{"directions": "?"}, {"width": 7}, {"subject": None, "feature": None}])
def test_a_damaged_origin_is_refused(damage: dict[str, object]) -> None:
    data = Derivation("s", 1, np.ones((1, 32))).to_json() | damage
    with pytest.raises(ValueError):
        Derivation.from_json(data)


def test_a_set_that_two_features_give_comes_from_both_and_one_that_a_rule_gives_from_none() -> None:
    def made(name: str, *features: int) -> TokenSet:
        origins = tuple(Derivation("s", feature, np.ones((1, 4))) for feature in features)
        return TokenSet(name, "f", "", np.array([1, 2]), "", "", (), origins)

    (merged,) = TokenSetLibrary([made("a", 1), made("b", 2)], "v")
    assert [origin.feature for origin in merged.derived_from] == [1, 2] and merged.aliases == ("b",)
    (ruled,) = TokenSetLibrary([made("rule"), made("b", 2)], "v")
    assert ruled.derived_from == ()
