"""The input score on made-up contexts, and on all contexts of the bundled subject."""

from __future__ import annotations

import numpy as np
import pytest

from tsea.evals.exam.exam import Exam
from tsea.evals.exam.items import ContextItem, ContextItems
from tsea.evals.scorers.inputs import InputScorer
from tsea.evals.scores import EMPTY, Statement
from tsea.tools.activations.part import Context
from tsea.tools.inputs.spec import parse_input_spec


def context(token: int, activation: float, kind: str, number: int = 0) -> ContextItem:
    """A row of three tokens, the middle one of which counts."""
    values = np.array([0, activation, 0], np.float32)
    return ContextItem(Context(f"{number}", number, np.array([11, token, 12]), values, 1), kind)


def firing_on(*specs: object) -> Statement:
    return Statement("made up", fires=tuple(parse_input_spec(spec) for spec in specs))  # type: ignore[arg-type]


MADE_UP = ContextItems(
    firing=tuple(context(20 + n % 2, n + 1.0, "firing", n) for n in range(20)),  # tokens 20 and 21 in turn
    silent=(
        *(context(20, 0, "same token", n) for n in range(5)),
        *(context(30, 0, "neighbour", n) for n in range(5)),
        *(context(20, 0, "random", n) for n in range(2)),
        *(context(40, 0, "random", n) for n in range(8)),
    ),
    density=0.1,
)


def test_the_score_is_balanced_accuracy_with_details_worked_out_by_hand(exam: Exam) -> None:
    found = InputScorer(exam).score(0, MADE_UP, firing_on({"token": {"ids": [20]}}))
    # 10 of 20 firing contexts fit, 7 of 20 silent ones, 2 of 10 random ones.
    assert found.value == pytest.approx((10 / 20 + 13 / 20) / 2) and found.n == 40
    assert found.details["recall"] == 0.5
    assert found.details["recall_by_decile"] == [0.5] * 10
    assert found.details["precision"] == pytest.approx(0.1 * 0.5 / (0.1 * 0.5 + 0.9 * 0.2))
    assert found.details["auroc"] == pytest.approx(found.value)
    fits = np.array([1, 0] * 10 + [1] * 5 + [0] * 5 + [1] * 2 + [0] * 8)
    activation = np.concatenate([np.arange(1, 21), np.zeros(20)])
    assert found.details["correlation"] == pytest.approx(np.corrcoef(fits, activation)[0, 1])


def test_several_hypotheses_fit_where_any_does_and_rank_by_how_many(exam: Exam) -> None:
    from sklearn.metrics import roc_auc_score

    said = firing_on({"token": {"ids": [20]}}, {"token": {"ids": [20, 21, 30]}})
    found = InputScorer(exam).score(0, MADE_UP, said)
    assert found.value == pytest.approx((1 + 8 / 20) / 2)
    share = np.array([1, 0.5] * 10 + [1] * 5 + [0.5] * 5 + [1] * 2 + [0] * 8)
    assert found.details["auroc"] == pytest.approx(roc_auc_score([1] * 20 + [0] * 20, share))


def test_hypotheses_speak_of_the_position_in_its_row(exam: Exam) -> None:
    said = firing_on({"all": [{"previous": {"ids": [11]}}, {"next": {"ids": [12]}}, {"position": 1}]})
    found = InputScorer(exam).score(0, MADE_UP, said)
    assert found.details["recall"] == 1 and found.value == 0.5


def test_nothing_that_fits_has_no_precision_and_no_correlation(exam: Exam) -> None:
    found = InputScorer(exam).score(0, MADE_UP, firing_on({"token": {"ids": [99]}}))
    assert (found.value, found.details["precision"], found.details["correlation"]) == (0.5, None, None)


@pytest.fixture(scope="module")
def every(exam: Exam) -> dict[int, ContextItems]:
    found = {feature: exam.contexts.items(feature) for feature in range(0, 4096, 8)}
    return {feature: items for feature, items in found.items() if isinstance(items, ContextItems)}


@pytest.mark.parametrize("said", [EMPTY, firing_on({"position": [0, 10_000]}), firing_on({"position": 9_999})])
def test_constant_answers_are_exactly_at_chance(exam: Exam, every: dict[int, ContextItems], said: Statement) -> None:
    scorer = InputScorer(exam)
    assert {scorer.score(feature, items, said).value for feature, items in every.items()} == {0.5}


def test_sets_of_the_library_given_at_random_are_within_a_seeded_interval_of_chance(
    exam: Exam, every: dict[int, ContextItems]
) -> None:
    scorer, rng, names = InputScorer(exam), np.random.default_rng(8), exam.workbench.library.names
    said = {feature: firing_on({"token": names[rng.integers(len(names))]}) for feature in every}
    scores = np.array([scorer.score(feature, items, said[feature]).value for feature, items in every.items()], float)
    assert len(scores) > 60 and scores.std() > 0.01
    assert abs(scores.mean() - 0.5) < 3.2905 * scores.std() / np.sqrt(len(scores))  # two-sided 99.9 %


def test_contexts_learnt_by_heart_are_within_a_seeded_interval_of_chance(
    exam: Exam, every: dict[int, ContextItems]
) -> None:
    """Labels that quote the open contexts in which a feature fires most."""
    import regex

    scorer, activity, vocabulary = InputScorer(exam), exam.workbench.activity, exam.workbench.subject.vocabulary
    scores = []
    for feature, items in list(every.items())[:60]:
        firings = activity.part.firings(feature)
        if not len(firings.values):
            continue
        strongest = firings.positions[np.argsort(-firings.values)[:5]].tolist()
        rows = [activity.part.context(position, firings) for position in strongest]
        quoted = [vocabulary.spelled(one.tokens[max(0, one.position - 8) : one.position + 1])[0] for one in rows]
        said = firing_on({"text": "|".join(map(regex.escape, quoted))})
        scores.append(scorer.score(feature, items, said).value)
    found = np.array(scores, float)
    assert len(found) > 40
    assert abs(found.mean() - 0.5) <= 3.2905 * max(found.std(), 1e-9) / np.sqrt(len(found))
