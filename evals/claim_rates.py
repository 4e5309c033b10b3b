"""How often the claim rule labels features, and how often random directions: `python -m tsea.evals.claim_rates`.

Beside it the classic rule, which takes token sets for random sets of independent tokens: exact p-values of the
unweighted ES, Benjamini-Hochberg at 5 % within the feature.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass

import numpy as np

from ..labeler.batch import claims_by_block
from ..labeler.claims import Judged
from ..labeler.evidence import Evidence, gather_evidence
from ..labeler.overlap import OverlapTest
from ..tools.nulls import matched_directions
from ..tools.statistics.fdr import benjamini_hochberg
from ..tools.statistics.ks_null import p_random
from ..tools.workbench import Workbench
from .results import markdown_table, write_results

LEVEL = 0.05
SUBJECTS = ("pocket", "pocket-random")


@dataclass(frozen=True)
class ClaimRate:
    """Shares of a group of directions: claimed at all, claimed as specific, and hit by the random-set rule."""

    subject: str
    directions: str
    n: int
    claimed: float
    specific: float
    random_set_rule: float


def claim_rates(name: str) -> list[ClaimRate]:
    """Claim rates of a subject's live features and of as many matched random directions at the features' thresholds."""
    workbench = Workbench.open(name)
    decoder = workbench.subject.decoder[workbench.subject.alive]
    decoys = matched_directions(workbench.subject, len(decoder))
    n_sets, overlap = len(workbench.sets), OverlapTest(workbench)
    run = Judged.of(_evidence(workbench, decoder), n_sets)
    judged_decoys = Judged.of_decoys(_evidence(workbench, decoys), n_sets, run)
    return [
        claim_rate(workbench, "features", decoder, run, overlap),
        claim_rate(workbench, "matched random directions", decoys, judged_decoys, overlap),
    ]


def _evidence(workbench: Workbench, directions: np.ndarray) -> Evidence:
    parts = workbench.feature_blocks(np.arange(len(directions)))
    return Evidence.concatenate([gather_evidence(workbench, directions[part]) for part in parts])


def claim_rate(
    workbench: Workbench, label: str, directions: np.ndarray, judged: Judged, overlap: OverlapTest
) -> ClaimRate:
    """Shares of claims among judged directions (F, D)."""
    claims = [c for _, block in claims_by_block(workbench, directions, judged, overlap) for c in block]
    return ClaimRate(
        subject=workbench.subject.name,
        directions=label,
        n=len(claims),
        claimed=float(np.mean([c is not None for c in claims])),
        specific=float(np.mean([c is not None and c.specific for c in claims])),
        random_set_rule=random_set_rule(workbench, directions),
    )


def random_set_rule(workbench: Workbench, directions: np.ndarray) -> float:
    """Share of directions in which BH at 5 % on exact random-set p-values finds at least one set."""
    view = workbench.views["open"]
    hits = []
    for part in workbench.feature_blocks(np.arange(len(directions))):
        scores = view.enrichment(view.cut(workbench.weights(directions[part])), 0)
        p = p_random(scores.score, view.sets.sizes, len(view.tokens))
        hits.append((benjamini_hochberg(p) <= LEVEL).any(axis=1))
    return float(np.mean(np.concatenate(hits)))


def main() -> None:
    """Measure the rates of the named subjects and write evals/measured/claim_rates.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subjects", nargs="*", default=SUBJECTS)
    rows = [asdict(rate) for name in parser.parse_args().subjects for rate in claim_rates(name)]
    table = markdown_table(
        ("subject", "directions", "n", "claimed (present)", "claimed as specific", "random-set rule, before the gate"),
        [
            (
                r["subject"],
                r["directions"],
                r["n"],
                *(f"{r[k]:.1%}" for k in ("claimed", "specific", "random_set_rule")),
            )
            for r in rows
        ],
    )
    print(table)
    write_results("claim_rates", rows, table)


if __name__ == "__main__":
    main()
