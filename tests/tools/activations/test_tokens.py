"""Long texts are cut into the tokens of the whole text, by tokenizers of three kinds."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import sentencepiece
from tokenizers import Tokenizer, normalizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from tsea.tools.activations import tokens
from tsea.tools.activations.tokens import tokens_of
from tsea.tools.subject import Subject

WORDS = ["walk", "jump", "paint", "help", "call", "play", "open", "learn", "clean", "the", "of", "and", "café", "1999"]
ENDINGS = ["", "s", "ed", "ing"]
LONG = {
    "words": lambda rng: " ".join(words(rng, 40_000)),
    "no space": lambda rng: "".join(words(rng, 40_000)),
    "one letter": lambda _: "a" * 150_001,
    "one letter after a word": lambda _: "the " + "a" * 150_001,
    "spaces": lambda _: "x" + " " * 150_001 + "x",
    "digits": lambda rng: "".join(rng.choice("0123456789") for _ in range(120_000)),
    "bytes": lambda rng: "".join(rng.choice("\U0001f600\u65e5\u672c\u8a9e\u00e9") for _ in range(120_000)),
}


def words(rng: random.Random, count: int) -> Iterator[str]:
    for _ in range(count):
        yield rng.choice(WORDS) + rng.choice(ENDINGS)


def sentences() -> Iterator[str]:
    """Text to train on, with runs of one letter, so that some tokens are parts of such runs."""
    rng = random.Random(0)
    for _ in range(500):
        yield " ".join(words(rng, 12)) + " " + "a" * rng.randint(1, 40)


@pytest.fixture(scope="module", params=["byte-level BPE", "BPE", "BPE behind a space", "unigram"])
def tokenizer(request: pytest.FixtureRequest, pocket: Subject, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One like GPT-2's, and SentencePiece models: those that put a space before a text, or before any text at all."""
    if request.param == "byte-level BPE":
        return pocket.model.tokenizer
    kind = request.param.split()[0]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=sentences(),
        model_writer=model,
        model_type=kind.lower(),
        vocab_size=500,
        hard_vocab_limit=False,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        num_threads=1,
        minloglevel=2,
    )
    folder = tmp_path_factory.mktemp(kind)
    (folder / "tokenizer.model").write_bytes(model.getvalue())
    config = {"tokenizer_class": "LlamaTokenizer" if kind == "BPE" else "T5Tokenizer", "extra_ids": 0}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    found = AutoTokenizer.from_pretrained(folder)
    if request.param != "BPE behind a space":
        return found
    # The form in which Llama 2's tokenizer is published.
    own = Tokenizer.from_str(found.backend_tokenizer.to_str())
    own.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])  # type: ignore[assignment]
    own.pre_tokenizer = None  # type: ignore[assignment]
    return PreTrainedTokenizerFast(tokenizer_object=own)


def whole(tokenizer: Any, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False, split_special_tokens=True, verbose=False)["input_ids"]


@pytest.mark.parametrize("kind", LONG)
def test_a_long_text_has_the_tokens_of_the_whole(tokenizer: Any, kind: str) -> None:
    text = LONG[kind](random.Random(1))
    parts = list(tokens_of(tokenizer, text))
    assert np.concatenate(parts).tolist() == whole(tokenizer, text)
    if kind in ("words", "no space", "bytes"):
        assert len(text) > 100_000 and len(parts) > 1


@pytest.mark.parametrize(
    "atoms",
    [
        WORDS,
        [*WORDS, " ", "  ", "\n", "\n\n", "\t"],
        list("ab "),
        ["a", "\u00e9", "\u65e5", "\U0001f600"],
        list("0123,"),
    ],
    ids=["words", "white space", "two letters", "bytes", "numbers"],
)
def test_many_small_pieces_have_the_tokens_of_the_whole(
    tokenizer: Any, atoms: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_PIECE", 120)
    monkeypatch.setattr(tokens, "_SHARED", 80)
    rng, joined = random.Random(2), 0
    for _ in range(60):
        text = "".join(rng.choice(atoms) + rng.choice(["", "", " "]) for _ in range(rng.randint(60, 300)))
        parts = list(tokens_of(tokenizer, text))
        assert np.concatenate(parts).tolist() == whole(tokenizer, text)
        joined += len(parts) > 1
    assert joined > 20


def test_pieces_alone_have_other_tokens_where_a_space_is_put_before_them(tokenizer: Any) -> None:
    """Else the tests above would say nothing about such tokenizers."""
    spaced = tokenizer.convert_ids_to_tokens(whole(tokenizer, "walk"))[0].startswith("\u2581")
    pieces = whole(tokenizer, "thewalked") + whole(tokenizer, "thewalked")
    assert (pieces != whole(tokenizer, "thewalkedthewalked")) == spaced


def test_a_text_whose_pieces_never_agree_is_cut_as_a_whole(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_PIECE", 500)
    monkeypatch.setattr(tokens, "_joint", lambda *_: None)
    text = " ".join(words(random.Random(3), 1000))
    (only,) = tokens_of(tokenizer, text)
    assert only.tolist() == whole(tokenizer, text)


def test_pieces_that_stop_agreeing_go_on_where_they_were_joined(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_PIECE", 500)
    monkeypatch.setattr(tokens, "_SHARED", 200)
    joint: Callable[..., int | None] = tokens._joint
    calls: list[int | None] = []

    def every_third(*pieces: Any) -> int | None:
        calls.append(joint(*pieces) if len(calls) % 3 == 0 else None)
        return calls[-1]

    monkeypatch.setattr(tokens, "_joint", every_third)
    text = " ".join(words(random.Random(3), 1000))
    parts = list(tokens_of(tokenizer, text))
    assert np.concatenate(parts).tolist() == whole(tokenizer, text)
    assert len(parts) > 2 and None in calls


def test_a_tokenizer_that_does_not_say_where_its_tokens_stand_is_given_the_whole_text() -> None:
    class Slow:
        is_fast = False

        def __call__(self, text: str, **_: Any) -> dict[str, list[int]]:
            return {"input_ids": [len(text)]}

    assert [part.tolist() for part in tokens_of(Slow(), "x" * 250_000)] == [[250_000]]


def test_an_empty_text_has_no_token_and_lone_surrogates_are_replaced(tokenizer: Any) -> None:
    assert [part.tolist() for part in tokens_of(tokenizer, "")] == [[]]
    (found,) = tokens_of(tokenizer, "a\udcffb")
    assert found.tolist() == whole(tokenizer, "a\ufffdb")
