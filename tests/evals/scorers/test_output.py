"""The output score on made-up tokens, and on sets that features were built from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tsea.evals.exam.exam import Exam
from tsea.evals.exam.items import TokenItems
from tsea.evals.exam.matching import token_shape
from tsea.evals.exam.test_tokens import Direction, TestTokens
from tsea.evals.scorers.output import OutputScorer, separation
from tsea.evals.scores import EMPTY, Statement
from tsea.tools.token_sets.spec import parse_spec


def promoting(*ids: int) -> Statement:
    return Statement("made up", promotes=(parse_spec({"ids": list(ids)}),))


@pytest.fixture
def made_up(exam: Exam) -> TokenItems:
    ids = exam.tokens.ids
    return TokenItems(ids[:4], ids[4:8])


def test_the_score_is_the_balanced_accuracy_of_membership(exam: Exam, made_up: TokenItems) -> None:
    scorer, ids = OutputScorer(exam), exam.tokens.ids.tolist()
    found = scorer.score(0, {"promotes": made_up, "suppresses": made_up}, promoting(*ids[:3], ids[4]))
    assert found.value == 0.5 + (3 / 4 - 1 / 4) / 2 and found.n == 8
    details = found.details["promotes"]
    assert (details["recall"], details["false"]) == (0.75, 0.25)
    assert found.value and details["lift"] == found.value - max(
        separation(made_up, mask) for mask in scorer._trivial.values()
    )


def test_it_is_the_area_under_the_roc_curve(exam: Exam, made_up: TokenItems) -> None:
    from sklearn.metrics import roc_auc_score

    ids = exam.tokens.ids
    members = np.isin(np.arange(ids.max() + 1), ids[[0, 1, 4, 5, 6]])
    every = np.concatenate([made_up.extreme, made_up.matched])
    assert separation(made_up, members) == roc_auc_score([1] * 4 + [0] * 4, members[every])


def test_sets_of_a_direction_count_together_and_directions_are_averaged(exam: Exam, made_up: TokenItems) -> None:
    scorer, ids = OutputScorer(exam), exam.tokens.ids.tolist()
    sets = [parse_spec({"ids": own}) for own in (ids[:2], ids[2:4], ids[4:8])]
    said = Statement("", promotes=(sets[0], sets[1]), suppresses=(sets[2],))
    found = scorer.score(0, {"promotes": made_up, "suppresses": made_up}, said)
    assert found.value == (1 + 0) / 2 and found.n == 16
    assert [found.details[name]["value"] for name in ("promotes", "suppresses")] == [1, 0]


def test_a_feature_is_examined_where_both_directions_can_be(exam: Exam, monkeypatch: pytest.MonkeyPatch) -> None:
    scorer, row = OutputScorer(exam), exam.workbench.subject.decoder[24]
    assert set(scorer.items_of(row, 24)) == {"promotes", "suppresses"}
    one_sided = exam.tokens.items_of

    def items_of(row: np.ndarray, direction: Direction, seed: int) -> TokenItems | str:
        return "no match" if direction == "suppresses" else one_sided(row, direction, seed)

    monkeypatch.setattr(exam.tokens, "items_of", items_of)
    assert scorer.items_of(row, 24) == "no match"


def test_a_statement_without_sets_says_nothing_and_earns_chance(exam: Exam, made_up: TokenItems) -> None:
    scorer = OutputScorer(exam)
    assert not scorer.says_anything(EMPTY) and scorer.says_anything(promoting(1))
    assert scorer.score(0, {"promotes": made_up, "suppresses": made_up}, EMPTY).value == 0.5


def test_a_perfect_label_earns_what_membership_itself_earns(
    exam: Exam, indexed_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A direction whose logit weights are raised on a set: its label names that set."""
    monkeypatch.setenv("TSEA_HOME", str(indexed_home))
    vocabulary, planted = exam.workbench.subject.vocabulary, TestTokens(exam.workbench)
    lower = [token for token in planted.ids.tolist() if token_shape(vocabulary.text[token]) == (True, "ascii", "lower")]
    members = np.isin(np.arange(len(vocabulary)), lower[:40])
    weights = np.random.default_rng(0).normal(size=len(planted.ids)) + 9 * members[planted.ids]
    planted._columns = weights[None].astype(np.float32)
    items = planted.items_of(np.ones(1), "promotes", 0)
    assert isinstance(items, TokenItems)
    truth = separation(items, members)
    found = OutputScorer(exam).score(0, {"promotes": items}, promoting(*lower[:40]))
    assert found.value == truth == 1
