"""Rows of tokens to run a subject's model on: BOS, then consecutive tokens of text."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import TseaError, UsageError
from .reading import bos
from .subject import Subject

SAMPLED_CORPUS = Path(__file__).parent / "pocket" / "data" / "corpus.npz"
CONTEXT = 128


def text_rows(subject: Subject, text: Path | None, rows: int) -> np.ndarray:
    """Up to `rows` rows (rows, context) int64 of a UTF-8 text file; without one, of the bundled subject's own corpus.

    Raises UsageError when a subject with another vocabulary is given no file, or one too short for a row, and
    TseaError for a file that cannot be read.
    """
    if text is None:
        if not has_bundled_text(subject):
            raise UsageError(f"No text is bundled for {subject.name}: give some with --text FILE.")
        return bundled_text(rows)
    try:
        content = text.read_text("utf-8", errors="replace")
    except OSError as error:
        raise TseaError(f"Cannot read {text}: {error.strerror}. Give a UTF-8 text file.") from error
    tokenizer = subject.model.tokenizer
    ids = tokenizer(content, add_special_tokens=False)["input_ids"][: rows * (CONTEXT - 1)]
    count = len(ids) // (CONTEXT - 1)
    if count == 0:
        raise UsageError(f"{text} holds fewer than {CONTEXT - 1} tokens: give a longer text.")
    body = np.array(ids[: count * (CONTEXT - 1)], dtype=np.int64).reshape(count, CONTEXT - 1)
    return np.concatenate([np.full((count, 1), bos(subject)), body], axis=1)


def has_bundled_text(subject: Subject) -> bool:
    """Whether the sampled corpus is text of this subject's model."""
    return subject.name.startswith("pocket")


def bundled_text(rows: int | None = None) -> np.ndarray:
    """Rows (rows, context) int64 of the corpus that was sampled from the bundled subject, each begun by BOS."""
    with np.load(SAMPLED_CORPUS, allow_pickle=False) as corpus:
        return corpus["tokens"][:rows].astype(np.int64)
