"""The statistical labeler: a claim (or the lack of one) becomes a label, without a language model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..tools.ledger import HIT
from ..tools.results import TokenWeight
from ..tools.statistics.mass import SIDES
from ..tools.statistics.names import CLASSES
from ..tools.storage.tables import Hypothesis as HypothesisRow
from ..tools.storage.tables import Label
from ..tools.token_sets.library import TokenSet
from ..tools.token_sets.spec import parse_spec
from ..tools.workbench import Workbench
from . import wording
from .claims import LEVEL, Claim, Judged
from .confidence import HoldingModel
from .hypotheses import Hypothesis
from .input_writer import InputWriter
from .reading import RunReading

MEMBERS_IN_TEXT = 5
DIRECTIONS = ("promotes", "suppresses")


class StatisticalLabeler:
    """Writes labels for one run's judged evidence; `provenance` goes into every label.

    `read` holds what the run's features fire on, where there is an index; features stand in it as in `judged`.
    """

    def __init__(
        self, workbench: Workbench, judged: Judged, provenance: Mapping[str, Any], read: RunReading | None = None
    ) -> None:
        self._workbench = workbench
        self._judged = judged
        self._provenance = dict(provenance)
        self._holding = HoldingModel.of(judged.outcomes())
        self._inputs = None if read is None else InputWriter(read, workbench.subject.vocabulary)

    def label(self, feature: int, direction: int, open_weights: np.ndarray, claim: Claim | None) -> Label:
        """The label of a feature that stands at index `direction` of the run, from its weights on open tokens."""
        top = self._workbench.extreme_tokens(open_weights, 1)
        bottom = self._workbench.extreme_tokens(open_weights, -1)
        label = Label(
            feature=feature,
            status="no_claim",
            text="",
            kind=CLASSES[self._judged.evidence.codes[direction]],
            claim="none",
            provenance=self._provenance,
        )
        if not np.isfinite(open_weights).all() or np.ptp(open_weights) == 0:
            label.text = "This feature ranks no token: its decoder row is zero or its logit weights are all equal."
            return label
        inputs = self._inputs and self._inputs.claim(direction)
        if claim is None and not inputs:
            closest = self._judged.closest(direction)
            label.text = wording.no_claim_text(top, bottom, self._closest_text(closest))
            label.q = None if closest is None else float(self._judged.levels.present[closest])
            return label
        rows = claim.rows if claim else ()
        few = top if claim and claim.local else None
        sets = [(int(self._judged.evidence.side[r]), self._set(r), self._members(open_weights, r)) for r in rows]
        read = inputs.sets if inputs else []
        # Random encoder directions, the null of inputs, are those of the dictionary.
        label.status, label.claim = "labelled", "specific" if inputs or (claim and claim.specific) else "present"
        label.hypotheses = self._outputs(direction, top, claim) if claim else []
        label.hypotheses += [_claimed(one, True) for one in (inputs.hypotheses if inputs else ())]
        label.text = wording.claim_text([(s, t.description, m) for s, t, m in sets], few, read)
        label.refute = wording.refutation(
            [(s, t.description) for s, t, _ in sets], few, [(where, text) for where, text, *_ in read]
        )
        label.evidence = [*(f"{t.name}:{SIDES[s]}" for s, t, _ in sets), *(inputs.evidence if inputs else ())]
        label.q = claim.q if claim else inputs and inputs.q
        label.confidence = self._confidence(claim) if claim else inputs and inputs.confidence
        return label

    def hits(self, feature: int, direction: int) -> list[HypothesisRow]:
        """Ledger rows of the tests with a run-wide q of at most .1, one for each null that gives it."""
        evidence, levels = self._judged.evidence, self._judged.levels
        rows: list[HypothesisRow] = []
        for null, q in (("present", levels.present), ("specific", levels.specific)):
            for row in self._judged.rows_of(direction):
                if q[row] > HIT:
                    continue
                chosen = self._set(row)
                confirm = evidence.confirm_present if null == "present" else evidence.confirm_specific
                rows.append(
                    HypothesisRow(
                        feature=feature,
                        spec_hash=parse_spec({"library": chosen.name}).hash,
                        set_name=chosen.name,
                        statistic="mass",
                        null=null,
                        side=SIDES[evidence.side[row]],
                        effect=float(evidence.mass[row]),
                        p_present=float(evidence.p_present[row]),
                        p_specific=float(evidence.p_specific[row]),
                        q=float(q[row]),
                        holds=None if np.isnan(confirm[row]) else bool(confirm[row] <= LEVEL),
                    )
                )
        return rows + (self._inputs.hits(feature, direction) if self._inputs else [])

    def _set(self, row: int) -> TokenSet:
        return self._workbench.sets[int(self._judged.evidence.column[row])]

    def _members(self, open_weights: np.ndarray, row: int) -> list[str]:
        view, sign = self._workbench.views["open"], (1, -1)[self._judged.evidence.side[row]]
        members = view.members(int(self._judged.evidence.column[row]))
        chosen = members[np.argsort(-sign * open_weights[members], kind="stable")[:MEMBERS_IN_TEXT]]
        return self._workbench.shown(chosen)

    def _outputs(self, direction: int, top: list[TokenWeight], claim: Claim) -> list[dict[str, Any]]:
        few = [_claimed(self._local_hypothesis(direction, top, claim), claim.specific)] if claim.local else []
        return few + [
            _claimed(self._hypothesis(direction, row), n < claim.specific_rows) for n, row in enumerate(claim.rows)
        ]

    def _hypothesis(self, direction: int, row: int) -> Hypothesis:
        evidence, chosen = self._judged.evidence, self._set(row)
        base, echo = self._inputs.echo(direction, chosen.ids) if self._inputs else (None, None)
        return Hypothesis(
            side="output",
            direction=DIRECTIONS[evidence.side[row]],
            spec={"library": chosen.name},
            effect=float(evidence.mass[row]),
            base=base,
            echo=echo,
            p_present=float(evidence.p_present[row]),
            p_specific=float(evidence.p_specific[row]),
            q=float(self._judged.levels.present[row]),
            holds=True,
        )

    def _local_hypothesis(self, direction: int, top: list[TokenWeight], claim: Claim) -> Hypothesis:
        evidence, ids = self._judged.evidence, [t.id for t in top[: wording.SHOWN]]
        base, echo = self._inputs.echo(direction, np.array(ids)) if self._inputs else (None, None)
        return Hypothesis(
            side="output",
            direction="promotes",
            spec={"ids": ids},
            effect=float(evidence.concentration[direction]),
            base=base,
            echo=echo,
            p_present=float(evidence.concentration_present[direction]),
            p_specific=float(evidence.concentration_specific[direction]),
            q=claim.q,
            holds=None,
        )

    def _closest_text(self, row: int | None) -> str | None:
        if row is None:
            return None
        q, side = self._judged.levels.present[row], self._judged.evidence.side[row]
        return f"{DIRECTIONS[side]} {wording.inline(self._set(row).description)}, q = {q:.2g}"

    def _confidence(self, claim: Claim) -> float | None:
        """Probability that the leading set holds on sealed tokens; None where no set is claimed, only few tokens."""
        if not claim.rows:
            return None
        return self._holding.probability(float(self._judged.evidence.confirm_present[claim.rows[0]]))


def _claimed(hypothesis: Hypothesis, specific: bool) -> dict[str, Any]:
    """A hypothesis as a label keeps it, with what it claims."""
    return hypothesis.model_dump() | {"claim": "specific" if specific else "present"}
