from __future__ import annotations

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import fake_llm
import numpy as np
import pytest
from fake_llm import Says, Status
from judging import LABEL, exam, judged, scored

from tsea.evals.scorers import generation
from tsea.evals.scorers.generation import TEXTS, Generation
from tsea.tools.activations.texts import Activated, activate
from tsea.tools.workbench import Workbench


@pytest.fixture(autouse=True)
def firing_by_f(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A feature that fires at each word by the number of its f; the subject's own in tests about it."""

    def activate(subject: Any, text: str, features: np.ndarray) -> Activated:
        words = text.split()
        values = np.array([[float(word.count("f"))] for word in words])
        return Activated(np.arange(len(words)), values, 1)

    if "pocket_bench" not in request.fixturenames:
        monkeypatch.setattr(generation, "activate", activate)


SCORER = Generation(exam())


def writing(texts: Sequence[str]) -> list[Says]:
    return [Says(json.dumps({str(number): text for number, text in enumerate(texts, 1)}))]


def test_the_value_is_the_auroc_of_the_largest_activations() -> None:
    # 5 of 10 texts fire by 2 and 5 by 1; of the others 4 fire by 1 and 6 not at all.
    # Pairs won: 5 * 10 + 5 * 6; tied: 5 * 4.
    texts = ["a ff f"] * 5 + ["an f"] * 5 + ["f"] * 4 + ["a hen"] * 6
    with fake_llm.serve(writing(texts)) as llm:
        found = scored(SCORER, llm)
    assert found.value == pytest.approx((50 + 30 + 20 / 2) / 100)
    assert found.n == 20 and len(llm.seen) == 1
    assert found.details["batch"] == 2 * TEXTS and found.details["answers"] == texts
    assert found.details["activations"] == [2] * 5 + [1] * 5 + [1] * 4 + [0] * 6


@pytest.mark.parametrize("text", ["one f", "nothing"])
def test_the_same_text_each_time_scores_chance(text: str) -> None:
    with fake_llm.serve(writing([text] * 20)) as llm:
        assert scored(SCORER, llm).value == SCORER.chance == 0.5


def test_texts_that_were_not_written_count_for_nothing() -> None:
    texts: list[Any] = ["an f"] * 10 + ["a hen"] * 7 + [None, 3, ""]
    with fake_llm.serve(writing(texts)) as llm:
        found = scored(SCORER, llm)
    assert found.value == 1.0 and found.n == 17 and found.details["unparsed"] == 3
    assert found.details["activations"][17:] == [None] * 3


def test_texts_of_one_kind_alone_or_none_yield_no_score() -> None:
    with fake_llm.serve(writing(["an f"] * 10 + [" "] * 10)) as llm:
        assert scored(SCORER, llm).unscored == "no answer about texts where it should be silent"
    with fake_llm.serve([Says("Here are your texts: a fox.")]) as llm:
        assert scored(SCORER, llm, seed=1).unscored == "the judge gave no answer that can be read"
    with fake_llm.serve(faults=lambda number: Status(500)) as llm:
        assert scored(SCORER, llm, seed=2).value is None


def test_the_judge_is_told_how_many_texts_of_which_kind() -> None:
    with fake_llm.serve(writing(["a"] * 20)) as llm:
        scored(SCORER, llm)
    system, user = llm.seen[0].body["messages"]
    assert "numbered 1 to 10" in system["content"] and "numbered 11 to 20" in system["content"]
    assert '{"1": "...", "2": "..."}' in system["content"]
    assert json.loads(user["content"]) == {"label": LABEL.text}


def test_bare_directions_are_not_asked_about() -> None:
    subject = SimpleNamespace(encoder=None)
    assert Generation(exam(subject=subject)).items(7) == "bare directions have no encoder that could fire"


def test_texts_are_read_by_the_subject_itself(pocket_bench: Workbench) -> None:
    texts = ["The old house stood on the hill.", "1, 2, 3, 4"]
    rows = [activate(pocket_bench.subject, text, np.arange(pocket_bench.subject.n_features)) for text in texts]
    first, second = (row.activations.max(axis=0) for row in rows)
    feature = int(np.argmax(first - second))
    scorer = Generation(exam(subject=pocket_bench.subject, lock=pocket_bench.lock))
    with fake_llm.serve(writing([texts[0]] * 10 + [texts[1]] * 10)) as llm:
        found = judged(llm, lambda judge: scorer.score(feature, 10, LABEL, judge))
    assert found.value == 1.0
    assert found.details["activations"] == pytest.approx([first[feature]] * 10 + [second[feature]] * 10)
