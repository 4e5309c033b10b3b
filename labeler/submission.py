"""Labels that somebody submits: their hypotheses are tested, and the tests decide what the label claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

import numpy as np

from ..tools.inputs.spec import InputSpec, parse_input_spec
from ..tools.ledger import Made, TestLedger
from ..tools.results import InputTestRow, SetTestRow
from ..tools.statistics.names import CLASSES, Side
from ..tools.storage.tables import Claim, Label
from ..tools.token_sets.spec import TokenSetSpec, parse_spec
from ..tools.workbench import Workbench
from ..tools.written_sets import WrittenSet
from .claims import LEVEL
from .hypotheses import Hypothesis

_NULLS: tuple[Literal["present", "specific"], ...] = ("present", "specific")
_SIDES: dict[str, Side] = {"promotes": "promoted", "suppresses": "suppressed"}


@dataclass(frozen=True)
class Judgement:
    """A hypothesis as tested, what it may claim, and why not more."""

    hypothesis: Hypothesis
    claim: Claim
    why: str


@dataclass(frozen=True)
class Submission:
    """What is said of a feature: a sentence, hypotheses (any JSON that the languages read), and how sure one is."""

    feature: int
    text: str
    promotes: Sequence[Mapping[str, Any] | str] = ()
    suppresses: Sequence[Mapping[str, Any] | str] = ()
    fires: Sequence[Mapping[str, Any] | str] = ()
    confidence: float | None = None
    refute: str = ""


def judged_label(
    workbench: Workbench, ledger: TestLedger, given: Submission, labeler: str
) -> tuple[Label, list[Judgement]]:
    """The label of a submission with its tested hypotheses; every test enters the ledger.

    A hypothesis claims `specific` when it is selected (q <= .05 over all tests of the feature in the run) under the
    specific null, holds on confirm tokens and stands without its top member, `present` when that is so under the
    present null alone; input hypotheses have the specific null alone, and confirm documents. The label claims what
    its best one does. Raises UsageError for specifications that cannot be tested.
    """
    inputs = [parse_input_spec(spec) for spec in given.fires]
    sets = [(name, parse_spec(spec)) for name in _SIDES for spec in getattr(given, name)]
    judged = _judged(workbench, ledger, given.feature, sets, inputs)
    claims = {one.claim for one in judged}
    claim: Claim = "specific" if "specific" in claims else "present" if "present" in claims else "none"
    q = [one.hypothesis.q for one in judged if one.claim == claim != "none"]
    label = Label(
        feature=given.feature,
        status="no_claim" if claim == "none" else "labelled",
        text=given.text,
        kind=CLASSES[workbench.shapes.dictionary_classes[given.feature]],
        claim=claim,
        hypotheses=[one.hypothesis.model_dump() | {"claim": one.claim, "why": one.why} for one in judged],
        confidence=given.confidence,
        q=min(q, default=None),
        refute=given.refute,
        evidence=[f"{spec.hash}:{name}" for name, spec in sets] + [f"{spec.hash}:fires" for spec in inputs],
        provenance={
            "labeler": labeler,
            "version": version("tsea"),
            "subject": workbench.subject.hash,
            "convention": workbench.subject.convention,
            "library": workbench.library.hash,
        },
    )
    return label, judged


def _judged(
    workbench: Workbench,
    ledger: TestLedger,
    feature: int,
    sets: Sequence[tuple[str, TokenSetSpec]],
    inputs: Sequence[InputSpec],
) -> list[Judgement]:
    """All hypotheses of a label tested, then judged together: q covers every one of them."""
    chosen = np.array([feature])
    written = [WrittenSet(workbench, spec) for _, spec in sets]
    made: list[Made[Any]] = [
        Made.of(one.spec, null, list(workbench.test_set(chosen, one, null, ledger=ledger)))
        for one in written
        for null in _NULLS
    ]
    made += [Made.of(spec, "specific", [ledger.read(workbench.reading, chosen, spec)]) for spec in inputs]
    found = [rows for (rows,) in ledger.settled(made)] if made else []
    tested = zip(found[: 2 * len(sets) : 2], found[1 : 2 * len(sets) : 2], strict=True)
    judged = [
        _output(workbench, feature, name, one, present, specific)
        for (name, _), one, (present, specific) in zip(sets, written, tested, strict=True)
    ]
    return judged + [_input(spec, row) for spec, (row,) in zip(inputs, found[2 * len(sets) :], strict=True)]


def _output(
    workbench: Workbench,
    feature: int,
    direction: str,
    written: WrittenSet,
    present_rows: list[SetTestRow],
    specific_rows: list[SetTestRow],
) -> Judgement:
    side = _SIDES[direction]
    present, specific = _mass(present_rows, side), _mass(specific_rows, side)
    alone = None if present.circular else workbench.set_details(feature, written, side, rivals=0).p_without_top
    claim, why = _claim(present, specific, stands=alone is not None and alone <= LEVEL)
    hypothesis = Hypothesis(
        side="output",
        direction="promotes" if direction == "promotes" else "suppresses",
        spec=written.spec.canonical(),
        effect=present.value or 0.0,
        p_present=present.p,
        p_specific=1.0 if specific.p is None else specific.p,
        q=1.0 if present.q is None else present.q,
        holds=present.holds,
    )
    return Judgement(hypothesis, claim, why)


def _mass(rows: list[SetTestRow], side: Side) -> SetTestRow:
    return next(row for row in rows if row.statistic == "mass" and row.side == side)


def _claim(present: SetTestRow, specific: SetTestRow, *, stands: bool) -> tuple[Claim, str]:
    if present.circular:
        return "none", "made from this feature: no evidence about it"
    if present.q is None or present.q > LEVEL:
        return "none", f"q {_shown(present.q)} over {present.tests} tests is above {LEVEL}"
    if not present.holds:
        return "none", "does not hold on confirm tokens" if present.holds is False else "too few confirm tokens to tell"
    if not stands:
        return "none", "rests on its top member alone"
    if specific.q is None or specific.q > LEVEL:
        return "present", f"there, but typical of this dictionary: q {_shown(specific.q)} under the specific null"
    if not specific.holds:
        return "present", "there, but under the specific null it does not hold on confirm tokens"
    return "specific", "selected under both nulls, holds on confirm tokens"


def _input(spec: InputSpec, row: InputTestRow) -> Judgement:
    claim: Claim = "none"
    if row.circular:
        why = "made from this feature: no evidence about it"
    elif row.p is None:
        why = "fires too rarely to be tested"
    elif row.q is None or row.q > LEVEL:
        why = f"q {_shown(row.q)} over {row.tests} tests is above {LEVEL}"
    elif not row.holds:
        why = "does not hold on confirm documents"
    else:
        claim, why = "specific", "selected against random encoder directions, holds on confirm documents"
    hypothesis = Hypothesis(
        side="input",
        direction="fires",
        spec=spec.canonical(),
        effect=row.share or 0.0,
        base=row.base,
        p_present=None,
        p_specific=1.0 if row.p is None else row.p,
        q=1.0 if row.q is None else row.q,
        holds=row.holds,
    )
    return Judgement(hypothesis, claim, why)


def _shown(q: float | None) -> str:
    return "unknown" if q is None else f"{q:.2g}"
