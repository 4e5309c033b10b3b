"""The tokens of a model: raw vocabulary strings, the text each one stands for, and which are special."""

from __future__ import annotations

import codecs
import functools
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .errors import UsageError

_BYTE_PIECE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
# Names that tokenizers give to entries no text ever reaches.
_UNUSED = re.compile(r"<unused\d+>|\[unused\d+\]|<\|reserved_special_token_\d+\|>|<reserved_\d+>|<pad>|\[PAD\d*\]")


def visible(text: str) -> str:
    """Text for people: spaces visible as ␣, control characters escaped."""
    marked = text.replace(" ", "␣")
    if marked.isprintable():
        return marked
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in marked)


def read_back(shown: str) -> str:
    """Text as tsea shows it, read back: ␣ is a space."""
    return shown.replace("␣", " ")


@functools.cache
def _byte_of_symbol() -> dict[str, int]:
    """GPT-2's table from printable symbols to bytes: printable bytes stand for themselves, the rest from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {chr(byte): byte for byte in printable}
    others = (byte for byte in range(256) if byte not in set(printable))
    table.update({chr(0x100 + index): byte for index, byte in enumerate(others)})
    return table


@dataclass(frozen=True)
class Vocabulary:
    """What each token id stands for.

    `raw` holds vocabulary strings as the tokenizer stores them (a leading space is `Ġ` or `▁`), `text` the
    text each stands for (incomplete UTF-8 becomes U+FFFD), `special` ids that are no text: control tokens and
    names reserved for later use.
    """

    raw: tuple[str, ...]
    text: tuple[str, ...]
    special: frozenset[int]
    tokenizer: Callable[[], Any] | None = field(default=None, compare=False, repr=False)  # Hugging Face's, if any

    def __len__(self) -> int:
        return len(self.raw)

    @functools.cached_property
    def hash(self) -> str:
        """Content hash of all raw strings and special ids."""
        digest = hashlib.blake2b(digest_size=16)
        for token in self.raw:
            digest.update(token.encode("utf-8", "surrogatepass") + b"\0")
        digest.update(repr(sorted(self.special)).encode())
        return digest.hexdigest()

    @functools.cached_property
    def ordinary(self) -> np.ndarray:
        """Ids that are text, ascending int64."""
        return np.setdiff1d(np.arange(len(self)), np.array(sorted(self.special), np.int64))

    @functools.cached_property
    def id_of_raw(self) -> dict[str, int]:
        """Token id of every raw string."""
        return {token: index for index, token in enumerate(self.raw)}

    @functools.cached_property
    def ids_of_text(self) -> dict[str, tuple[int, ...]]:
        """Token ids of every text: several where a byte has a token of its own; special tokens stand for no text."""
        table: dict[str, tuple[int, ...]] = {}
        for index, text in enumerate(self.text):
            if index not in self.special:
                table[text] = (*table.get(text, ()), index)
        return table

    @functools.cached_property
    def id_of_text(self) -> dict[str, int]:
        """The first token id of every text."""
        return {text: ids[0] for text, ids in self.ids_of_text.items()}

    def pieces(self, text: str) -> tuple[int, ...]:
        """The tokens that a text is cut into; none without a tokenizer."""
        if self.tokenizer is None:
            return ()
        pieces = self._encoded(text)
        if self._joined(pieces) != f" {text}":
            return pieces
        # SentencePiece puts a space before a text: behind a newline the word stands as it is written.
        behind = self._encoded(f"\n{text}")
        for start in range(len(behind)):
            if self._joined(behind[start:]) == text:
                return behind[start:]
        return pieces

    def _joined(self, tokens: tuple[int, ...]) -> str:
        return "".join(self.text[token] for token in tokens)

    def _encoded(self, text: str) -> tuple[int, ...]:
        assert self.tokenizer is not None
        return tuple(int(token) for token in self.tokenizer().encode(text, add_special_tokens=False))

    def shown(self, token: int) -> str:
        """The token's text for people: spaces visible as ␣, control characters escaped."""
        return visible(self.text[token])

    def spelled(self, tokens: Sequence[int] | np.ndarray) -> tuple[str, np.ndarray, np.ndarray]:
        """The text of consecutive tokens, and where in it each one begins and ends (n,).

        A character that several tokens spell together ends each of them.
        """
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        pieces: list[str] = []
        pending: list[bool] = []  # whether a character is begun that later tokens complete
        for token in tokens:
            pieces.append(decoder.decode(self._bytes(int(token))))
            pending.append(bool(decoder.getstate()[0]))
        pieces.append(decoder.decode(b"", final=True))
        stops = np.cumsum([len(piece) for piece in pieces])
        starts = np.concatenate([[0], stops])[: len(pieces)]
        # Where the next character that a later piece completes ends.
        completed = np.where(stops > starts, starts + 1, stops[-1])
        completed = np.minimum.accumulate(completed[::-1])[::-1]
        return "".join(pieces), starts[:-1], np.where(pending, completed[1:], stops[:-1])

    def _bytes(self, token: int) -> bytes:
        text = self.text[token]
        return (
            _token_bytes(self.raw[token])
            if "\ufffd" in text and token not in self.special
            else text.encode("utf-8", "surrogatepass")
        )

    @classmethod
    def from_tokenizer(cls, tokenizer: Any) -> Vocabulary:
        """Read the vocabulary of a Hugging Face tokenizer (byte-level BPE or SentencePiece style)."""
        raw = [str(token or "") for token in tokenizer.convert_ids_to_tokens(range(len(tokenizer)))]
        added = {int(i): bool(token.special) for i, token in tokenizer.added_tokens_decoder.items()}
        # transformers also calls special what a SentencePiece model merely keeps whole, as runs of spaces.
        special = {int(i) for i in tokenizer.all_special_ids if i is not None and added.get(int(i), True)}
        special |= {i for i, control in added.items() if control}
        special |= {i for i, token in enumerate(raw) if not token or _UNUSED.fullmatch(token)}
        return cls(tuple(raw), tuple(_texts(raw, special)), frozenset(special), lambda: tokenizer)

    @classmethod
    def load(cls, folder: Path | str) -> Vocabulary:
        """Read the vocabulary of the tokenizer saved in `folder`; raises UsageError when there is none."""
        return cls.from_tokenizer(load_tokenizer(Path(folder)))


def load_tokenizer(folder: Path) -> Any:
    """The Hugging Face tokenizer saved in a folder; raises UsageError when there is none."""
    if not any((folder / name).exists() for name in ("tokenizer.json", "vocab.json", "tokenizer.model")):
        raise UsageError(f"No tokenizer in {folder}: expected tokenizer.json, vocab.json or tokenizer.model there.")
    from transformers import AutoTokenizer, GPT2Tokenizer

    if (folder / "vocab.json").exists() and not (folder / "config.json").exists():
        return GPT2Tokenizer.from_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder)


def _token_bytes(raw: str) -> bytes:
    """The bytes of a token whose text is no whole character: of byte-level symbols, or one byte by its name."""
    if match := _BYTE_PIECE.fullmatch(raw):
        return bytes([int(match[1], 16)])
    table = _byte_of_symbol()
    whole = all(symbol in table for symbol in raw)
    return bytes(table[symbol] for symbol in raw) if whole else raw.encode("utf-8", "surrogatepass")


def _texts(raw: Sequence[str], special: set[int]) -> list[str]:
    ordinary = [token for index, token in enumerate(raw) if index not in special]
    byte_level = any("Ġ" in token for token in ordinary) and not any("▁" in token for token in ordinary)
    table = _byte_of_symbol()
    texts: list[str] = []
    for index, token in enumerate(raw):
        if index in special:
            texts.append(token)
        elif (byte_level and all(symbol in table for symbol in token)) or _BYTE_PIECE.fullmatch(token):
            texts.append(_token_bytes(token).decode("utf-8", "replace"))
        else:
            texts.append(token.replace("▁", " "))
    return texts
