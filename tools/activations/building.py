"""Building an activation store: a corpus streams through the model up to the hook point, chunk by chunk, resumably."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from ..errors import UsageError
from ..progress import Progress, silent
from ..subject.reading import feature_activations, row_start
from ..subject.subject import Subject
from .rows import Row, padded
from .store import ActivationStore, Active

CHUNK_TOKENS = 65_536
CHUNK_ACTIVATIONS = 6_000_000
_PAGE_TOKENS = 4096  # rows that are sorted by length together
_DENSE_BYTES = 64 * 2**20  # all activations of a batch


def build(
    store: ActivationStore, subject: Subject, rows: Iterable[Row], expected: int = 0, progress: Progress = silent
) -> None:
    """Write the chunks of a store that are not there yet; interrupted, the next call goes on behind the last one.

    `rows` are those of the whole corpus, in the same order each time; `expected` tokens (0: unknown) are for progress
    alone. Raises UsageError for a corpus without text.
    """
    done = len(store.rows) if store.chunks else 0
    waiting = itertools.islice(rows, done, None)

    def report(more: int) -> None:
        progress("tokens indexed", int(store.firsts[-1]) + more, expected)

    report(0)
    while chunk := _read_chunk(subject, waiting, report):
        store.add(*chunk, subject.n_features)
        report(0)
    if not store.chunks:
        raise UsageError("The corpus holds no text: nothing to index.")


def tokens_at_once(subject: Subject) -> int:
    """Most tokens of a batch, padding included: all activations of a batch are held densely for a moment."""
    return _DENSE_BYTES // (4 * subject.n_features)


def _read_chunk(
    subject: Subject, waiting: Iterator[Row], report: Callable[[int], None]
) -> tuple[list[Row], Active] | None:
    """Rows of a chunk and their activations; None when no row is left. `report` is told how many tokens are read."""
    rows: list[Row] = []
    found: list[Active] = []
    tokens = active = 0
    while tokens < CHUNK_TOKENS and active < CHUNK_ACTIVATIONS:
        page = _page(waiting)
        if not page:
            break
        read = tokens
        for part, batch in _activations(subject, page):
            found.append(part._replace(positions=part.positions + tokens))
            active += len(part.values)
            report(read := read + batch)
        rows += page
        tokens += sum(len(row.tokens) for row in page)
    if not rows:
        return None
    return rows, Active(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _page(waiting: Iterator[Row]) -> list[Row]:
    page: list[Row] = []
    tokens = 0
    for row in waiting:
        page.append(row)
        tokens += len(row.tokens)
        if tokens >= _PAGE_TOKENS:
            break
    return page


def _activations(subject: Subject, page: Sequence[Row]) -> Iterator[tuple[Active, int]]:
    """What is active in a page, batch by batch, rows of like length together, and how many tokens each batch has."""
    special, begun = sorted(subject.vocabulary.special), row_start(subject)
    starts = np.concatenate([[0], np.cumsum([len(row.tokens) for row in page])])
    by_length = sorted(range(len(page)), key=lambda i: (len(page[i].tokens), i))
    for batch in _batches(by_length, page, tokens_at_once(subject)):
        windows = [page[i].tokens for i in batch]
        ids = padded(windows, begun)
        active = feature_activations(subject, ids.clip(min=0)).float().cpu().numpy()
        # Where each token lies in the page; -1 for what is no text.
        places = np.arange(ids.shape[1]) - len(begun)
        positions = np.where((ids >= 0) & (places >= 0), starts[batch][:, None] + places, -1)
        positions[np.isin(ids, special)] = -1
        yield _above_zero(active.reshape(-1, subject.n_features), positions.ravel()), sum(map(len, windows))


def _above_zero(active: np.ndarray, positions: np.ndarray) -> Active:
    """Activations (tokens, features) above zero, of tokens whose position (tokens,) is no -1."""
    # Over a flat mask NumPy skips what is zero many bytes at a time; torch and several axes take five times as long.
    flat = active.reshape(-1)
    found = np.flatnonzero(flat > 0)
    tokens, features = np.divmod(found, active.shape[1])
    positions = positions[tokens]
    counted = positions >= 0
    found = found[counted]
    return Active(features[counted].astype(np.int32), positions[counted].astype(np.uint32), flat[found])


def _batches(order: Sequence[int], page: Sequence[Row], tokens: int) -> Iterator[list[int]]:
    """Consecutive rows that make no more than `tokens` together once padded to the longest, which comes last."""
    batch: list[int] = []
    for i in order:
        if batch and (len(batch) + 1) * (1 + len(page[i].tokens)) > tokens:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch
