"""GMT files: ours come back whole, and other people's are read with a report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsea.tools.errors import TseaError, UsageError
from tsea.tools.token_sets.gmt import format_gmt, parse_gmt, read_gmt, write_gmt
from tsea.tools.token_sets.library import TokenSet, TokenSetLibrary
from tsea.tools.vocabulary import Vocabulary

from .conftest import spaces_as


def library_of(vocabulary: Vocabulary, *members: list[int]) -> TokenSetLibrary:
    sets = [
        TokenSet(f"f.{i}", "f", f"set {i}", np.array(ids, np.int64), "rules", "MIT") for i, ids in enumerate(members)
    ]
    return TokenSetLibrary(sets, vocabulary.hash)


@settings(max_examples=40)
@given(st.lists(st.text(min_size=1, max_size=6), min_size=2, max_size=20, unique=True))
def test_any_raw_strings_come_back_whole(raw: list[str]) -> None:
    vocabulary = Vocabulary(tuple(raw), tuple(raw), frozenset())
    library = library_of(vocabulary, list(range(len(raw))), [0], [len(raw) - 1])
    again, report = parse_gmt(format_gmt(library, vocabulary), vocabulary)
    assert again.hash == library.hash
    assert not report.unknown and not report.left_out


@pytest.mark.parametrize("raw", ["\\", "\\n", "\n", "\t", "\\u0041", "\r\n", "a\\\tb", "\u2028", "\u00a0", "\ud800"])
def test_awkward_raw_strings_come_back_whole(raw: str) -> None:
    vocabulary = Vocabulary((raw, "x"), (raw, "x"), frozenset())
    text = format_gmt(library_of(vocabulary, [0]), vocabulary)
    assert len(text.splitlines()) == 1
    assert parse_gmt(text, vocabulary)[0]["f.0"].ids.tolist() == [0]


def test_writing_and_reading_keeps_names_families_licences_and_aliases(tmp_path: Path, vocabulary: Vocabulary) -> None:
    library = TokenSetLibrary(
        [
            TokenSet("pos.A", "pos", "first", np.array([1, 16, 37]), "wordnet", "WordNet"),
            TokenSet("pos.B", "pos", "same", np.array([1, 16, 37]), "wordnet", "WordNet"),
            TokenSet("shape.C", "shape", "third", np.array([2]), "rules", "MIT"),
        ],
        vocabulary.hash,
    )
    path = tmp_path / "library.gmt"
    write_gmt(library, vocabulary, path)
    again, report = read_gmt(path, vocabulary)
    assert again.hash == library.hash
    assert [(s.name, s.family, s.description, s.source, s.licence, s.aliases) for s in again] == [
        (s.name, s.family, s.description, s.source, s.licence, s.aliases) for s in library
    ]
    assert (report.sets, report.mapped) == (3, 7)
    assert again.named("pos.B").description == "same"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["library.gmt", "library.gmt.json"]


def test_gseapy_reads_our_file(tmp_path: Path) -> None:
    from gseapy.parser import read_gmt as gseapy_read_gmt

    vocabulary = spaces_as(" ")
    path = tmp_path / "library.gmt"
    write_gmt(library_of(vocabulary, [15, 16, 36, 37], [2, 3]), vocabulary, path)
    assert [len(members) for members in gseapy_read_gmt(str(path)).values()] == [4, 2]


def test_other_peoples_files_are_read_with_a_report_of_what_did_not_map() -> None:
    vocabulary = spaces_as("\u0120")
    text = (
        "\ufeffPETS\thttp://x\tdog\t\u0120dog\tdog\tTP53\t\r\n"
        "\r\n"
        "GENES\tna\tBRCA1\tTP53\r\n"
        "PETS\tagain\tDog\r\n"
        "EMPTY\tna\r\n"
        "LAST\t\twalk\t<|endoftext|>"
    )
    library, report = parse_gmt(text, vocabulary)
    assert {s.name: s.ids.tolist() for s in library} == {"PETS": [1, 2], "LAST": [7]}
    assert (report.sets, report.mapped, report.repeated) == (2, 3, 1)
    assert report.unknown == {(1, "PETS"): ["TP53"], (3, "GENES"): ["BRCA1", "TP53"], (6, "LAST"): ["<|endoftext|>"]}
    assert report.lines() == [
        "2 sets, 3 members are tokens, 1 repeated, 4 unknown",
        "line 1: PETS: no token for TP53",
        "line 3: GENES has no member that is a token, left out",
        "line 3: GENES: no token for BRCA1, TP53",
        "line 4: a second set PETS, left out",
        "line 5: EMPTY has no member that is a token, left out",
        "... and 1 line more of the kind",
    ]


def test_many_unknown_members_are_counted_and_one_of_anything_is_singular() -> None:
    _, report = parse_gmt("a\t\tdog\t" + "\t".join(f"x{i}" for i in range(9)), spaces_as("\u0120"))
    assert report.lines(3) == [
        "1 set, 1 member is a token, 0 repeated, 9 unknown",
        "line 1: a: no token for x0, x1, x2 and 6 more",
    ]


def test_a_file_that_is_no_gmt_is_refused_in_one_line(tmp_path: Path) -> None:
    vocabulary = spaces_as("\u0120")
    with pytest.raises(UsageError, match="tabs"):
        parse_gmt("name,description,a,b\n", vocabulary)
    with pytest.raises(UsageError, match="The file is empty: each line needs"):
        parse_gmt("\n", vocabulary)
    with pytest.raises(UsageError, match="No file"):
        read_gmt(tmp_path / "none.gmt", vocabulary)
    binary = tmp_path / "binary.gmt"
    binary.write_bytes(b"\xff\xfe\x00a\tb\tc\n")
    with pytest.raises(UsageError, match="UTF-8"):
        read_gmt(binary, vocabulary)


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, vocabulary: Vocabulary) -> None:
    (tmp_path / "library.gmt").mkdir()
    with pytest.raises(TseaError, match="it is a folder. Give the name of a file"):
        write_gmt(library_of(vocabulary, [1]), vocabulary, tmp_path / "library.gmt")
    assert [file.name for file in tmp_path.iterdir()] == ["library.gmt"]


def test_members_may_be_written_as_tsea_shows_them_and_descriptions_keep_their_backslashes() -> None:
    vocabulary = Vocabulary(("\u0120red", "\u2423", "red"), (" red", "\u2423", "red"), frozenset())
    library, report = parse_gmt("a\t\\n and\t\u2423red\t\u2423\n", vocabulary)
    assert library["a"].ids.tolist() == [0, 1] and not report.unknown
    again, _ = parse_gmt(format_gmt(library, vocabulary), vocabulary)
    assert again["a"].description == "\\n and"
