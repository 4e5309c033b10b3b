"""Building libraries: rules on small vocabularies, families without their data, and the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tsea.tools import token_sets
from tsea.tools.errors import UsageError
from tsea.tools.subject import pocket
from tsea.tools.token_sets.build import FAMILIES, build_library, main, shippable
from tsea.tools.token_sets.gmt import read_gmt
from tsea.tools.token_sets.library import TokenSet, TokenSetLibrary
from tsea.tools.vocabulary import Vocabulary

from .conftest import spaces_as

RULES = [name for name, family in FAMILIES.items() if family.source.name in ("rules", "vocabulary")]
EXPECTED = {
    "regex.starts_with_capital": ["Dog", " Dog", " DOG", " The"],
    "regex.all_digits": ["1", " 1999", "2001"],
    "grammar.article": [" The", " the"],
    "topic.animal": ["Dog", " dog", " Dog", " DOG", " dogs"],
    "inflection.verb_ing": [" walking", "walking"],
    "inflection.verb_past": [" walked"],
    "inflection.plural": [" dogs"],
    "suffix.ing": [" walking"],
    "letter.w": [" walk", " walked", " walking"],
    "digit.ordinal": ["3rd"],
    "year.any": [" 1999", "2001"],
    "year.1990_1999": [" 1999"],
    "punctuation.question_exclamation": ["!", "?!"],
    "bracket.round_open": [" ("],
    "bracket.closes": [")"],
    "quote.closes": ["\u201d"],
    "operator.comparison": ["=="],
    "whitespace.indent": ["\n\n  "],
    "whitespace.tab": ["\t"],
    "script.cyrillic": [" \u043c\u0438\u0440"],
    "script.latin_accented": [" \u00e9t\u00e9"],
    "code_style.camel_case": ["camelCase"],
    "code_style.snake_case": ["snake_case", "__init__"],
    "code_style.dunder": ["__init__"],
    "code_style.file_ending": [".py"],
    "shape.title.bare": ["Dog"],
}


@pytest.mark.parametrize(("name", "texts"), EXPECTED.items())
def test_rules_find_the_tokens_they_name_on_every_kind_of_vocabulary(
    name: str, texts: list[str], vocabulary: Vocabulary, tokens_of: Callable[[object], list[str]]
) -> None:
    library, skipped = build_library(vocabulary, [name.split(".")[0]])
    assert skipped == []
    assert sorted(tokens_of(library[name].ids)) == sorted(texts)


def test_no_set_holds_a_special_token_or_is_empty_and_ids_ascend(vocabulary: Vocabulary) -> None:
    library, _ = build_library(vocabulary, RULES)
    assert {name for name in RULES if name in library.families} > {"regex", "letter", "length", "shape"}
    for token_set in library:
        assert len(token_set) and np.all(np.diff(token_set.ids) > 0), token_set.name
        assert not vocabulary.special & set(token_set.ids.tolist()), token_set.name
        assert token_set.description and token_set.licence


def test_families_without_their_data_are_skipped_with_one_line_saying_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import nltk.data

    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    library, skipped = build_library(spaces_as("\u0120"))
    needing = [name for name in FAMILIES if name not in RULES]
    assert [line.split(":")[0] for line in skipped] == needing
    assert all("tsea sets build --download" in line and "\n" not in line for line in skipped)
    assert not set(needing) & set(library.families)


def test_damaged_data_skip_their_family_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import nltk.data

    (tmp_path / "corpora" / "names").mkdir(parents=True)
    (tmp_path / "corpora" / "names" / "male.txt").write_text("Dog\n")
    (tmp_path / "corpora" / "wordnet.zip").write_bytes(b"no archive")
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    library, skipped = build_library(spaces_as("\u0120"), ["names", "wordnet", "year"])
    assert [line.split(":")[0] for line in skipped] == ["names", "wordnet"]
    assert all("\n" not in line for line in skipped)
    assert library.families == ["year"]


def test_the_bundled_library_is_what_the_builders_make_today(nltk_data: Path) -> None:
    vocabulary = Vocabulary.load(Path(pocket.__file__).parent / "data" / "model")
    bundled, report = read_gmt(Path(token_sets.__file__).parent / "data" / "pocket.gmt", vocabulary)
    built, skipped = build_library(vocabulary)
    assert skipped == [] and not report.unknown
    assert bundled.hash == shippable(built).hash


def test_an_unknown_family_is_refused_with_the_nearest_name(vocabulary: Vocabulary) -> None:
    with pytest.raises(UsageError, match="Did you mean suffix"):
        build_library(vocabulary, ["sufix"])


def test_only_sources_that_may_be_redistributed_are_shipped() -> None:
    sets = [
        TokenSet(s, s, "", np.array([i]), s, "") for i, s in enumerate(("rules", "stopwords", "wordnet", "imported"))
    ]
    assert shippable(TokenSetLibrary(sets, "v")).names == ["rules", "wordnet"]


def test_the_command_writes_a_library_with_licences_and_credits(tmp_path: Path, shared: Path, nltk_data: Path) -> None:
    out = tmp_path / "library.gmt"
    arguments = [
        "--tokenizer",
        str(shared / "gpt2"),
        "--out",
        str(out),
        "--families",
        "names",
        "stopword",
        "year",
        "--shippable",
    ]
    assert main(arguments) == 0
    beside = json.loads(out.with_name("library.gmt.json").read_text())
    assert {about["family"] for about in beside["sets"].values()} == {"names", "year"}
    assert "Kantrowitz" in beside["sources"]["names"]["credit"] and "README" in beside["sources"]["names"]["licence"]


def test_the_command_says_in_one_line_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tokenizer", str(tmp_path), "--out", str(tmp_path / "x.gmt")]) == 2
    assert capsys.readouterr().err.startswith("No tokenizer in")
