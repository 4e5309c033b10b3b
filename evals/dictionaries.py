"""How dictionaries compare: `tsea eval dictionaries SUBJECT ...`.

For SAEs, layers or checkpoints of one training: class proportions, the share of live features that the statistical
labeler makes a claim about, the same share of matched random directions, and excess discoveries. A cheap proxy of
interpretability while a dictionary is trained; subjects are named as everywhere, local folders too.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..labeler.batch import MAX_DECOYS, MIN_DECOYS, claims_by_block, stored_evidence
from ..labeler.claims import Claim, Judged
from ..labeler.overlap import OverlapTest
from ..tools.directions import matched_directions
from ..tools.progress import Progress, silent
from ..tools.workbench import Workbench
from .excess import SUBJECTS, excess_discoveries
from .results import Report, markdown_table


@dataclass(frozen=True)
class DictionaryRow:
    """One dictionary: counts, proportions of classes, shares of claims by kind, of features and of decoys, excess."""

    subject: str
    hook: str
    features: int
    alive: int
    classes: dict[str, float]
    present: float
    specific: float
    decoys_present: float
    decoys_specific: float
    excess_present: float
    excess_specific: float


def dictionary_row(workbench: Workbench) -> DictionaryRow:
    """Measure one dictionary."""
    features, decoys = claim_shares(workbench)
    excess = {row.null: row.excess for row in excess_discoveries(workbench)}
    return DictionaryRow(
        subject=workbench.subject.name,
        hook=workbench.subject.hook_name,
        features=workbench.subject.n_features,
        alive=int(workbench.subject.alive.sum()),
        classes={one.feature_class: one.share for one in workbench.class_proportions()},
        present=features[0],
        specific=features[1],
        decoys_present=decoys[0],
        decoys_specific=decoys[1],
        excess_present=excess["present"],
        excess_specific=excess["specific"],
    )


def claim_shares(workbench: Workbench) -> tuple[tuple[float, float], tuple[float, float]]:
    """Shares (claimed as present only, claimed as specific) of the live features and of matched random directions."""
    live = workbench.subject.decoder[workbench.subject.alive]
    random = matched_directions(workbench.subject, min(max(len(live), MIN_DECOYS), MAX_DECOYS))
    overlap, sets = OverlapTest(workbench), len(workbench.sets)
    with tempfile.TemporaryDirectory() as folder:
        run = Judged.of(stored_evidence(workbench, live, Path(folder, "features"), workbench.progress), sets)
        evidence = stored_evidence(workbench, random, Path(folder, "decoys"), workbench.progress)
    judged = ((live, run), (random, Judged.of_decoys(evidence, sets, run)))
    found = [
        [claim for _, claims in claims_by_block(workbench, directions, one, overlap) for claim in claims]
        for directions, one in judged
    ]
    return _shares(found[0]), _shares(found[1])


def _shares(claims: list[Claim | None]) -> tuple[float, float]:
    specific = float(np.mean([claim is not None and claim.specific for claim in claims]))
    return float(np.mean([claim is not None for claim in claims])) - specific, specific


def table(rows: Sequence[DictionaryRow]) -> str:
    """Markdown, one line per dictionary."""
    shares = ("present", "specific", "decoys_present", "decoys_specific", "excess_present", "excess_specific")
    classes = list(rows[0].classes)
    return markdown_table(
        ("subject", "hook point", "features", "alive", *classes, *(name.replace("_", ", ") for name in shares)),
        [
            (
                row.subject,
                row.hook,
                row.features,
                row.alive,
                *(f"{row.classes[name]:.1%}" for name in classes),
                *(f"{getattr(row, name):.3f}" for name in shares),
            )
            for row in rows
        ],
    )


def report(subjects: Sequence[str] = SUBJECTS, progress: Progress = silent) -> Report:
    """Measure subjects by name."""
    rows = [dictionary_row(Workbench.open(name, imported=False, progress=progress)) for name in subjects]
    return Report.of("dictionaries", rows, table(rows))
