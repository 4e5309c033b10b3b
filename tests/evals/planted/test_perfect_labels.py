"""The planted truth, written as labels, before the scorers."""

from __future__ import annotations

import numpy as np
import pytest

from tsea.evals.exam.exam import Exam
from tsea.evals.planted.truth import Planted
from tsea.evals.scorers.output import OutputScorer
from tsea.evals.scores import EMPTY


def test_perfect_labels_score_what_true_membership_does_and_labels_of_others_score_chance(planted: Planted) -> None:
    scorer, vocabulary = OutputScorer(Exam(planted.workbench)), planted.workbench.subject.vocabulary
    strong = [n for n, one in enumerate(planted.outputs) if one.strength >= 16]
    perfect, true, other = [], [], []
    for feature, stranger in zip(strong, np.roll(strong, 7).tolist(), strict=True):
        items = scorer.items(feature)
        if isinstance(items, str):
            continue
        own = items["promotes"]
        members = np.zeros(len(vocabulary), bool)
        members[np.concatenate([one.ids for one in planted.outputs[feature].sets])] = True
        true.append(scorer.score_tokens(own, members).value)
        perfect.append(scorer.score(feature, items, planted.statement(feature)).value)
        other.append(scorer.score(feature, items, planted.statement(stranger)).value)
        assert scorer.score(feature, items, EMPTY).value == 0.5
    assert len(true) >= 0.8 * len(strong)
    lift = np.mean(np.array(true, float)) - 0.5
    assert lift >= 0.15
    assert np.mean(np.array(perfect, float)) - 0.5 >= 0.95 * lift
    assert np.mean(np.array(other, float)) == pytest.approx(0.5, abs=0.3 * float(lift))
