"""GMT between us and others: every member of ours reaches their readers, and what they write is counted exactly."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tsea.tools import token_sets
from tsea.tools.subject import pocket
from tsea.tools.token_sets.gmt import GmtReport, parse_gmt, read_gmt, write_gmt
from tsea.tools.token_sets.library import TokenSetLibrary
from tsea.tools.token_sets.resolve import resolve
from tsea.tools.vocabulary import Vocabulary


class Exported(NamedTuple):
    """A library and the GMT file it was written to."""

    vocabulary: Vocabulary
    library: TokenSetLibrary
    path: Path


@pytest.fixture(scope="module")
def pocket_tokens() -> Vocabulary:
    return Vocabulary.load(Path(pocket.__file__).parent / "data" / "model")


@pytest.fixture(scope="module", params=["gpt2", "pocket"])
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    if request.param == "gpt2":
        vocabulary, library = request.getfixturevalue("gpt2"), request.getfixturevalue("gpt2_library")
    else:
        vocabulary = request.getfixturevalue("pocket_tokens")
        library, _ = read_gmt(Path(token_sets.__file__).parent / "data" / "pocket.gmt", vocabulary)
    path = tmp_path_factory.mktemp("exported") / "library.gmt"
    write_gmt(library, vocabulary, path)
    return Exported(vocabulary, library, path)


def assert_every_member_is_there(found: dict[str, list[str]], exported: Exported) -> None:
    """Names and members, in order, are those of the library."""
    assert list(found) == exported.library.names
    for name, members in found.items():
        assert list(map(unescaped, members)) == [exported.vocabulary.raw[i] for i in exported.library[name].ids], name


@functools.cache
def unescaped(member: str) -> str:
    """The vocabulary string of a member: the escapes are those of JSON."""
    return json.loads('"' + member.replace('"', '\\"') + '"')


def test_our_file_is_gmt_by_its_definition(exported: Exported) -> None:
    text = exported.path.read_text("utf-8")
    assert text.endswith("\n")
    # Tabs between fields and line feeds between lines are the only white space beside spaces in descriptions.
    rows = [line.split("\t") for line in text.removesuffix("\n").split("\n")]
    assert all(len(row) >= 3 and all(row) for row in rows)
    assert not any(character.isspace() for row in rows for field in (row[0], *row[2:]) for character in field)
    assert [row[1] for row in rows] == [token_set.description for token_set in exported.library]
    assert_every_member_is_there({name: members for name, _, *members in rows}, exported)


def test_gseapys_reader_gives_back_every_member(exported: Exported) -> None:
    parser = pytest.importorskip("gseapy.parser")
    assert_every_member_is_there(parser.read_gmt(str(exported.path)), exported)


def test_gseapys_prerank_reads_every_member(exported: Exported) -> None:
    """Its own reader takes a member up to the first comma only."""
    base = pytest.importorskip("gseapy.base")
    assert_every_member_is_there(base.GSEAbase().load_gmt_only(str(exported.path)), exported)


LARGE, TOKENS, AGAIN = 100_000, 4_000, 1_000


@pytest.fixture(scope="module")
def foreign(pocket_tokens: Vocabulary) -> bytes:
    """A file as others write them: Windows line ends, a BOM, genes, gaps, and one very large set."""
    plain = [token for token in pocket_tokens.ordinary.tolist() if "\\" not in pocket_tokens.raw[token]]
    tokens = [pocket_tokens.raw[token] for token in plain[:TOKENS]]
    genes = [f"GENE{number:06d}" for number in range(LARGE - TOKENS - AGAIN)]
    large = [*tokens, *genes, *tokens[:AGAIN]]
    np.random.default_rng(0).shuffle(large)
    rows = [
        "ARTICLES\thttp://example.org\tthe\t\u0120the\tTP53\tthe\tthe\t",
        "",
        "MY SET  [with brackets]\t\tof\t of\t\u0120of",  # no description; a token by its string and by its text
        "ARTICLES\tagain\tof",
        "GENES\tna\tBRCA1\tTP53\tBRCA1",
        "ONLY A NAME",
        "NO MEMBERS\tna",
        "   ",
        "LARGE\tna\t" + "\t".join(large),
    ]
    return b"\xef\xbb\xbf" + "\r\n".join(rows).encode()


@pytest.fixture(scope="module")
def imported(
    foreign: bytes, pocket_tokens: Vocabulary, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TokenSetLibrary, GmtReport]:
    path = tmp_path_factory.mktemp("foreign") / "theirs.gmt"
    path.write_bytes(foreign)
    return read_gmt(path, pocket_tokens)


def test_what_others_wrote_is_read_with_names_and_tokens(
    imported: tuple[TokenSetLibrary, GmtReport], pocket_tokens: Vocabulary
) -> None:
    library, _ = imported
    texts = {s.name: [pocket_tokens.text[token] for token in s.ids] for s in library}
    assert list(texts) == ["ARTICLES", "MY SET  [with brackets]", "LARGE"]
    assert sorted(texts["ARTICLES"]) == [" the", "the"]
    assert sorted(texts["MY SET  [with brackets]"]) == [" of", "of"]
    assert len(library["LARGE"]) == TOKENS
    assert [s.description for s in library] == ["http://example.org", "", "na"]


def test_the_report_counts_exactly_what_was_planted(imported: tuple[TokenSetLibrary, GmtReport]) -> None:
    _, report = imported
    assert (report.sets, report.mapped, report.repeated) == (3, 2 + 2 + TOKENS, 2 + 1 + AGAIN)
    assert {name: len(members) for (_, name), members in report.unknown.items()} == {
        "ARTICLES": 1,
        "GENES": 3,
        "LARGE": LARGE - TOKENS - AGAIN,
    }
    assert [line for line, _ in report.left_out] == [4, 5, 6, 7]
    assert "second set ARTICLES" in report.left_out[0][1] and "GENES has no member" in report.left_out[1][1]
    first, *others = report.lines()
    assert first == f"3 sets, {4 + TOKENS} members are tokens, {3 + AGAIN} repeated, {4 + 95_000} unknown"
    assert len(others) < 12 and all(len(line) < 200 and line.isprintable() for line in others)


def test_every_imported_set_can_be_named_in_a_specification(
    imported: tuple[TokenSetLibrary, GmtReport], pocket_tokens: Vocabulary
) -> None:
    library, _ = imported
    for token_set in library:
        named = resolve({"library": token_set.name}, pocket_tokens, library)
        assert named.ids.tolist() == token_set.ids.tolist()


def test_a_set_without_a_name_is_left_out_and_reported(pocket_tokens: Vocabulary) -> None:
    library, report = parse_gmt("\tna\tthe\nNAMED\tna\tof\n", pocket_tokens)
    assert library.names == ["NAMED"]
    assert report.left_out == [(1, "a set without a name")]
