"""Input claims: which token sets a run may say that its features fire on, behind, or before.

The run's own error control: over all sets by the largest that random directions reach, over features by Benjamini and
Hochberg at .05, on open documents; what is selected must hold on confirm documents, and beyond better sets there.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from ..tools.inputs.enrichment import HOLDS, Readers, ReadingEnrichment
from ..tools.statistics.fdr import two_stage_q_of_adjusted
from ..tools.statistics.reading import information
from .claims import LEVEL, MAX_SETS, at_rate
from .evidence import KEPT_P

WORTH_SAYING = 0.1  # least share of the firings: a rarer thing may be beyond chance, but it is not what makes it fire
_BLOCK = 256  # features that are tested at once


@dataclass(frozen=True)
class ReadingEvidence:
    """Tests of F readers: one row for each that might be a hit; `tested` (F,) says which readers fire often enough.

    Row arrays (n,): `reader` and `column`, its share, the odds ratio to what is rare (`ratio`), p, p over all sets
    (`p_any`) and p on confirm documents (NaN where it could not be tested there).
    """

    reader: np.ndarray
    column: np.ndarray
    share: np.ndarray
    ratio: np.ndarray
    p: np.ndarray
    p_any: np.ndarray
    confirm_p: np.ndarray
    tested: np.ndarray


@dataclass(frozen=True)
class InputClaim:
    """Evidence rows of the sets that may be said of one reader, best first, and the q of the first."""

    rows: tuple[int, ...]
    q: float


@dataclass(frozen=True)
class RunReading:
    """What the readers of a run fire on: their evidence with its q-values (n,)."""

    reading: ReadingEnrichment
    readers: Readers
    evidence: ReadingEvidence
    q: np.ndarray

    @classmethod
    def of(cls, reading: ReadingEnrichment, features: np.ndarray) -> RunReading:
        """Test and judge the features of a run together."""
        readers = reading.features(features)
        evidence = gather_reading(reading, readers)
        return cls(reading, readers, evidence, _q(evidence))

    def decoys(self) -> RunReading:
        """Random encoder directions, judged at the thresholds of this run."""
        readers = self.reading.decoys(self.readers)
        evidence = gather_reading(self.reading, readers)
        selected = len(np.unique(self.evidence.reader[self.q <= LEVEL]))
        q = at_rate(evidence.p_any, selected, int(self.evidence.tested.sum()))
        return RunReading(self.reading, readers, evidence, q)

    def claim(self, reader: int) -> InputClaim | None:
        """What may be said of a reader: sets selected, confirmed, worth saying, and enriched beyond better ones there.

        The more a share says (`information`), the better. A set of several words must be enriched without the one that
        weighs most; single words come last, for what no set says.
        """
        evidence, columns = self.evidence, self.reading.columns
        own = np.array(self.rows_of(reader), np.int64)
        confirmed = (self.q[own] <= LEVEL) & (evidence.confirm_p[own] <= HOLDS)
        eligible = own[confirmed & (evidence.share[own] >= WORTH_SAYING)]
        words = np.array([self.reading.is_word(column) for column in evidence.column[eligible].tolist()], bool)
        kept: list[int] = []
        base = self.reading.places.base[evidence.column[eligible]]
        says = information(np.minimum(evidence.share[eligible].astype(np.float64), 1), base)
        for row in eligible[np.lexsort((-says, words))].tolist():
            column = int(evidence.column[row])
            if not self._of_several_words(reader, column):
                continue
            rivals = [int(evidence.column[k]) for k in kept]
            rivals = [rival for rival in rivals if columns[rival].where == columns[column].where]
            if all(self.reading.p_without(self.readers, reader, column, rival) <= LEVEL for rival in rivals):
                kept.append(row)
            if len(kept) == MAX_SETS:
                break
        return InputClaim(tuple(kept), float(self.q[kept[0]])) if kept else None

    def _of_several_words(self, reader: int, column: int) -> bool:
        """Whether a set is enriched without its top word; a word stands for itself."""
        reading = self.reading
        return reading.is_word(column) or reading.p_without_top_word(self.readers, reader, column) <= LEVEL

    def rows_of(self, reader: int) -> range:
        """Evidence rows of one reader (rows are ordered by reader)."""
        start, stop = np.searchsorted(self.evidence.reader, [reader, reader + 1])
        return range(int(start), int(stop))

    def outcomes(self) -> np.ndarray:
        """p on confirm documents of the strongest selected test of each reader that has one."""
        evidence = self.evidence
        known = np.flatnonzero((self.q <= LEVEL) & np.isfinite(evidence.confirm_p))
        order = known[np.lexsort((-evidence.ratio[known], evidence.reader[known]))]
        best = order[np.unique(evidence.reader[order], return_index=True)[1]]
        return evidence.confirm_p[best]


def gather_reading(reading: ReadingEnrichment, readers: Readers) -> ReadingEvidence:
    """Test every set at every place on readers."""
    blocks: list[ReadingEvidence] = []
    for start in range(0, len(readers), _BLOCK):
        found = reading.read(readers.part(slice(start, start + _BLOCK)))
        at = np.nonzero(found.p_any <= KEPT_P)
        arrays = (found.shares, found.ratio, found.p, found.p_any, found.confirm_p)
        tested = np.asarray((~np.isnan(found.p_any)).any(axis=1))
        share, ratio, p, p_any, confirm_p = (array[at] for array in arrays)
        blocks.append(ReadingEvidence(at[0] + start, at[1], share, ratio, p, p_any, confirm_p, tested))
    joined = {f.name: np.concatenate([getattr(block, f.name) for block in blocks]) for f in fields(ReadingEvidence)}
    return ReadingEvidence(**joined)


def _q(evidence: ReadingEvidence) -> np.ndarray:
    """q of every row; tests without a row have a p of more than KEPT_P, and as 1 they leave every q up to that."""
    counts = np.bincount(evidence.reader, minlength=len(evidence.tested))
    place = np.arange(len(evidence.reader)) - np.repeat(np.cumsum(counts) - counts, counts)
    dense = np.full((len(counts), 1 + int(counts.max(initial=0))), np.nan)
    dense[evidence.tested, -1] = 1
    dense[evidence.reader, place] = evidence.p_any
    return two_stage_q_of_adjusted(dense)[evidence.reader, place]
