"""Throughput and memory of `tsea index` beside the bare loop, same run: `tsea eval index-speed`.

The bare loop runs the model up to the hook point and encodes with the SAE, on rows of full context in batches of the
size that the index uses; it cuts no text and keeps nothing. The index is the whole way from a text file to the finished
store. The two take turns in one process. Peak memory is what indexing adds to a fresh process that has loaded the
subject and has run it once.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..tools.progress import Progress, silent
from .fresh_home import fresh_home
from .random_gpt2 import Shape, write_random_gpt2
from .results import Report, markdown_table
from .stopwatch import apart, peak_above, reset_peak

if TYPE_CHECKING:
    from ..tools.results import IndexSummary
    from ..tools.subject import Subject

TURNS = 3
LARGER = 10  # times the corpus, for the second figure of memory
_LONGEST = 16  # rows of the sampled corpus that make the longest document


@dataclass(frozen=True)
class Case:
    """A subject: its name, or the shape of one that is made; tokens that are timed, and tokens that fill memory."""

    name: str
    shape: Shape | None
    timed: int
    held: int

    def subject(self, folder: Path) -> str:
        """The name to open it by; what is made lies in `folder`."""
        if self.shape is None:
            return self.name
        write_random_gpt2(folder, self.shape)
        return f"local:{folder}"


CASES = (Case("pocket", None, 8_192, 16_384), Case("GPT-2 small's shapes", Shape(), 2_048, 2_048))


@dataclass(frozen=True)
class IndexRow:
    """Tokens per second of bare loop and index (medians of `timed` tokens), median share of the one that the other is.

    `l0` features are active per token. Peak MB of indexing `held` tokens and LARGER times as many; None off Linux.
    """

    subject: str
    features: int
    l0: float
    timed: int
    bare: float
    index: float
    share: float
    held: int
    peak_mb: float | None
    peak_mb_larger: float | None


def report(progress: Progress = silent, cases: Sequence[Case] = CASES) -> Report:
    """The index builder's throughput and memory on the bundled subject and on GPT-2 small's shapes."""
    rows: list[IndexRow] = []
    for case in cases:
        rows.append(_measured(case))
        progress("subjects", len(rows), len(cases))
    return Report.of("index_speed", rows, _table(rows))


def _measured(case: Case) -> IndexRow:
    with tempfile.TemporaryDirectory(prefix="tsea-index-speed-") as scratch:
        corpus = Path(scratch) / "corpus.txt"
        _write_corpus(corpus)
        name = case.subject(Path(scratch) / "subject")
        pairs, found = apart(_turns, name, corpus, case.timed)
        peaks = [apart(_peak, name, corpus, tokens) for tokens in (case.held, LARGER * case.held)]
    return IndexRow(
        subject=case.name,
        features=found.features,
        l0=found.l0,
        timed=found.tokens,
        bare=statistics.median(bare for bare, _ in pairs),
        index=statistics.median(index for _, index in pairs),
        share=statistics.median(index / bare for bare, index in pairs),
        held=case.held,
        peak_mb=peaks[0],
        peak_mb_larger=peaks[1],
    )


def _write_corpus(path: Path) -> None:
    """The sampled corpus as text: runs of up to `_LONGEST` rows make documents, so that some rows are short."""
    from transformers import PreTrainedTokenizerFast

    from ..tools.activations.documents import SEPARATOR
    from ..tools.subject.text_rows import SAMPLED_CORPUS, bundled_text

    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(SAMPLED_CORPUS.parent / "model" / "tokenizer.json"))
    rows = bundled_text()[:, 1:]
    sizes = np.random.default_rng(0).integers(1, _LONGEST, len(rows), endpoint=True)
    documents = np.split(rows, np.cumsum(sizes)[np.cumsum(sizes) < len(rows)])
    texts = [str(tokenizer.decode(document.ravel().tolist(), skip_special_tokens=True)) for document in documents]
    path.write_text(f"\n{SEPARATOR}\n".join(texts), encoding="utf-8")


def _turns(name: str, corpus: Path, tokens: int) -> tuple[list[tuple[float, float]], IndexSummary]:
    """Tokens per second of bare loop and index, turn by turn, and what the index holds."""
    from ..tools.activations.indexing import open_index, summary
    from ..tools.subject import open_subject

    subject = open_subject(name)
    _bare(subject, 1)
    pairs = [
        (_per_second(partial(_bare, subject, tokens)), _per_second(partial(_index, subject, corpus, tokens)))
        for _ in range(TURNS)
    ]
    return pairs, summary(open_index(subject), subject)


def _per_second(work: Callable[[], int]) -> float:
    start = time.perf_counter()
    return work() / (time.perf_counter() - start)


def _bare(subject: Subject, tokens: int) -> int:
    """Run so many tokens of full rows, one batch at least; how many they were, BOS not counted."""
    from ..tools.activations.building import tokens_at_once
    from ..tools.activations.rows import context_of
    from ..tools.subject.reading import feature_activations
    from ..tools.subject.text_rows import bundled_text

    context, done = context_of(subject), 0
    rows = bundled_text()[:, :context]
    batch = max(1, tokens_at_once(subject) // context)
    for start in range(0, len(rows), batch):
        feature_activations(subject, rows[start : start + batch])
        done += batch * (context - 1)
        if done >= tokens:
            break
    return done


def _index(subject: Subject, corpus: Path, tokens: int) -> int:
    """Index the first tokens of a corpus file anew; how many they were."""
    from ..tools.activations.documents import open_corpus
    from ..tools.activations.indexing import index_corpus

    fresh_home()
    return int(index_corpus(subject, open_corpus([str(corpus)]), tokens).firsts[-1])


def _peak(name: str, corpus: Path, tokens: int) -> float | None:
    from ..tools.subject import open_subject

    subject = open_subject(name)
    _bare(subject, 1)  # libraries take their working memory
    before = reset_peak()
    _index(subject, corpus, tokens)
    return peak_above(before)


def _table(rows: Sequence[IndexRow]) -> str:
    def memory(peak: float | None) -> str:
        return "" if peak is None else f"{peak:,.0f} MB"

    headers = (
        *("subject", "features", "L0", "bare loop, tokens/s", "tsea index, tokens/s", "share"),
        *("corpus, tokens", "peak memory", f"peak memory, {LARGER} times the corpus"),
    )
    cells = [
        (r.subject, f"{r.features:,}", f"{r.l0:.0f}", f"{r.bare:,.0f}", f"{r.index:,.0f}", f"{r.share:.0%}")
        + (f"{r.held:,}", memory(r.peak_mb), memory(r.peak_mb_larger))
        for r in rows
    ]
    return markdown_table(headers, cells)
