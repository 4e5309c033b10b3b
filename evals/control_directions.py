"""Control directions: the statistical labeler's claims about matched random directions, scored as those of features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..labeler.claims import Claim, Judged
from ..labeler.wording import SHOWN
from ..tools.directions import matched_directions
from ..tools.token_sets.spec import TokenSetSpec, parse_spec
from .claim_rates import Group, claim_group, evidence_of
from .controls import controls
from .exam.exam import Exam
from .exam.test_tokens import DIRECTIONS, Direction
from .scorers.output import OutputScorer
from .scores import EMPTY, FeatureScores, Score, Statement
from .scoring import Scored

DRAWN = 512


def score_random_directions(exam: Exam, count: int = DRAWN) -> Scored:
    """Output scores of claims about random directions with the dictionary's mean and covariance.

    They are labelled at the thresholds of a run over all live features.
    """
    workbench = exam.workbench
    run = Judged.of(evidence_of(workbench, workbench.subject.decoder[workbench.subject.alive]), len(workbench.sets))
    directions = matched_directions(workbench.subject, count)
    judged = Judged.of_decoys(evidence_of(workbench, directions), len(workbench.sets), run)
    group = claim_group("matched random directions", workbench, directions, judged)
    return score_directions(exam, directions, claimed_statements(group))


def claimed_statements(group: Group) -> list[Statement]:
    """What is claimed of each direction of a group."""
    weights = group.workbench.open_weights(group.directions)
    return [
        EMPTY if claim is None else _statement(group, claim, row)
        for claim, row in zip(group.claims, weights, strict=True)
    ]


def score_directions(exam: Exam, directions: np.ndarray, statements: Sequence[Statement]) -> Scored:
    """Output scores of statements about directions (n, D), with the controls of a run."""
    scorer = OutputScorer(exam)
    others = controls({number: one for number, one in enumerate(statements) if scorer.says_anything(one)}, None)
    found: list[FeatureScores] = []
    for number, (row, statement) in enumerate(zip(directions, statements, strict=True)):
        items = scorer.items_of(row, number)
        made = {
            name: Score(None, unscored=items) if isinstance(items, str) else scorer.score(number, items, one)
            for name, one in {"": statement, **others.get(number, {})}.items()
        }
        found.append(FeatureScores(number, made.pop(""), made, number not in others))
    return Scored(scorer.name, scorer.side, scorer.chance, found)


def _statement(group: Group, claim: Claim, weights: np.ndarray) -> Statement:
    """The sets of a claim by side, and the most promoted open tokens where it is about these alone."""
    workbench, evidence = group.workbench, group.judged.evidence
    sets: dict[Direction, list[TokenSetSpec]] = {direction: [] for direction in DIRECTIONS}
    if claim.local:
        few = [token.id for token in workbench.extreme_tokens(weights, 1, SHOWN)]
        sets["promotes"].append(parse_spec({"ids": few}))
    for row in claim.rows:
        chosen = workbench.sets[int(evidence.column[row])]
        sets[DIRECTIONS[evidence.side[row]]].append(parse_spec({"library": chosen.name}))
    return Statement("", tuple(sets["promotes"]), tuple(sets["suppresses"]))
