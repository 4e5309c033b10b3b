"""Where activation indexes lie, how one is made for a corpus, and which one answers questions about a subject."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import filelock
import numpy as np

from ..errors import UsageError
from ..files import make_folder
from ..progress import Progress, silent
from ..results import IndexSummary
from ..storage.home import home
from ..subject.reading import require_encoder
from ..subject.subject import Subject
from ..subject.text_rows import bundled_text, has_bundled_text
from .building import build
from .documents import Corpus
from .partition import SIDES, Partition, Side
from .rows import Row, context_of, document_key, rows_of
from .store import FORMAT, ActivationStore

BUNDLED = "bundled"
_NEEDED: dict[Side, str] = {"open": "looking at examples", "confirm": "confirming claims", "held_out": "scoring labels"}
# Read where no number is asked for: on two cores this takes under a minute, which a first question can wait.
# A feature that fires once in 10,000 tokens still fires 20 times.
BUNDLED_TOKENS = 200_000


def index_corpus(
    subject: Subject, corpus: Corpus | None, most: int | None = None, progress: Progress = silent
) -> ActivationStore:
    """The activation index of a corpus, made where it is missing or unfinished; of its first `most` tokens.

    Without a corpus, that of the bundled text, BUNDLED_TOKENS of it unless `most` says otherwise. Raises UsageError for
    directions that do not fire, for a corpus without text and for subjects that have no bundled text.
    """
    require_encoder(subject)
    if corpus is None and most is None:
        most = BUNDLED_TOKENS
    name = BUNDLED if corpus is None else corpus.identity
    store = ActivationStore(_folder(subject) / _digest(name, most, context_of(subject)))
    with filelock.FileLock(make_folder(store.folder) / "lock"):
        if store.finished is None:
            rows = corpus_rows(subject, corpus)
            build(store, subject, rows if most is None else _first(rows, most), most or 0, progress)
        else:
            _require_made_for(subject, store)
        # Written again where it stands already: the index that was asked for last answers.
        store.describe(subject=subject.firing_hash, corpus=name, most=most, context=context_of(subject))
    return store


def summary(store: ActivationStore, subject: Subject) -> IndexSummary:
    """What an index holds; notes say what it lacks."""
    table, tokens = store.rows, int(store.firsts[-1])
    _, first = np.unique(table.documents, return_index=True)
    counts = np.bincount(table.sides[first], minlength=len(SIDES)).tolist()
    documents = list(zip(SIDES, counts, strict=True))
    fired = np.sum([np.diff(chunk["pointers"]) for chunk in store.chunks], axis=0)
    return IndexSummary(
        folder=str(store.folder),
        tokens=tokens,
        documents=dict(documents),
        features=subject.n_features,
        firing=int((fired > 0).sum()),
        l0=float(fired.sum() / tokens),
        notes=[
            f"No document is {side.replace('_', '-')}: {_NEEDED[side]} needs more documents that differ."
            for side, count in documents
            if not count
        ],
    )


def open_index(subject: Subject, progress: Progress = silent) -> ActivationStore:
    """The index of a subject that was asked for last; that of the bundled text is made at first use.

    Raises UsageError for a subject without one and for one of other weights, TseaError for one that is damaged.
    """
    stores = _finished(subject)
    if stores:
        latest = max(stores, key=lambda found: found[0])[1]
        _require_made_for(subject, latest)
        return latest
    if has_bundled_text(subject):
        return index_corpus(subject, None, progress=progress)
    raise UsageError(
        f"{subject.name} has no activation index: make one with `tsea index --corpus FILES --subject {subject.name}`."
    )


def can_open_index(subject: Subject) -> bool:
    """Whether a subject has an index, or text to make one of at first use."""
    return subject.encoder is not None and (has_bundled_text(subject) or bool(_finished(subject)))


def has_index(subject: Subject) -> bool:
    """Whether a subject has an index already."""
    return subject.encoder is not None and bool(_finished(subject))


def _finished(subject: Subject) -> list[tuple[float, ActivationStore]]:
    """The finished indexes of a subject, each with the time it was asked for last."""
    stores = map(ActivationStore, _folder(subject).glob("*"))
    return [(store.finished, store) for store in stores if store.finished]


def _require_made_for(subject: Subject, store: ActivationStore) -> None:
    """Raise UsageError for an index that was made with other weights, as one in a folder that was copied."""
    if store.about.get("subject") != subject.firing_hash:
        raise UsageError(
            f"The index {store.folder} was made with other weights than those of {subject.name}: delete this folder "
            "and index again."
        )


def corpus_rows(subject: Subject, corpus: Corpus | None) -> Iterator[Row]:
    """The rows of a corpus, or of the bundled text; raises UsageError for subjects that have none."""
    return _bundled_rows(subject) if corpus is None else rows_of(subject, corpus)


def _bundled_rows(subject: Subject) -> Iterator[Row]:
    """The rows of the sampled corpus without their BOS, each a document of its own."""
    if not has_bundled_text(subject):
        raise UsageError(f"No text is bundled for {subject.name}: name files or a dataset with --corpus.")
    partition = Partition()
    for number, row in enumerate(bundled_text()):
        tokens = row[1:]
        text = subject.model.tokenizer.decode(tokens)
        yield Row(tokens, number, document_key(text), partition.side(text), 0)


def _first(rows: Iterator[Row], most: int) -> Iterator[Row]:
    tokens = 0
    for row in rows:
        if tokens >= most:
            return
        tokens += len(row.tokens)
        yield row


def _folder(subject: Subject) -> Path:
    return home() / "activations" / subject.firing_hash


def _digest(corpus: str, most: int | None, context: int) -> str:
    return hashlib.blake2b(f"{FORMAT} {corpus} {most} {context}".encode(), digest_size=16).hexdigest()
