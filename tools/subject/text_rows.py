"""Rows of tokens to run a subject's model on: what begins a row, then consecutive tokens of text."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import TseaError, UsageError
from .reading import row_start
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
        return bundled_text(rows)[:, 0 if subject.prepend_bos else 1 :]
    try:
        content = text.read_text("utf-8", errors="replace")
    except OSError as error:
        raise TseaError(f"Cannot read {text}: {error.strerror}. Give a UTF-8 text file.") from error
    start, tokenizer = row_start(subject), subject.model.tokenizer
    width = CONTEXT - len(start)
    ids = tokenizer(content, add_special_tokens=False)["input_ids"][: rows * width]
    count = len(ids) // width
    if count == 0:
        raise UsageError(f"{text} holds fewer than {width} tokens: give a longer text.")
    body = np.array(ids[: count * width], dtype=np.int64).reshape(count, width)
    return np.concatenate([np.tile(start, (count, 1)), body], axis=1)


def has_bundled_text(subject: Subject) -> bool:
    """Whether the sampled corpus is text of this subject's model."""
    return subject.name.startswith("pocket")


def bundled_text(rows: int | None = None) -> np.ndarray:
    """Rows (rows, context) int64 of the corpus that was sampled from the bundled subject, each begun by BOS."""
    with np.load(SAMPLED_CORPUS, allow_pickle=False) as corpus:
        return corpus["tokens"][:rows].astype(np.int64)
