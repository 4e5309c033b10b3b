"""One language on three tokenizers: GPT-2's byte-level BPE, the pocket model's BPE, and a SentencePiece model.

What a specification means is worked out a second time here, from the text of each token alone.
"""

from __future__ import annotations

import io
import json
import random
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from tsea.tools.subject import pocket
from tsea.tools.token_sets.build import FAMILIES, build_library
from tsea.tools.token_sets.gmt import read_gmt, write_gmt
from tsea.tools.token_sets.library import TokenSet, TokenSetLibrary
from tsea.tools.token_sets.patterns import Deadline
from tsea.tools.token_sets.resolve import resolve
from tsea.tools.token_sets.spec import MODIFIERS, parse_spec
from tsea.tools.vocabulary import Vocabulary

Spec = dict[str, Any]

STEMS = "walk jump paint help call play open learn cook clean red blue green dog cat house table river friend"
ENDINGS = ("", "", "s", "ed", "ing", "er")
OTHERS = "the of and to un re happy (red) (Red) (dog) Paris 1999 caf\u00e9 \u043c\u0438\u0440 = ( ) . ! ?"
# Symbols that a SentencePiece model is told to keep whole, as Gemma's is with its line breaks and indents.
KEPT_WHOLE = ["\t", "\n\n", "a\\b", "a\u2028b"]

# Forms of the words below, written by hand.
FORMS = {
    "red": ["reds", "redded", "redding", "redder", "reddest"],
    "walk": ["walks", "walked", "walking"],
    "dog": ["dogs", "dogged", "dogging"],
    "take": ["takes", "took", "taken", "taking"],
}
SPLIT = "unfriendliest"  # in pieces on all three


class Known:
    """A vocabulary with its library, and what specifications mean on it by the texts of its tokens."""

    def __init__(self, vocabulary: Vocabulary, library: TokenSetLibrary) -> None:
        self.vocabulary, self.library = vocabulary, library
        self.texts = {token: vocabulary.text[token] for token in vocabulary.ordinary.tolist()}
        self._leaves: dict[str, set[int]] = {}

    def resolved(self, spec: Any) -> list[int]:
        return resolve(spec, self.vocabulary, self.library).ids.tolist()

    def ids(self, spec: Any) -> set[int]:
        return set(self.resolved(spec))

    def where(self, holds: Callable[[str], bool]) -> set[int]:
        """Ordinary tokens with such a text."""
        return {token for token, text in self.texts.items() if holds(text)}

    def meaning(self, spec: Spec) -> set[int]:
        name, value = operator(spec)
        match name:
            case "any":
                return set().union(*map(self.meaning, value))
            case "all":
                return set.intersection(*map(self.meaning, value))
            case "not":
                return self.texts.keys() - self.meaning(value)
            case "minus":
                return self.meaning(value[0]) - self.meaning(value[1])
            case _:
                key = json.dumps(spec)
                if key not in self._leaves:
                    self._leaves[key] = self._leaf(spec, name, value) & self.texts.keys()
                return self._leaves[key]

    def _leaf(self, spec: Spec, name: str, value: Any) -> set[int]:
        match name:
            case "ids":
                return set(value)
            case "library":
                return {int(token) for token_set in self.library.select(value) for token in token_set.ids}
            case "words":
                return set().union(*(self._word(word.replace("\u2423", " "), spec) for word in value))
            case "length":
                least, most = value
                return self.where(lambda text: least <= len(text.strip(" ")) <= most)
            case "script":
                return self.where(lambda text: any(unicodedata.name(c, "").startswith(value.upper()) for c in text))
            case "regex":
                strings = self.vocabulary.raw if spec.get("on") == "raw" else self.vocabulary.text
                return {token for token in self.texts if re.match(value, strings[token])}
            case _:
                return self.where(HOLDS[name](value.replace("\u2423", " ")))

    def _word(self, word: str, spec: Spec) -> set[int]:
        bare = word.strip(" ")
        forms = [word]
        if spec.get("inflected"):
            style = str.upper if bare.isupper() else str.capitalize if bare.istitle() else str.lower
            forms += [word.replace(bare, style(form)) for form in FORMS.get(bare.lower(), [])]
        found = self.where(lambda text: any(spells(text, form, spec.get("variants")) for form in forms))
        if found or not spec.get("first_piece"):
            return found
        written = {spelt for form in forms for spelt in every_spelling(form, spec.get("variants"))}
        return {piece for spelt in written for piece in self.vocabulary.pieces(spelt)[:1]}


def operator(spec: Spec) -> tuple[str, Any]:
    """The key that is no modifier of another, and its value."""
    return next((key, value) for key, value in spec.items() if key not in MODIFIERS)


def spells(text: str, word: str, variants: str | None) -> bool:
    """A token's text counts as a word."""
    if variants in ("space", "all"):
        text, word = text.removeprefix(" "), word.removeprefix(" ")
    if variants in ("case", "all") and text.lower() == word.lower():
        core = text.removeprefix(" ")
        return text == word or core in (core.lower(), core.upper(), core.capitalize())
    return text == word


def every_spelling(word: str, variants: str | None) -> set[str]:
    """The ways of writing a word that count as it."""
    free = variants in ("space", "all")
    word = word.removeprefix(" ") if free else word
    space, core = word[: len(word) - len(word.removeprefix(" "))], word.removeprefix(" ")
    cases = {core.lower(), core.upper(), core.capitalize()} if variants in ("case", "all") else set()
    written = {word} | {space + case for case in cases}
    return written | {f" {one}" for one in written} if free else written


def folded(text: str, part: str) -> str:
    """What a part is looked up in: lower case ignores case."""
    return text.lower() if part.islower() or not part.strip(" ") else text


HOLDS: dict[str, Callable[[str], Callable[[str], bool]]] = {
    "contains": lambda part: lambda text: part in folded(text, part),
    "suffix": lambda part: lambda text: folded(text, part).strip(" ").endswith(part),
    "prefix": lambda part: lambda text: folded(text if part[0] == " " else text.strip(" "), part).startswith(part),
}


def sentences() -> Iterator[str]:
    """Text to train on: words with endings, some in capitals, among others."""
    rng = random.Random(0)
    for _ in range(400):
        words = [rng.choice(STEMS.split()) + rng.choice(ENDINGS) for _ in range(6)] + rng.choices(OTHERS.split(), k=4)
        rng.shuffle(words)
        yield " ".join(rng.choice([word, word, word.capitalize(), word.upper()]) for word in words)


@pytest.fixture(scope="module", autouse=True)
def _no_hurry() -> Iterator[None]:
    """The time limit of regexes has tests of its own; here many of them stand in one specification."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Deadline, "remaining", lambda _: 60.0)
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    """A SentencePiece model with the settings of Llama's, saved as such models are."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=sentences(),
        model_writer=model,
        model_type="bpe",
        vocab_size=1000,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        split_digits=True,
        user_defined_symbols=KEPT_WHOLE,
        num_threads=1,
        minloglevel=2,
    )
    folder = tmp_path_factory.mktemp("sentencepiece")
    (folder / "tokenizer.model").write_bytes(model.getvalue())
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "LlamaTokenizer"}))
    return Vocabulary.load(folder)


@pytest.fixture(scope="module", params=["gpt2", "pocket", "sentencepiece"])
def known(request: pytest.FixtureRequest) -> Known:
    if request.param == "gpt2":
        return Known(request.getfixturevalue("gpt2"), request.getfixturevalue("gpt2_library"))
    if request.param == "pocket":
        vocabulary = Vocabulary.load(Path(pocket.__file__).parent / "data" / "model")
    else:
        vocabulary = request.getfixturevalue("trained")
    library, skipped = build_library(vocabulary, [name for name, f in FAMILIES.items() if not f.source.needs])
    assert skipped == []
    return Known(vocabulary, library)


PARTS = ["re", " re", "\u2423re", "Re", " Re", "ed", "ED", "ing", "\u0438", "1", " "]
LEAVES = st.one_of(
    st.fixed_dictionaries(
        {
            "words": st.lists(
                st.sampled_from(["red", " red", "\u2423Red", "RED", "walk", " walk", " Dog", "DOG", "take", SPLIT]),
                min_size=1,
                max_size=3,
            )
        },
        optional={
            "variants": st.sampled_from(["space", "case", "all"]),
            "inflected": st.just(True),
            "first_piece": st.just(True),
        },
    ),
    st.fixed_dictionaries({"prefix": st.sampled_from(PARTS)}),
    st.fixed_dictionaries({"suffix": st.sampled_from(PARTS)}),
    st.fixed_dictionaries({"contains": st.sampled_from(PARTS)}),
    st.fixed_dictionaries({"length": st.sampled_from([[0, 1], [3, 3], [2, 5], [6, 99]])}),
    st.fixed_dictionaries({"script": st.sampled_from(["Cyrillic", "Hiragana"])}),
    st.fixed_dictionaries(
        {"regex": st.sampled_from([" ?[A-Z]", "[a-z]+$", ".*[0-9]", "[ \t\n]", "\u0120|\u2581", "(?i) ?(the|re)"])},
        optional={"on": st.sampled_from(["text", "raw"])},
    ),
    st.fixed_dictionaries({"ids": st.lists(st.integers(0, 999), min_size=1, max_size=20)}),
    st.fixed_dictionaries(
        {"library": st.sampled_from(["regex.starts_with_capital", "letter.r", "letter.*", "shape.*", "regex.all_*"])}
    ),
)
SPECS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"minus": st.tuples(inner, inner).map(list)}),
    ),
    max_leaves=5,
)


def rewritten(spec: Spec) -> Any:
    """The same set in other words: lists reversed, their first item twice, a library set by its bare name."""
    name, value = operator(spec)
    match name:
        case "any" | "all":
            return {name: [rewritten(part) for part in [*reversed(value), value[0]]]}
        case "minus":
            return {name: [rewritten(part) for part in value]}
        case "not":
            return {name: rewritten(value)}
        case "words" | "ids":
            return {**spec, name: [*reversed(value), value[0]]}
        case "library":
            return value
        case _:
            return spec


@settings(max_examples=60)
@given(SPECS)
def test_any_specification_is_the_tokens_that_it_means(known: Known, spec: Any) -> None:
    found = resolve(spec, known.vocabulary, known.library).ids
    assert set(found.tolist()) == known.meaning(spec)
    assert found.dtype == np.int64 and np.all(np.diff(found) > 0)
    assert not known.vocabulary.special & set(found.tolist())


@settings(max_examples=30)
@given(SPECS)
def test_order_repeats_and_canonical_json_change_nothing(known: Known, spec: Any) -> None:
    parsed = parse_spec(spec)
    for same in (parse_spec(rewritten(spec)), parse_spec(parsed.to_json())):
        assert (same.hash, same.to_json()) == (parsed.hash, parsed.to_json())
        assert known.resolved(same) == known.resolved(parsed)


@settings(max_examples=6)
@given(LEAVES, LEAVES)
def test_the_laws_of_sets_hold(known: Known, a: Any, b: Any) -> None:
    in_a, in_b, every = known.ids(a), known.ids(b), set(known.texts)
    assert known.ids({"any": [a, b]}) == in_a | in_b == known.ids({"any": [b, a, b]})
    assert known.ids({"all": [a, b]}) == in_a & in_b == known.ids({"all": [b, a, b]})
    assert known.ids({"not": a}) == every - in_a
    assert known.ids({"not": {"not": a}}) == in_a
    assert known.ids({"minus": [a, b]}) == in_a - in_b
    assert known.ids({"not": {"any": [a, b]}}) == known.ids({"all": [{"not": a}, {"not": b}]}) == every - (in_a | in_b)
    assert known.ids({"not": {"all": [a, b]}}) == known.ids({"any": [{"not": a}, {"not": b}]}) == every - (in_a & in_b)


def test_no_operator_gives_a_special_token(known: Known) -> None:
    for token in known.vocabulary.special:
        text = known.vocabulary.text[token]
        ways: list[Spec] = [
            {"ids": [token]},
            {"words": [text], "variants": "all", "first_piece": True},
            {"prefix": text},
            {"suffix": text},
            {"contains": text},
            {"regex": re.escape(text)},
            {"regex": re.escape(known.vocabulary.raw[token]), "on": "raw"},
        ]
        for way in ways:
            assert token not in known.ids(way), way
            assert token not in known.ids({"not": way}), way
    assert known.ids({"length": [0, 1000]}) == set(known.texts)


SPACES: list[tuple[Spec, Callable[[str], bool]]] = [
    ({"words": ["red"]}, lambda t: t == "red"),
    ({"words": [" red"]}, lambda t: t == " red"),
    ({"words": ["\u2423red"]}, lambda t: t == " red"),
    ({"words": ["red"], "variants": "space"}, lambda t: t in ("red", " red")),
    ({"words": ["\u2423red"], "variants": "space"}, lambda t: t in ("red", " red")),
    ({"words": ["red"], "variants": "case"}, lambda t: t in ("red", "Red", "RED")),
    ({"words": [" Red"], "variants": "case"}, lambda t: t in (" red", " Red", " RED")),
    ({"words": ["RED"], "variants": "all"}, lambda t: t in ("red", "Red", "RED", " red", " Red", " RED")),
    ({"words": [" red"], "variants": "all"}, lambda t: t in ("red", "Red", "RED", " red", " Red", " RED")),
    ({"prefix": "re"}, lambda t: t.lower().startswith(("re", " re"))),
    ({"prefix": " re"}, lambda t: t.lower().startswith(" re")),
    ({"prefix": "\u2423re"}, lambda t: t.lower().startswith(" re")),
    ({"prefix": "Re"}, lambda t: t.startswith(("Re", " Re"))),
    ({"prefix": " Re"}, lambda t: t.startswith(" Re")),
    ({"prefix": " "}, lambda t: t.startswith(" ")),
    ({"suffix": "ed"}, lambda t: t.lower().endswith("ed")),
    ({"suffix": "ED"}, lambda t: t.endswith("ED")),
    ({"contains": " r"}, lambda t: " r" in t.lower()),
    ({"length": 3}, lambda t: len(t.strip(" ")) == 3),
]


@pytest.mark.parametrize(("spec", "holds"), SPACES, ids=[json.dumps(spec) for spec, _ in SPACES])
def test_a_space_is_a_space_however_the_tokenizer_writes_it(
    known: Known, spec: Spec, holds: Callable[[str], bool]
) -> None:
    assert known.ids(spec) == known.where(holds) != set()


@pytest.mark.parametrize("pattern", [r"\s", r"\w", r"\d", r"\W", r" ?\w+$", r".*\b\d"])
def test_classes_of_characters_in_a_regex_are_pythons(known: Known, pattern: str) -> None:
    assert known.ids({"regex": pattern}) == known.where(lambda text: bool(re.match(pattern, text)))


def test_a_suffix_ends_a_word_so_that_no_space_stands_before_it(known: Known) -> None:
    assert known.ids({"suffix": " red"}) == known.where(lambda text: text.strip(" ").endswith(" red"))


@pytest.mark.parametrize("word", ["=", "a", " "])
def test_a_word_is_every_token_of_that_text_byte_pieces_and_letters_alike(known: Known, word: str) -> None:
    assert known.ids({"words": [word]}) == known.where(lambda text: text == word) != set()


def test_symbols_that_a_sentencepiece_model_keeps_whole_are_text(trained: Vocabulary) -> None:
    assert {trained.id_of_raw[symbol] for symbol in KEPT_WHOLE} <= set(trained.ordinary.tolist())
    assert {trained.raw[token] for token in trained.special} == {"<unk>", "<s>", "</s>"}


@pytest.mark.parametrize("word", [SPLIT, f" {SPLIT}", f"\u2423{SPLIT.capitalize()}"])
def test_a_word_of_several_tokens_is_reported_with_its_pieces_and_may_stand_for_the_first(
    known: Known, word: str
) -> None:
    written = word.replace("\u2423", " ")
    found = resolve({"words": ["\u2423red", word]}, known.vocabulary)
    assert found.ids.tolist() == [known.vocabulary.id_of_text[" red"]]
    ((item, reason, pieces),) = [(item.item, item.reason, item.pieces) for item in found.unmatched]
    assert (item, reason) == (written, "no single token")
    assert len(pieces) > 1 and "".join(pieces).replace("\u2423", " ") == written

    by_piece = resolve({"words": [word], "first_piece": True}, known.vocabulary)
    (first,) = by_piece.ids.tolist()
    assert known.vocabulary.shown(first) == pieces[0] and pieces[0].strip("\u2423")
    assert "first piece" in by_piece.unmatched[0].reason and by_piece.unmatched[0].pieces == pieces


def test_what_is_exported_comes_back_the_same(known: Known, tmp_path: Path) -> None:
    awkward = {
        name: sorted(known.where(lambda text, mark=mark: mark in text))
        for name, mark in [("tab", "\t"), ("line", "\n"), ("backslash", "\\"), ("bytes", "\ufffd"), ("comma", ",")]
    }
    awkward["kept"] = sorted({known.vocabulary.id_of_raw.get(symbol, 0) for symbol in KEPT_WHOLE} & known.texts.keys())
    awkward["all"] = sorted(known.texts)
    assert all(awkward[name] for name in ("tab", "line", "backslash", "bytes", "comma"))
    made = [
        TokenSet(f"made.{name}", "made", f"tokens with a {name}", np.array(ids, np.int64), "rules", "MIT")
        for name, ids in awkward.items()
        if ids
    ]
    library = TokenSetLibrary([*known.library, *made], known.vocabulary.hash)
    assert any(token_set.aliases for token_set in library)

    path = tmp_path / "library.gmt"
    write_gmt(library, known.vocabulary, path)
    again, report = read_gmt(path, known.vocabulary)
    assert [told(token_set) for token_set in again] == [told(token_set) for token_set in library]
    assert again.hash == library.hash
    # A line for every name: sets with the same tokens are one set with aliases only once they are read.
    assert (report.sets, report.mapped) == (len(library.given), sum(map(len, library.given)))
    assert (report.repeated, report.unknown, report.left_out) == (0, {}, [])


def told(token_set: TokenSet) -> tuple[Any, ...]:
    """All that a token set says of itself."""
    about = (token_set.description, token_set.source, token_set.licence)
    return token_set.name, token_set.family, token_set.ids.tolist(), *about, token_set.aliases
