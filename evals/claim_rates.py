"""How often the claim rule labels features, and how often what is none: `tsea eval claim-rates [SUBJECT ...]`.

Two controls at the thresholds of the run: matched random directions, and features on shuffled sets, a library of their
own whose sets have their tokens permuted (within open, confirm and test tokens): heavy tails alone find such sets.
`holds` is the share of claims whose leading set is raised on sealed test tokens as well, by the mass of the plain logit
weights (present null, p <= .05). Beside it the classic rule, which takes token sets for random sets of independent
tokens: exact p-values of the unweighted ES, Benjamini-Hochberg at 5 % within the feature.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..labeler.batch import claims_by_block
from ..labeler.claims import Claim, Judged
from ..labeler.evidence import Evidence, gather_evidence
from ..labeler.overlap import OverlapTest
from ..tools.directions import SEED, direction_model, matched_directions
from ..tools.nulls import BATCH
from ..tools.progress import Progress, silent
from ..tools.statistics.fdr import benjamini_hochberg
from ..tools.statistics.ks_null import p_random
from ..tools.statistics.projection import blocks, logit_weights, standardise
from ..tools.statistics.reference import collect
from ..tools.token_sets.library import TokenSetLibrary
from ..tools.token_sets.split import TEST, token_split
from ..tools.views import MIN_CONFIRM_MEMBERS, View
from ..tools.workbench import Workbench
from .results import Report, markdown_table

LEVEL = 0.05
SHUFFLE_SEED = 18
HOLD_REFERENCES = 4 * BATCH
SUBJECTS = ("pocket", "pocket-random")


@dataclass(frozen=True)
class Group:
    """Directions (F, D), the library they were tested on, the run's evidence of them, and what the rule claims."""

    name: str
    workbench: Workbench
    directions: np.ndarray
    judged: Judged
    claims: list[Claim | None]

    @property
    def claimed(self) -> np.ndarray:
        """Whether each direction has a claim, (F,) bool."""
        return np.array([claim is not None for claim in self.claims])

    @property
    def specific(self) -> np.ndarray:
        """Whether each direction has a specific claim, (F,) bool."""
        return np.array([claim is not None and claim.specific for claim in self.claims])


@dataclass(frozen=True)
class ClaimRate:
    """Shares of a group: claimed at all, claimed as specific, of the claims those that hold on test tokens (None where
    none can be asked), and hit by the random-set rule."""

    subject: str
    directions: str
    n: int
    claimed: float
    specific: float
    holds: float | None
    random_set_rule: float


def claim_rates(workbench: Workbench) -> list[ClaimRate]:
    """Claim rates of a subject's live features and of both controls."""
    return [
        ClaimRate(
            subject=workbench.subject.name,
            directions=group.name,
            n=len(group.claims),
            claimed=float(group.claimed.mean()),
            specific=float(group.specific.mean()),
            holds=mean_of_known(held_on_test_tokens(group)),
            random_set_rule=random_set_rule(group.workbench, group.directions),
        )
        for group in groups(workbench)
    ]


def groups(workbench: Workbench) -> list[Group]:
    """Live features, as many matched random directions at their thresholds, and the features on shuffled sets."""
    live = workbench.subject.decoder[workbench.subject.alive]
    run = Judged.of(evidence_of(workbench, live), len(workbench.sets))
    random = matched_directions(workbench.subject, len(live))
    judged = Judged.of_decoys(evidence_of(workbench, random), len(workbench.sets), run)
    library = shuffled_library(workbench)
    other = Workbench(workbench.subject, library, cache=workbench.cache, progress=workbench.progress)
    shuffled = Judged.of_decoys(evidence_of(other, live), len(other.sets), run)
    return [
        claim_group("features", workbench, live, run),
        claim_group("matched random directions", workbench, random, judged),
        claim_group("features on shuffled sets", other, live, shuffled),
    ]


def claim_group(name: str, workbench: Workbench, directions: np.ndarray, judged: Judged) -> Group:
    """Apply the claim rule to judged directions."""
    overlap = OverlapTest(workbench)
    claims = [c for _, block in claims_by_block(workbench, directions, judged, overlap) for c in block]
    return Group(name, workbench, directions, judged, claims)


def evidence_of(workbench: Workbench, directions: np.ndarray) -> Evidence:
    """Evidence of directions (F, D), block by block."""
    parts = workbench.feature_blocks(np.arange(len(directions)))
    return Evidence.concatenate([gather_evidence(workbench, directions[part]) for part in parts])


def shuffled_library(workbench: Workbench) -> TokenSetLibrary:
    """The library with tokens permuted inside each part of the split: sizes, overlaps and parts stay as they are."""
    universe = workbench.subject.universe
    split = token_split(workbench.subject.vocabulary)[universe]
    rng, becomes = np.random.default_rng([SHUFFLE_SEED]), universe.copy()
    for part in np.unique(split):
        positions = np.flatnonzero(split == part)
        becomes[positions] = universe[rng.permutation(positions)]
    sets = [
        dataclasses.replace(s, ids=np.sort(becomes[np.searchsorted(universe, np.intersect1d(s.ids, universe))]))
        for s in workbench.library
    ]
    return TokenSetLibrary(sets, workbench.library.vocabulary_hash)


def held_on_test_tokens(group: Group) -> np.ndarray:
    """Whether each direction's leading set is raised on test tokens: 1 or 0, NaN without claim or members (F,)."""
    workbench = group.workbench
    subject, evidence = workbench.subject, group.judged.evidence
    view = View.of(subject.universe, token_split(subject.vocabulary)[subject.universe] == TEST, workbench.sets)
    columns, sets = view.columns(subject.unembedding), len(view.sets)

    def masses(directions: torch.Tensor) -> np.ndarray:
        parts = blocks(len(directions), len(view.tokens))
        found = [view.masses(standardise(logit_weights(directions[part], columns))) for part in parts]
        return np.concatenate(found)[:, :, :sets]

    model = direction_model(subject, "present")
    draws = (
        masses(model.sample(BATCH, [SEED["tails"], batch])).reshape(-1, sets)
        for batch in range(HOLD_REFERENCES // BATCH)
    )
    reference = collect(draws, 2 * HOLD_REFERENCES)
    observed = masses(torch.from_numpy(np.ascontiguousarray(group.directions)))
    held = np.full(len(group.claims), np.nan)
    for side in (0, 1):
        p = reference.p_values(observed[:, side])
        for direction, claim in enumerate(group.claims):
            if claim is not None and claim.rows and evidence.side[claim.rows[0]] == side:
                column = evidence.column[claim.rows[0]]
                if view.sets.sizes[column] >= MIN_CONFIRM_MEMBERS:
                    held[direction] = p[direction, column] <= LEVEL
    return held


def mean_of_known(values: np.ndarray) -> float | None:
    """The mean without NaN; None where there is nothing else."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def random_set_rule(workbench: Workbench, directions: np.ndarray) -> float:
    """Share of directions in which BH at 5 % on exact random-set p-values finds at least one set."""
    view = workbench.views["open"]
    hits = []
    for part in workbench.feature_blocks(np.arange(len(directions))):
        scores = view.ranked(standardise(view.cut(workbench.weights(directions[part]))))
        p = p_random(scores.p0.score, view.sets.sizes, len(view.tokens))
        hits.append((benjamini_hochberg(p) <= LEVEL).any(axis=1))
    return float(np.mean(np.concatenate(hits)))


def table(rows: Sequence[ClaimRate]) -> str:
    """Markdown, one line per subject and group of directions."""
    return markdown_table(
        (
            "subject",
            "directions",
            "n",
            "claimed (present)",
            "claimed as specific",
            "claims that hold on test tokens",
            "random-set rule, before the gate",
        ),
        [
            (
                *(r.subject, r.directions, r.n, f"{r.claimed:.1%}", f"{r.specific:.1%}"),
                "" if r.holds is None else f"{r.holds:.1%}",
                f"{r.random_set_rule:.1%}",
            )
            for r in rows
        ],
    )


def report(subjects: Sequence[str] = SUBJECTS, progress: Progress = silent) -> Report:
    """Measure subjects by name."""
    rows = [rate for name in subjects for rate in claim_rates(Workbench.open(name, imported=False, progress=progress))]
    return Report.of("claim_rates", rows, table(rows))
