"""The causal score against the steering that people see, and by its ranks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tsea.evals.exam.exam import Exam
from tsea.evals.scorers import causal
from tsea.evals.scorers.causal import CausalScorer, contrast
from tsea.evals.scores import EMPTY, Statement
from tsea.tools.effects.measure import measure
from tsea.tools.effects.watched import Watched
from tsea.tools.effects.writing import written_row
from tsea.tools.token_sets.spec import TokenSetSpec, parse_spec


@pytest.fixture
def scorer(exam: Exam, indexed_home: Path, monkeypatch: pytest.MonkeyPatch) -> CausalScorer:
    monkeypatch.setenv("TSEA_HOME", str(indexed_home))
    monkeypatch.setattr(causal, "CONTEXTS", 2)
    monkeypatch.setattr(causal, "RANDOM", 16)
    return CausalScorer(exam)


def of(exam: Exam, *numbers: int) -> TokenSetSpec:
    return parse_spec({"ids": exam.tokens.ids[list(numbers)].tolist()})


def test_the_score_is_the_rank_of_the_contrast_among_random_directions(
    exam: Exam, scorer: CausalScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.zeros((4, len(exam.tokens.ids)))
    random[:, 0] = [-1, 0, 1, 2]
    monkeypatch.setitem(scorer.__dict__, "_random", random)
    own = np.zeros(len(exam.tokens.ids))
    own[0] = 1  # more than two, like one, less than one
    promoted = scorer.score(0, own, Statement("", promotes=(of(exam, 0),)))
    assert promoted.value == (2 + 0.5) / 4
    suppressed = scorer.score(0, own, Statement("", suppresses=(of(exam, 0),)))
    assert suppressed.value == (1 + 0.5) / 4


def test_the_contrast_is_members_less_others() -> None:
    changes = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 6.0]])
    assert contrast(changes, np.array([True, False, False])).tolist() == [-1.5, -3.0]


def test_changes_are_those_of_steering_by_the_usual_norm(exam: Exam, scorer: CausalScorer) -> None:
    subject = exam.workbench.subject
    row = written_row(subject, 24)
    windows = [window[: causal.TOKENS] for window in causal.random_contexts(exam.contexts.part, 2).windows]
    amount = scorer._usual_norm() / np.linalg.norm(row)
    amounts = [np.full(len(window), amount, np.float32) for window in windows]
    acting = [np.ones(len(window), bool) for window in windows]
    measured = measure(
        subject, windows, amounts, acting, row[None], Watched(exam.tokens.ids, ["all"], [np.arange(2)], True)
    )
    found = scorer.items(24)
    assert not isinstance(found, str)
    np.testing.assert_allclose(found, measured.tokens[0], atol=1e-4)


def test_constant_open_and_empty_answers_earn_exactly_chance(exam: Exam, scorer: CausalScorer) -> None:
    items = scorer.items(24)
    for spec in (parse_spec({"regex": ""}), parse_spec({"ids": exam.workbench.open_ids.tolist()})):
        assert scorer.score(24, items, Statement("", promotes=(spec,))).value == 0.5  # type: ignore[arg-type]
    assert scorer.score(24, items, EMPTY).value == 0.5  # type: ignore[arg-type]
    assert not scorer.says_anything(EMPTY)


def test_the_tokens_that_a_feature_promotes_most_move_more_than_by_random_directions(
    exam: Exam, scorer: CausalScorer
) -> None:
    values = []
    for feature in (24, 89, 300):
        items, tokens = scorer.items(feature), exam.tokens.items(feature, "promotes")
        assert not isinstance(items, str) and not isinstance(tokens, str)
        said = Statement("", promotes=(parse_spec({"ids": tokens.extreme.tolist()}),))
        values.append(scorer.score(feature, items, said).value)
    assert np.mean(np.array(values, float)) > 0.9


def test_a_feature_that_writes_nothing_has_a_reason(
    exam: Exam, scorer: CausalScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scorer, "_subject", type("Silent", (), {"decoder": np.zeros((30, 4))}))
    assert "writes nothing" in str(scorer.items(24))
