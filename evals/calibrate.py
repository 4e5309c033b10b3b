"""Calibration of every statistic under every null: `tsea eval calibrate`.

Type I error at .05 among true nulls, and false discovery proportion and power of Benjamini-Hochberg at 5 % over all
directions and sets of a case (see `cases`), from two-sided p-values. Then power by how common a concept is and by how
members are raised (see `power`), and random-set p-values against values known otherwise (see `exactness`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ..tools.progress import Progress, silent
from ..tools.statistics.fdr import benjamini_hochberg
from ..tools.statistics.names import NullChoice
from ..tools.storage.cache import ByteCache
from ..tools.workbench import Workbench
from .case_tests import p_values
from .cases import Case, Scale, Trial, pocket_cases, synthetic
from .exactness import ReferenceValue, TailCheck, reference_values, tail_checks
from .power import (
    ALTERNATIVE_LEVEL,
    CORRELATION,
    PREVALENCE_LEVEL,
    AlternativePower,
    ConceptPower,
    power_by_alternative,
    power_by_prevalence,
)
from .results import Report, markdown_table

LEVEL = 0.05
POCKET_FEATURES = 1_000
SEED = 0


@dataclass(frozen=True)
class Rates:
    """How a statistic fares under a null in a case."""

    case: str
    statistic: str
    null: str
    type1_05: float
    fdp: float
    power: float


@dataclass(frozen=True)
class Calibration:
    """Everything measured."""

    rows: list[Rates]
    power_by_prevalence: list[ConceptPower]
    power_by_alternative: list[AlternativePower]
    reference_values: list[ReferenceValue]
    tails: list[TailCheck]

    def table(self) -> str:
        """The tables, each under a line that says what it shows."""
        rates = [
            (r.case, r.statistic, r.null, f"{r.type1_05:.3f}", f"{r.fdp:.3f}", f"{r.power:.2f}") for r in self.rows
        ]
        concepts = [(f"{r.prevalence:.0%}", r.statistic, r.null, f"{r.power:.2f}") for r in self.power_by_prevalence]
        alternatives = [(r.raised, r.statistic, f"{r.power:.2f}") for r in self.power_by_alternative]
        values = [(r.quantity, f"{r.expected:.5g}", f"{r.found:.5g}") for r in self.reference_values]
        tails = [
            (r.weights, r.size, *(f"{value:.2f}" for value in (r.believed, r.splitting, r.bank))) for r in self.tails
        ]
        return "\n".join(
            f"{heading}:\n\n{markdown_table(columns, rows)}"
            for heading, columns, rows in (
                (
                    "Type I error at .05; false discovery proportion and power at BH 5 %",
                    ("case", "statistic", "null", "type I", "FDP", "power"),
                    rates,
                ),
                (
                    f"Power at p < {PREVALENCE_LEVEL:g} by the share of features that carry a concept",
                    ("share", "statistic", "null", "power"),
                    concepts,
                ),
                (
                    f"Power at p < {ALTERNATIVE_LEVEL:g} by what is raised (random-set null, independent tokens)",
                    ("members raised", "statistic", "power"),
                    alternatives,
                ),
                ("Unweighted score, random sets", ("quantity", "expected", "found"), values),
                (
                    "Weighted score, random sets: log10 p (exact where weights are equal, else a large splitting run)",
                    ("weights", "set size", "exact or large run", "splitting", "bank alone"),
                    tails,
                ),
            )
        )


def calibrate(progress: Progress = silent) -> Calibration:
    """Measure everything; nothing is read from or left in the cache of TSEA_HOME but the token set library."""
    scale = Scale()
    cases = [
        synthetic("independent", 0.0, SEED, scale),
        synthetic("clustered", CORRELATION, SEED, scale),
        *pocket_cases(Workbench.open("pocket", imported=False), POCKET_FEATURES, SEED),
    ]
    with tempfile.TemporaryDirectory() as folder, ByteCache(Path(folder)) as cache:
        rows = measure_rates(cases, cache, progress)
        concepts = power_by_prevalence(cache)
    return Calibration(rows, concepts, power_by_alternative(), reference_values(), tail_checks())


def measure_rates(cases: Sequence[Case], cache: ByteCache, progress: Progress = silent) -> list[Rates]:
    """Rates of every statistic under every null for which a case has a trial."""
    trials: list[tuple[Case, NullChoice]] = [(case, null) for case in cases for null in case.trials]
    rows: list[Rates] = []
    for done, (case, null) in enumerate(trials):
        for statistic, p in p_values(case, null, cache).items():
            rows.append(rates(case.name, statistic, null, p, case.trials[null]))
        progress("cases calibrated", done + 1, len(trials))
    return rows


def rates(case: str, statistic: str, null: str, p: np.ndarray, trial: Trial) -> Rates:
    """Rates of p-values (F, S) of a trial; the false discovery proportion is 0 where nothing is found."""
    true_null = trial.planted < 0
    planted = trial.planted[:, None] == np.arange(p.shape[1])
    known = planted | true_null[:, None]
    found = (benjamini_hochberg(np.where(known, p, np.nan).ravel()) <= LEVEL).reshape(p.shape)
    return Rates(
        case=case,
        statistic=statistic,
        null=null,
        type1_05=float((p[true_null] <= LEVEL).mean()),
        fdp=float((found & ~planted).sum() / max(1, found.sum())),
        power=float(found[planted].mean()),
    )


def report(progress: Progress = silent) -> Report:
    """Measure everything."""
    found = calibrate(progress)
    return Report("calibrate", asdict(found), found.table())
