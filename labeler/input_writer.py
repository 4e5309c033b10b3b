"""Input claims as parts of a label: sentences, hypotheses and ledger rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..tools.inputs.rows import held
from ..tools.inputs.slices import Where
from ..tools.inputs.spec import InputSpec
from ..tools.ledger import HIT
from ..tools.storage.tables import Hypothesis as HypothesisRow
from ..tools.token_sets.spec import parse_spec
from ..tools.vocabulary import Vocabulary
from .confidence import HoldingModel
from .hypotheses import Hypothesis
from .reading import RunReading

TOKENS_IN_TEXT = 5


@dataclass(frozen=True)
class WrittenInputs:
    """What a label says of what its feature fires on; `sets` are as `wording.claim_text` takes them."""

    sets: list[tuple[Where, str, list[str], float]]
    hypotheses: list[Hypothesis]
    evidence: list[str]
    q: float
    confidence: float


class InputWriter:
    """Writes what a run's readers may be said to fire on."""

    def __init__(self, read: RunReading, vocabulary: Vocabulary) -> None:
        self._read, self._vocabulary = read, vocabulary
        self._holding = HoldingModel.of(read.outcomes())

    def claim(self, reader: int) -> WrittenInputs | None:
        """The input claim of a reader; None where there is none."""
        claim = self._read.claim(reader)
        if claim is None:
            return None
        return WrittenInputs(
            sets=[self._described(reader, row) for row in claim.rows],
            hypotheses=[self._hypothesis(row) for row in claim.rows],
            evidence=[f"{self._set_name(row)}:{self._where(row)}" for row in claim.rows],
            q=claim.q,
            confidence=self._holding.probability(float(self._read.evidence.confirm_p[claim.rows[0]])),
        )

    def echo(self, reader: int, ids: np.ndarray) -> tuple[float | None, float | None]:
        """Share of all tokens, and of a reader's firings, on some tokens; None where it fires too rarely."""
        share, base = self._read.reading.share_on(self._read.readers, reader, ids)
        return (None, None) if np.isnan(share) else (base, share)

    def hits(self, feature: int, reader: int) -> list[HypothesisRow]:
        """Ledger rows of the tests with a run-wide q of at most HIT."""
        evidence = self._read.evidence
        return [
            HypothesisRow(
                feature=feature,
                spec_hash=self._spec(row).hash,
                set_name=self._set_name(row),
                statistic="reading share",
                null="specific",
                side=self._where(row),
                effect=float(evidence.share[row]),
                p_specific=float(evidence.p[row]),
                q=float(self._read.q[row]),
                holds=held(evidence.confirm_p[row]),
            )
            for row in self._read.rows_of(reader)
            if self._read.q[row] <= HIT
        ]

    def _described(self, reader: int, row: int) -> tuple[Where, str, list[str], float]:
        column = int(self._read.evidence.column[row])
        tokens = self._read.reading.tokens(self._read.readers, reader, column, TOKENS_IN_TEXT)
        shown = [self._vocabulary.shown(token) for token in tokens]
        share = float(self._read.evidence.share[row])
        return self._where(row), self._read.reading.set(column).description, shown, share

    def _hypothesis(self, row: int) -> Hypothesis:
        evidence, column = self._read.evidence, int(self._read.evidence.column[row])
        return Hypothesis(
            side="input",
            direction="fires",
            spec=self._spec(row).canonical(),
            effect=float(evidence.share[row]),
            base=float(self._read.reading.places.base[column]),
            p_present=None,
            p_specific=float(evidence.p[row]),
            q=float(self._read.q[row]),
            holds=True,
        )

    def _spec(self, row: int) -> InputSpec:
        return InputSpec.model_validate({self._where(row): parse_spec(self._set_name(row))})

    def _set_name(self, row: int) -> str:
        return self._read.reading.set(int(self._read.evidence.column[row])).name

    def _where(self, row: int) -> Where:
        return self._read.reading.columns[int(self._read.evidence.column[row])].where
