"""Excess discoveries of dictionaries: `python -m tsea.evals.excess [SUBJECT ...]`.

The share of features with a hit (Benjamini-Hochberg 5 % over all sets and both sides of the feature, promoted and
suppressed mass on open tokens) minus the same share among matched random directions. Features are split in halves by
parity: dictionaries and hook points are chosen on the even half, the odd half is what is reported.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass

import numpy as np

from ..tools.nulls import matched_directions
from ..tools.statistics.directions import NULLS, NullName
from ..tools.statistics.fdr import benjamini_hochberg
from ..tools.subject.pocket.recipe import RECIPE
from ..tools.workbench import Workbench
from .results import markdown_table, write_results

LEVEL = 0.05
SUBJECTS = ("pocket", "pocket-random", *(f"pocket/neurons/{layer}" for layer in range(RECIPE.model.layers)))


@dataclass(frozen=True)
class Excess:
    """Shares with a hit under one null: the two halves of the dictionary, random directions, and the excess."""

    subject: str
    hook: str
    null: str
    selection: float
    features: float
    random: float
    excess: float


def excess_discoveries(workbench: Workbench) -> list[Excess]:
    """Excess discoveries of a subject under both nulls."""
    decoder = workbench.subject.decoder[workbench.subject.alive]
    random = matched_directions(workbench.subject, len(decoder))
    rows = []
    for null in NULLS:
        hits, by_chance = share_with_hits(workbench, decoder, null), share_with_hits(workbench, random, null)
        reported = float(hits[1::2].mean())
        rows.append(
            Excess(
                subject=workbench.subject.name,
                hook=workbench.subject.hook_name,
                null=null,
                selection=float(hits[::2].mean()),
                features=reported,
                random=float(by_chance.mean()),
                excess=reported - float(by_chance.mean()),
            )
        )
    return rows


def share_with_hits(workbench: Workbench, directions: np.ndarray, null: NullName) -> np.ndarray:
    """Whether each direction (F, D) has at least one set that BH at 5 % within the direction finds, (F,) bool."""
    view, reference = workbench.views["open"], workbench.nulls(null)["open"]
    hits = []
    for part in workbench.feature_blocks(np.arange(len(directions))):
        p = reference.p_values(view.masses(view.cut(workbench.weights(directions[part]))))[:, :, :-1]
        hits.append((benjamini_hochberg(p.reshape(len(part), -1)) <= LEVEL).any(axis=1))
    return np.concatenate(hits)


def main() -> None:
    """Measure the named subjects and write evals/measured/excess.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subjects", nargs="*", default=SUBJECTS)
    rows = [asdict(row) for name in parser.parse_args().subjects for row in excess_discoveries(Workbench.open(name))]
    table = markdown_table(
        (
            "subject",
            "hook point",
            "null",
            "features (selection half)",
            "features (reported half)",
            "random directions",
            "excess",
        ),
        [
            (
                r["subject"],
                r["hook"],
                r["null"],
                *(f"{r[k]:.3f}" for k in ("selection", "features", "random", "excess")),
            )
            for r in rows
        ],
    )
    print(table)
    write_results("excess", rows, table)


if __name__ == "__main__":
    main()
