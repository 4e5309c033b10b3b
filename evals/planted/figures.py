"""Figures of a labeler on planted truth: recall, power, wrong claims and calibration, of groups of features."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .inputs import InputOutcome
from .outputs import OutputOutcome

BINS = 10
PURE = 0.5
_SIZES = ((30, "under 30"), (100, "30 to 99"), (300, "100 to 299"), (np.inf, "300 and more"))
_OVERLAPS = ((0.1, "under .1"), (0.3, ".1 to .3"), (0.6, ".3 to .6"), (np.inf, ".6 to .8"))


@dataclass(frozen=True)
class OutputRow:
    """Figures of n features; None where nothing is there to take a share of.

    `power` is the share whose planted set passes the labeler's test when it is known in advance, `recall_top1` the
    share whose first claim is the planted set, both of features whose set the library holds, nearly or wholly (`known`
    of them); `power_outside` and `recall_outside` of the others. `jaccard` is the mean Jaccard index of the best claim
    with the planted set (0 without claim), `jaccard_first` that of the first. `wrong_claims` is the share of `claims`
    that are wrong (see `outputs`), `kindred` that hold no planted tokens beyond chance and yet are not, `typical` the
    number of claims that can be neither right nor wrong. `ece` is the expected
    calibration error of `confident` labels' confidence against whether their first set holds on test tokens (Naeini et
    al. 2015, doi:10.1609/aaai.v29i1.9602), `confidence` and `holds` the means of both.
    """

    strength: float | None
    n: int
    known: int
    power: float | None
    recall_top1: float | None
    power_outside: float | None
    recall_outside: float | None
    jaccard: float | None
    jaccard_first: float | None
    claimed: float
    claims: int
    wrong_claims: float | None
    kindred: float | None
    typical: int
    ece: float | None
    confident: int
    confidence: float | None
    holds: float | None


@dataclass(frozen=True)
class InputRow:
    """Figures of n features by what their encoders were fitted to; means and shares as in OutputRow.

    `purity` and `coverage`: how well what was planted tells where they really fire on held-out documents; `pure` have a
    purity of PURE or more, and `recall_pure` is that of those.
    """

    kind: str
    n: int
    purity: float | None
    coverage: float | None
    power: float | None
    recall_top1: float | None
    pure: int
    recall_pure: float | None
    jaccard_first: float | None
    claimed: float
    claims: int
    wrong_claims: float | None


def output_row(outcomes: Sequence[OutputOutcome], strength: float | None = None) -> OutputRow:
    """The figures of a group of features."""
    planted = [one for one in outcomes if one.truth.sets]
    known, outside = ([one for one in planted if one.in_library == inside] for inside in (True, False))
    asked = [(one.confidence, one.holds) for one in outcomes if one.confidence is not None and one.holds is not None]
    confidence, holds = (np.array([pair[n] for pair in asked], float) for n in (0, 1))
    claims = sum(one.claims for one in outcomes)
    return OutputRow(
        strength=strength,
        n=len(outcomes),
        known=len(known),
        power=_mean([one.power for one in known]),
        recall_top1=_mean([one.found for one in known]),
        power_outside=_mean([one.power for one in outside]),
        recall_outside=_mean([one.found for one in outside]),
        jaccard=_mean([one.best for one in planted]),
        jaccard_first=_mean([one.first for one in planted]),
        claimed=_mean([one.claims + one.typical > 0 for one in outcomes]) or 0.0,
        claims=claims,
        wrong_claims=sum(one.wrong for one in outcomes) / claims if claims else None,
        kindred=sum(one.kindred for one in outcomes) / claims if claims else None,
        typical=sum(one.typical for one in outcomes),
        ece=calibration_error(confidence, holds),
        confident=len(asked),
        confidence=_mean(confidence),
        holds=_mean(holds),
    )


def by_strength(outcomes: Sequence[OutputOutcome]) -> list[OutputRow]:
    """One row for each strength, nulls (0) first."""
    groups = _grouped(outcomes, lambda one: one.truth.strength)
    return [output_row(groups[strength], strength) for strength in sorted(groups)]


def by_kind(outcomes: Sequence[OutputOutcome]) -> dict[str, OutputRow]:
    """One row for each kind of planted set."""
    return {kind: output_row(own) for kind, own in _grouped(outcomes, lambda one: one.truth.kind).items()}


def by_size(outcomes: Sequence[OutputOutcome]) -> dict[str, OutputRow]:
    """One row for each range of sizes of (the smaller of) the planted sets."""
    sized = [one for one in outcomes if one.truth.sets]
    return _ranges(sized, lambda one: min(len(s.ids) for s in one.truth.sets), _SIZES)


def by_overlap(outcomes: Sequence[OutputOutcome]) -> dict[str, OutputRow]:
    """One row for each range of the Jaccard index of sets of the library, alone, with their nearest rival there."""
    alone = [one for one in outcomes if one.truth.kind in ("library", "rival")]
    return _ranges(alone, lambda one: one.truth.sets[0].overlap, _OVERLAPS)


def input_rows(outcomes: Sequence[InputOutcome]) -> list[InputRow]:
    """One row for each kind of planted input."""
    rows: list[InputRow] = []
    for kind, own in _grouped(outcomes, lambda one: one.truth.kind).items():
        claims = sum(one.claims for one in own)
        planted = [one for one in own if one.truth.spec is not None]
        pure = [one for one in planted if (one.purity or 0) >= PURE]
        rows.append(
            InputRow(
                kind=kind,
                n=len(own),
                purity=_mean([one.purity for one in own]),
                coverage=_mean([one.coverage for one in own]),
                power=_mean([one.power for one in own]),
                recall_top1=_mean([one.found for one in planted]),
                pure=len(pure),
                recall_pure=_mean([one.found for one in pure]),
                jaccard_first=_mean([one.first for one in planted]),
                claimed=_mean([one.claims > 0 for one in own]) or 0.0,
                claims=claims,
                wrong_claims=sum(one.wrong for one in own) / claims if claims else None,
            )
        )
    return rows


def calibration_error(confidence: np.ndarray, holds: np.ndarray) -> float | None:
    """Mean distance, over BINS equal bins of confidence weighted by their counts, of mean confidence to share held.

    None without any.
    """
    if not len(confidence):
        return None
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, confidence - holds, BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def _mean(values: Sequence[Any] | np.ndarray) -> float | None:
    known = [float(one) for one in values if one is not None]
    return float(np.mean(known)) if known else None


def _grouped(outcomes: Sequence[Any], key: Callable[[Any], Hashable]) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = {}
    for one in outcomes:
        groups.setdefault(key(one), []).append(one)
    return groups


def _ranges(
    outcomes: Sequence[OutputOutcome], value: Callable[[OutputOutcome], float], bounds: Sequence[tuple[float, str]]
) -> dict[str, OutputRow]:
    groups = _grouped(outcomes, lambda one: next(name for below, name in bounds if value(one) < below))
    return {name: output_row(groups[name]) for _, name in bounds if name in groups}
