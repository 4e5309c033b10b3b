from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tsea.tools.errors import UsageError
from tsea.tools.imported_sets import add_sets, describe, import_file, imported_families, imported_sets, remove_family
from tsea.tools.storage.home import home
from tsea.tools.token_sets import TokenSet, TokenSetLibrary
from tsea.tools.token_sets.derivation import Derivation
from tsea.tools.vocabulary import Vocabulary

VOCABULARY = Vocabulary(tuple("abcdef"), tuple("abcdef"), frozenset())
OTHER = Vocabulary(tuple("abx"), tuple("abx"), frozenset())


def made(name: str, *ids: int, text: str = "") -> TokenSet:
    origin = (Derivation("s", 7, np.ones((1, 4))),)
    return TokenSet(name, "derived", text, np.array(ids), "derived from s", "", (), origin)


def ids_of(vocabulary: Vocabulary = VOCABULARY) -> dict[str, list[int]]:
    return {s.name: s.ids.tolist() for s in imported_sets(vocabulary)[0]}


def test_added_sets_take_the_place_of_those_of_their_name() -> None:
    assert add_sets("mine", [made("1", 0, 1), made("2", 2)], VOCABULARY) == 2
    assert add_sets("mine", [made("2", 3, 4), made("3", 5)], VOCABULARY) == 3
    assert ids_of() == {"mine.1": [0, 1], "mine.2": [3, 4], "mine.3": [5]}
    assert all(s.family == "mine" and s.derived_from for s in imported_sets(VOCABULARY)[0])
    assert ids_of(OTHER) == {"mine.1": [0, 1]}  # what another tokenizer lacks is left out there, not lost
    assert len(ids_of()) == 3


def test_a_family_of_another_tokenizer_or_of_the_library_is_not_rewritten() -> None:
    add_sets("mine", [made("1", 4, 5)], VOCABULARY)
    with pytest.raises(UsageError, match="another tokenizer: choose another with --name"):
        add_sets("mine", [made("1", 0)], OTHER)
    with pytest.raises(UsageError, match="built in"):
        add_sets("pos", [made("1", 0)], VOCABULARY)
    assert ids_of() == {"mine.1": [4, 5]}


def test_a_description_changes_alone_and_in_one_line() -> None:
    add_sets("mine", [made("1", 0, 1, text="before"), made("2", 2, text="kept")], VOCABULARY)
    describe("mine.1", "two\tfirst\nletters")
    sets, _ = imported_sets(VOCABULARY)
    assert [(s.name, s.description, s.ids.tolist()) for s in sets] == [
        ("mine.1", "two first letters", [0, 1]),
        ("mine.2", "kept", [2]),
    ]
    for name, message in (("mine.9", "No token set '9'"), ("pos.VBG", "No imported or derived family 'pos'")):
        with pytest.raises(UsageError, match=message):
            describe(name, "x")


def test_a_family_can_be_removed_and_only_once(tmp_path: Path) -> None:
    add_sets("mine", [made("1", 0)], VOCABULARY)
    remove_family("mine")
    assert imported_families() == [] and ids_of() == {}
    with pytest.raises(UsageError, match="Nothing was imported or derived yet"):
        remove_family("mine")


def test_an_imported_file_brings_its_provenance_along(tmp_path: Path) -> None:
    add_sets("mine", [made("1", 0, 1)], VOCABULARY)
    exported = tmp_path / "tsea_home" / "sets" / "mine.gmt"
    import_file(exported, "theirs", VOCABULARY)
    by_name = {s.name: s for s in imported_sets(VOCABULARY)[0]}
    assert by_name["theirs.1"].source == "derived from s"
    assert by_name["theirs.1"].derived_from is not None
    # A file without provenance that takes its place does not inherit it.
    plain = tmp_path / "plain.gmt"
    plain.write_text("1\tplain\ta\tb\n")
    import_file(plain, "theirs", VOCABULARY)
    by_name = {s.name: s for s in imported_sets(VOCABULARY)[0]}
    assert by_name["theirs.1"].source == "imported" and by_name["theirs.1"].derived_from == ()


def test_a_copy_that_does_not_say_so_does_not_hide_where_a_set_comes_from(tmp_path: Path) -> None:
    add_sets("made", [made("1", 0, 1)], VOCABULARY)
    plain = tmp_path / "plain.gmt"
    plain.write_text("x\tcopy\ta\tb\n")
    import_file(plain, "a_copy", VOCABULARY)
    (only,) = TokenSetLibrary(imported_sets(VOCABULARY)[0], VOCABULARY.hash)
    assert only.derived_from and (only.name, only.aliases) == ("made.1", ("a_copy.x",))


def test_a_copy_found_under_its_own_name_comes_from_the_same_features() -> None:
    rule = TokenSet("rule.x", "rule", "", np.array([0, 1]), "rules", "MIT")
    copy = TokenSet("copy.x", "copy", "", np.array([0, 1]), "imported", "")
    assert TokenSetLibrary([made("made.1", 0, 1), copy], VOCABULARY.hash).named("copy.x").derived_from
    library = TokenSetLibrary([rule, made("made.1", 0, 1)], VOCABULARY.hash)
    assert library["made.1"].derived_from == ()  # a rule gives these tokens too
    (exported,) = library.select("made.*")
    assert exported.derived_from  # where that rule may be missing


def test_two_sets_with_the_same_tokens_keep_their_names_and_descriptions() -> None:
    assert add_sets("mine", [made("1", 0, 1, text="one"), made("2", 0, 1, text="two")], VOCABULARY) == 2
    describe("mine.2", "second")
    assert {s.name: s.description for s in imported_sets(VOCABULARY)[0]} == {"mine.1": "one", "mine.2": "second"}
    assert add_sets("mine", [made("2", 3)], VOCABULARY) == 2
    assert ids_of() == {"mine.1": [0, 1], "mine.2": [3]}


def test_a_damaged_origin_leaves_out_its_family_alone() -> None:
    add_sets("made", [made("1", 0, 1)], VOCABULARY)
    add_sets("other", [made("1", 2)], VOCABULARY)
    (path,) = (path for path in (home() / "sets").glob("made.gmt.json"))
    path.write_text(path.read_text().replace('"directions": "', '"directions": "?'))
    sets, skipped = imported_sets(VOCABULARY)
    assert [s.name for s in sets] == ["other.1"]
    assert len(skipped) == 1 and skipped[0].startswith("made: ")
