"""From documents to the rows of tokens that a model runs on: cut into windows, each behind what begins a row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..subject.reading import row_start
from ..subject.subject import Subject
from .documents import Corpus
from .partition import Partition
from .tokens import tokens_of

DEFAULT_CONTEXT = 128


@dataclass(frozen=True)
class Row:
    """A window of a document: its tokens of text (int64), which document it is of, and from which token on."""

    tokens: np.ndarray
    document: int
    key: int  # hash of the document's text
    side: int
    start: int


def context_of(subject: Subject) -> int:
    """Tokens in a row, BOS included: what the SAE was trained on, where it says so, and never more than the model's."""
    stated = None if subject.sae is None else subject.sae.cfg.metadata.context_size
    return min(int(stated or DEFAULT_CONTEXT), int(subject.model.cfg.n_ctx))


def width_of(subject: Subject) -> int:
    """Tokens of text in a row."""
    return context_of(subject) - len(row_start(subject))


def rows_of(subject: Subject, corpus: Corpus) -> Iterator[Row]:
    """The rows of a corpus, in order."""
    partition, width = Partition(), width_of(subject)
    for document, text in enumerate(corpus.documents()):
        side, key = partition.side(text), document_key(text)
        for start, tokens in windows(subject, text, width):
            yield Row(tokens, document, key, side, start)


def padded(windows: Sequence[np.ndarray], start: np.ndarray) -> np.ndarray:
    """Windows as rows of one length (rows, length) int64, each behind the tokens of `start` and followed by -1."""
    rows = np.full((len(windows), len(start) + max(map(len, windows))), -1, np.int64)
    rows[:, : len(start)] = start
    for row, window in zip(rows, windows, strict=True):
        row[len(start) : len(start) + len(window)] = window
    return rows


def document_key(text: str) -> int:
    """Hash of a document's text, below 2^63."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, person=b"tsea.text")
    return int.from_bytes(digest.digest(), "little") >> 1


def windows(subject: Subject, text: str, width: int) -> Iterator[tuple[int, np.ndarray]]:
    """First token and tokens of each window."""
    held, start = np.empty(0, np.int64), 0
    for part in tokens_of(subject.model.tokenizer, text):
        held = np.concatenate([held, part])
        while len(held) >= width:
            yield start, held[:width]
            held, start = held[width:], start + width
    if len(held):
        yield start, held
