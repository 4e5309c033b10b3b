"""Excess discoveries of dictionaries: `tsea eval excess [SUBJECT ...]`.

The share of features with a hit (Benjamini-Hochberg 5 % over all sets and both sides of the feature, promoted and
suppressed mass on open tokens) minus the same share among matched random directions. Features are split in halves by
parity: dictionaries and hook points are chosen on the even half, the odd half is what is reported. Heavy tails alone
give excess discoveries of the mass: see `statistics_compared` for the control that tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..tools.directions import matched_directions
from ..tools.progress import Progress, silent
from ..tools.statistics.directions import NULLS, NullName
from ..tools.statistics.fdr import benjamini_hochberg
from ..tools.subject.pocket.recipe import RECIPE
from ..tools.workbench import Workbench
from .results import Report, markdown_table

LEVEL = 0.05
MIN_RANDOM = 4096
SUBJECTS = ("pocket", "pocket-random", *(f"pocket/neurons/{layer}" for layer in range(RECIPE.model.layers)))


@dataclass(frozen=True)
class Excess:
    """Shares with a hit under one null: both halves of the dictionary, random directions, the excess and its s.e."""

    subject: str
    hook: str
    null: str
    selection: float
    features: float
    random: float
    excess: float
    se: float


def excess_discoveries(workbench: Workbench) -> list[Excess]:
    """Excess discoveries of a subject under both nulls."""
    decoder = workbench.subject.decoder[workbench.subject.alive]
    random = matched_directions(workbench.subject, max(MIN_RANDOM, len(decoder)))
    rows = []
    for null in NULLS:
        hits, by_chance = share_with_hits(workbench, decoder, null), share_with_hits(workbench, random, null)
        excess, se = excess_share(hits[1::2], by_chance)
        rows.append(
            Excess(
                subject=workbench.subject.name,
                hook=workbench.subject.hook_name,
                null=null,
                selection=float(hits[::2].mean()),
                features=float(hits[1::2].mean()),
                random=float(by_chance.mean()),
                excess=excess,
                se=se,
            )
        )
    return rows


def excess_share(hits: np.ndarray, by_chance: np.ndarray) -> tuple[float, float]:
    """Difference between two independent shares, from flags (n,) and (m,), and its standard error."""
    share, chance = float(hits.mean()), float(by_chance.mean())
    variance = share * (1 - share) / len(hits) + chance * (1 - chance) / len(by_chance)
    return share - chance, variance**0.5


def share_with_hits(workbench: Workbench, directions: np.ndarray, null: NullName) -> np.ndarray:
    """Whether each direction (F, D) has at least one set that BH at 5 % within the direction finds, (F,) bool."""
    view, reference = workbench.views["open"], workbench.nulls(null)["open"]
    hits = []
    for part in workbench.feature_blocks(np.arange(len(directions))):
        p = reference.p_values(view.masses(workbench.mass_weights(directions[part])))[:, :, :-1]
        hits.append((benjamini_hochberg(p.reshape(len(part), -1)) <= LEVEL).any(axis=1))
    return np.concatenate(hits)


def table(rows: Sequence[Excess]) -> str:
    """Markdown, one line per subject and null."""
    shares = ("selection", "features", "random", "excess", "se")
    return markdown_table(
        (
            "subject",
            "hook point",
            "null",
            "features (selection half)",
            "features (reported half)",
            "random directions",
            "excess",
            "s.e.",
        ),
        [(r.subject, r.hook, r.null, *(f"{getattr(r, name):.3f}" for name in shares)) for r in rows],
    )


def report(subjects: Sequence[str] = SUBJECTS, progress: Progress = silent) -> Report:
    """Measure subjects by name."""
    rows = [
        row for name in subjects for row in excess_discoveries(Workbench.open(name, imported=False, progress=progress))
    ]
    return Report.of("excess", rows, table(rows))
