"""All scorers with a judge on the bundled subject's own held-out contexts and test tokens."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import fake_llm
import numpy as np
import pytest
from fake_llm import MODEL, FakeLLM, Says
from judging import EMBEDDER, LABEL, answering, data_of, settings

from tsea.evals.exam.exam import Exam
from tsea.evals.judge.running import Task, score_by_judge
from tsea.evals.judge.windows import Window
from tsea.evals.scorers.by_judge import JUDGED, judged_scorers
from tsea.evals.scorers.detection import Detection
from tsea.evals.scorers.judged import JudgedScorer
from tsea.evals.scores import EMPTY, Score

Play = Callable[[dict[str, Any]], Says]


def tasks(exam: Exam, scorers: list[JudgedScorer[Any]], features: int) -> Iterator[Task]:
    """Labels and empty labels of the first so many features that can be examined by all scorers."""
    for feature in range(exam.workbench.subject.n_features):
        items = [scorer.items(feature) for scorer in scorers]
        if any(isinstance(one, str) for one in items):
            continue
        for scorer, own in zip(scorers, items, strict=True):
            yield Task(feature, scorer, own, LABEL)
            yield Task(feature, scorer, own, EMPTY, "empty")
        features -= 1
        if not features:
            return


def scores(exam: Exam, llm: FakeLLM, names: list[str], features: int) -> list[tuple[Task, Score]]:
    """The scores of some features by some scorers."""
    found: list[tuple[Task, Score]] = []
    asked = settings(llm)
    score_by_judge(tasks(exam, judged_scorers(exam, asked, names), features), asked, lambda *one: found.append(one))
    return found


def always(number: float, letter: str) -> Play:
    """A judge that says the same to all questions, and writes one text."""

    def play(request: dict[str, Any]) -> Says:
        data = data_of(request)
        if "texts" in data and "A" in data["texts"]:
            return Says(json.dumps({"1": letter}))
        entries = (
            data.get("texts") or data.get("tokens") or data.get("questions") or dict.fromkeys(map(str, range(1, 21)))
        )
        said = letter if "questions" in data else number if len(data) > 1 else "One text."
        return Says(json.dumps(dict.fromkeys(entries, said)))

    return play


@pytest.mark.parametrize(("number", "letter"), [(0, "A"), (1, "B")])
def test_constant_answers_score_exactly_chance_by_every_scorer(exam: Exam, number: int, letter: str) -> None:
    with fake_llm.serve(always(number, letter), models=[MODEL, EMBEDDER]) as llm:
        found = scores(exam, llm, list(JUDGED), features=2)
    assert len(found) == 2 * 2 * len(JUDGED)
    for task, score in found:
        assert score.value == pytest.approx(task.scorer.chance, abs=1e-15), task.scorer.name
        assert score.n == score.details["asked"]


def test_a_judge_that_guesses_scores_chance_within_its_interval(exam: Exam) -> None:
    guess = answering(lambda text: zlib.crc32(text.encode()) % 2)
    with fake_llm.serve(guess) as llm:
        found = scores(exam, llm, ["detection", "fuzzing"], features=12)
    for name in ("detection", "fuzzing"):
        own = np.array([score.value for task, score in found if task.scorer.name == name and not task.control])
        assert abs(own.mean() - 0.5) < 3.29 * 0.5 / np.sqrt(12 * 40)  # 99.9 % of means of so many fair guesses


def test_a_judge_that_knows_where_the_feature_fires_scores_1(exam: Exam) -> None:
    scorer = Detection(exam)
    vocabulary = exam.workbench.subject.vocabulary
    known = {
        Window.around(item).text(vocabulary): int(item.fires)
        for task in tasks(exam, [scorer], features=1)
        for item in task.items.firing + task.items.silent
    }
    with fake_llm.serve(answering(lambda text: known[text])) as llm:
        found = scores(exam, llm, ["detection"], features=1)
    assert [score.value for _, score in found] == [1.0] * 2
