"""How long a person or an agent waits for activations: `tsea eval activity-speed`.

On a loaded subject with its index open: the activations of 5 features at every token of a sentence, and the features
that fire in it. A sentence is drawn anew for each call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..tools.progress import Progress, silent
from .fresh_home import fresh_home
from .results import Report, markdown_table
from .stopwatch import apart

if TYPE_CHECKING:
    from ..tools.activations.activity import Activity

SUBJECTS = ("pocket", "pocket/neurons/2")
CALLS = 100
INDEXED = 12_700  # tokens
FEATURES = 5
_WORDS = 12  # tokens of a sentence


@dataclass(frozen=True)
class ActivityRow:
    """Half and 95 of 100 calls (`calls` of them, after one that is not timed) took no more milliseconds than these."""

    subject: str
    call: str
    calls: int
    p50_ms: float
    p95_ms: float


def report(progress: Progress = silent, subjects: Sequence[str] = SUBJECTS) -> Report:
    """Latency of single questions about a text."""
    rows: list[ActivityRow] = []
    for number, subject in enumerate(subjects, 1):
        rows += apart(_measured, subject, CALLS)
        progress("subjects", number, len(subjects))
    cells = [(row.subject, row.call, row.calls, f"{row.p50_ms:.0f} ms", f"{row.p95_ms:.0f} ms") for row in rows]
    return Report.of("activity_speed", rows, markdown_table(("subject", "call", "calls", "p50", "p95"), cells))


def _measured(name: str, calls: int) -> list[ActivityRow]:
    from ..tools.activations.activity import Activity
    from ..tools.activations.indexing import index_corpus
    from ..tools.subject import open_subject

    fresh_home()
    subject = open_subject(name)
    index_corpus(subject, None, INDEXED)
    activity = Activity(subject)
    features = np.arange(FEATURES)
    questions: tuple[tuple[str, Callable[[str], object]], ...] = (
        (f"activate, {FEATURES} features", lambda text: list(activity.activate([text], features))),
        ("find", lambda text: activity.find(text)),
    )
    rows: list[ActivityRow] = []
    for call, ask in questions:
        taken = [_milliseconds(ask, text) for text in _sentences(activity, calls + 1)][1:]
        rows.append(ActivityRow(name, call, calls, float(np.median(taken)), float(np.percentile(taken, 95))))
    return rows


def _sentences(activity: Activity, count: int) -> list[str]:
    from ..tools.subject.text_rows import bundled_text

    tokenizer = activity.subject.model.tokenizer
    return [str(tokenizer.decode(row[1 : 1 + _WORDS])) for row in bundled_text(count)]


def _milliseconds(ask: Callable[[str], object], text: str) -> float:
    start = time.perf_counter()
    ask(text)
    return 1000 * (time.perf_counter() - start)
