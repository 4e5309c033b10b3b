"""The next-token score on a made-up text, and on the bundled subject."""

from __future__ import annotations

import numpy as np
import pytest

from tsea.evals.exam.exam import Exam
from tsea.evals.scorers.next_token import Followers, NextTokenScorer
from tsea.evals.scores import EMPTY, Statement
from tsea.tools.token_sets.spec import parse_spec

# Two current tokens: behind the first stand 2 firings and 2 silences, behind the second 2 and 6.
WEIGHTS = np.array([2 * 2 / 4, 2 * 6 / 8])


@pytest.fixture
def made_up(exam: Exam) -> Followers:
    a, b = exam.tokens.ids[:2].tolist()
    return Followers(
        firing=np.array([a, b, a, a]),
        firing_stratum=np.array([0, 0, 1, 1]),
        silent=np.array([a, b, a, a, a, b, b, b]),
        silent_stratum=np.array([0, 0, 1, 1, 1, 1, 1, 1]),
        weights=WEIGHTS / WEIGHTS.sum(),
    )


def saying(exam: Exam, direction: str, *numbers: int) -> Statement:
    spec = parse_spec({"ids": exam.tokens.ids[list(numbers)].tolist()})
    return Statement("", promotes=(spec,)) if direction == "promotes" else Statement("", suppresses=(spec,))


def test_the_score_is_the_stratified_difference_of_rates(exam: Exam, made_up: Followers) -> None:
    found = NextTokenScorer(exam).score(0, made_up, saying(exam, "promotes", 0))
    # Behind the first token half and half, behind the second all and half: strata count 1 and 1.5.
    behind, elsewhere = (1 * 0.5 + 1.5 * 1) / 2.5, (1 * 0.5 + 1.5 * 0.5) / 2.5
    assert found.value == pytest.approx(0.5 + (behind - elsewhere) / 2) and found.n == 4
    details = found.details["promotes"]
    assert details["rates"] == pytest.approx([behind, elsewhere])
    assert details["ratio"] == pytest.approx(behind / elsewhere)


def test_what_is_suppressed_counts_the_other_way_round(exam: Exam, made_up: Followers) -> None:
    scorer = NextTokenScorer(exam)
    promoted = scorer.score(0, made_up, saying(exam, "promotes", 0)).value
    suppressed = scorer.score(0, made_up, saying(exam, "suppresses", 0)).value
    assert promoted is not None and suppressed == pytest.approx(1 - promoted)


def test_strata_are_positions_of_the_same_current_token_before_test_tokens(exam: Exam) -> None:
    scorer, read = NextTokenScorer(exam), exam.contexts.slice
    feature, items = next((f, one) for f in range(4096) if isinstance(one := scorer.items(f), Followers))
    fires = np.isin(read.positions, exam.contexts.part.firings(feature).positions)
    sealed = np.isin(read.tokens["next"], exam.tokens.ids)
    strata = []
    for token in np.unique(read.tokens["token"]).tolist():
        own = sealed & (read.tokens["token"] == token)
        if (own & fires).any() and (own & ~fires).any():
            strata.append((int((own & fires).sum()), int((own & ~fires).sum())))
    assert strata == list(
        zip(np.bincount(items.firing_stratum).tolist(), np.bincount(items.silent_stratum).tolist(), strict=True)
    )
    weights = np.array([n * m / (n + m) for n, m in strata])
    assert items.weights == pytest.approx(weights / weights.sum())
    assert np.isin(items.firing, exam.tokens.ids).all() and np.isin(items.silent, exam.tokens.ids).all()


def test_too_few_firings_are_a_reason_with_the_count_needed(exam: Exam) -> None:
    dead = next(f for f in range(4096) if not len(exam.contexts.part.firings(f).positions))
    assert NextTokenScorer(exam).items(dead) == "fewer than 20 held-out firings before a test token: 0"


def test_constant_open_and_random_answers_are_at_chance(exam: Exam) -> None:
    scorer, rng, names = NextTokenScorer(exam), np.random.default_rng(8), exam.workbench.library.names
    found = {f: scorer.items(f) for f in range(0, 4096, 8)}
    every = {f: items for f, items in found.items() if isinstance(items, Followers)}
    everything = parse_spec({"regex": ""})
    listed = parse_spec({"ids": exam.workbench.open_ids.tolist()})
    for spec in (everything, listed):
        said = Statement("", promotes=(spec,), suppresses=(spec,))
        assert {scorer.score(f, items, said).value for f, items in every.items()} == {0.5}
    assert {scorer.score(f, items, EMPTY).value for f, items in every.items()} == {0.5}
    given = [Statement("", promotes=(parse_spec(names[rng.integers(len(names))]),)) for _ in every]
    random = [scorer.score(f, items, said).value for (f, items), said in zip(every.items(), given, strict=True)]
    scores = np.array(random, float)
    assert len(scores) > 20 and abs(scores.mean() - 0.5) < 3.2905 * scores.std() / np.sqrt(len(scores))
