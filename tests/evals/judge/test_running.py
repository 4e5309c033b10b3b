"""Scoring many statements: kept one by one, recorded, gone on with, and stopped where the judge is gone."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import fake_llm
import pytest
from fake_llm import MODEL, Says, Status
from judging import LABEL, answering, constant, exam, made, settings

from tsea.evals.judge.answers import all_failed
from tsea.evals.judge.estimate import judge_estimate
from tsea.evals.judge.running import LOST, JudgeLostError, Task, score_by_judge
from tsea.evals.judge.settings import JudgeSettings
from tsea.evals.scorers.by_judge import JUDGED, judged_scorers
from tsea.evals.scorers.detection import Detection
from tsea.evals.scores import EMPTY, Score, Statement
from tsea.labeler.llm.errors import NoServerError, UnknownModelError
from tsea.labeler.llm.prices import Price, Prices
from tsea.labeler.llm.spending import Budget, BudgetError
from tsea.tools.errors import UsageError
from tsea.tools.storage.records import Records

SCORER = Detection(exam())
PRICES = Prices({MODEL: Price(prompt=1.0, completion=10.0)})
STATEMENTS = {"": LABEL, "shuffled": Statement("Fires on owls."), "empty": EMPTY}
KNOWS = answering(lambda text: int("fox" in text))


def tasks(features: Sequence[int] = (3, 4)) -> Iterator[Task]:
    for feature in features:
        items = made(SCORER.items(feature))
        for control, statement in STATEMENTS.items():
            yield Task(feature, SCORER, items, statement, control)


class Kept:
    """Scores as they come."""

    def __init__(self) -> None:
        self.scores: dict[tuple[int, str], Score] = {}
        self.threads: set[str] = set()

    def __call__(self, task: Task, score: Score) -> None:
        self.scores[task.feature, task.control] = score
        self.threads.add(threading.current_thread().name)


def label_or_guess(request: dict[str, Any]) -> Says:
    """A judge that knows what a fox is, and without a label says yes to all."""
    return KNOWS(request) if "fox" in request["messages"][1]["content"].split("texts")[0] else constant(1)(request)


def test_labels_and_controls_are_scored_and_kept_in_one_thread() -> None:
    kept = Kept()
    with fake_llm.serve(label_or_guess) as llm:
        score_by_judge(tasks(), settings(llm), kept)
    assert {key: score.value for key, score in kept.scores.items()} == {
        (feature, control): 0.5 if control else 1.0 for feature in (3, 4) for control in STATEMENTS
    }
    assert len(kept.threads) == 1 and kept.threads != {threading.current_thread().name}
    assert 1 < llm.most_at_once <= 8


def test_tasks_are_drawn_when_they_are_needed() -> None:
    kept = Kept()
    behind: list[int] = []

    def drawn() -> Iterator[Task]:
        for number, task in enumerate(tasks(range(10))):
            behind.append(number - len(kept.scores))
            yield task

    with fake_llm.serve(constant(1)) as llm:
        score_by_judge(drawn(), settings(llm, concurrency=2), kept)
    assert len(behind) == 30 and max(behind) <= 2


def test_what_is_paid_is_recorded_and_a_second_run_pays_nothing(tmp_path: Path) -> None:
    with Records(f"sqlite:///{tmp_path}/runs.db") as records, fake_llm.serve(constant(1)) as llm:
        run = records.open_run("scores", "pocket", "hash", {"judge": MODEL})
        first = score_by_judge(tasks(), settings(llm, prices=PRICES), Kept(), payments=(records, run))
        paid = records.spent(run).total("paid")
        count = llm.completed()
        assert (paid.requests, paid.prompt_tokens, paid.completion_tokens) == (
            count.replies,
            count.prompt,
            count.completion,
        )
        assert paid.cost == pytest.approx(first.run.all.cost) and set(records.spent(run).by_feature) == {3, 4}
        kept = Kept()
        again = score_by_judge(tasks(), settings(llm, prices=PRICES), kept, payments=(records, run))
        assert len(llm.seen) == count.replies and records.spent(run).total("paid") == paid
    assert again.run.all.cost == pytest.approx(paid.cost)
    assert all(score.details["cost"] == 0 for score in kept.scores.values())


def test_the_budget_holds_over_processes(tmp_path: Path) -> None:
    with Records(f"sqlite:///{tmp_path}/runs.db") as records, fake_llm.serve(constant(1)) as llm:
        run = records.open_run("scores", "pocket", "hash", {})
        bound = settings(llm, per_run=Budget(max_tokens=30_000), max_tokens=100)
        score_by_judge(tasks([3]), bound, Kept(), payments=(records, run))
        spent = records.spent(run).total("paid")
        asked = len(llm.seen)
        tight = settings(llm, per_run=Budget(max_tokens=spent.prompt_tokens + spent.completion_tokens + 1))
        with pytest.raises(BudgetError):
            score_by_judge(tasks([4]), tight, Kept(), payments=(records, run))
        assert len(llm.seen) == asked


def test_scores_without_any_answer_are_kept_as_such_and_a_lost_judge_stops_the_work() -> None:
    kept = Kept()
    with (
        fake_llm.serve(faults=lambda number: Status(500)) as llm,
        pytest.raises(JudgeLostError, match="status 500.*go on with the same command"),
    ):
        score_by_judge(tasks(range(100)), settings(llm, concurrency=2), kept)
    assert LOST <= len(kept.scores) <= LOST + 2
    assert all(score.value is None and all_failed(score.details) for score in kept.scores.values())


def test_a_judge_that_is_not_there_stops_the_work_at_once() -> None:
    kept = Kept()
    with fake_llm.serve() as llm:
        gone = settings(llm)
    with pytest.raises(NoServerError, match="check the base URL"):
        score_by_judge(tasks(range(100)), gone, kept)
    assert not kept.scores


def test_failures_now_and_then_do_not_stop_the_work() -> None:
    kept = Kept()

    def play(request: dict[str, Any]) -> Says | Status:
        return Status(400) if "owls" in request["messages"][1]["content"] else constant(1)(request)

    with fake_llm.serve(play) as llm:
        score_by_judge(tasks(range(12)), settings(llm, concurrency=1), kept)
    assert len(kept.scores) == 36
    assert {all_failed(score.details) for (_, control), score in kept.scores.items() if control == "shuffled"} == {True}


def test_a_model_that_the_server_lacks_ends_the_work_at_once() -> None:
    with fake_llm.serve(models=["other"]) as llm, pytest.raises(UnknownModelError):
        score_by_judge(tasks(range(100)), settings(llm), Kept())
    assert len(llm.seen) <= 8 * 4  # all batches of the tasks that were begun


def test_the_estimate_is_what_the_server_then_counts() -> None:
    with fake_llm.serve(constant(1)) as llm:
        estimated = judge_estimate(tasks(), settings(llm, prices=PRICES))
        assert not llm.seen
        score_by_judge(tasks(), settings(llm, prices=PRICES), Kept())
        count = llm.completed()
    assert (estimated.scores, estimated.requests) == (6, count.replies)
    assert estimated.prompt_tokens == pytest.approx(count.prompt, rel=0.1)
    assert estimated.completion_tokens == pytest.approx(count.completion, rel=0.5)
    assert estimated.cost == pytest.approx((estimated.prompt_tokens + 10 * estimated.completion_tokens) / 1e6)
    assert estimated.times(60).requests == 10 * estimated.requests
    assert judge_estimate(tasks(), settings(llm)).cost is None


def test_scorers_have_names_and_the_judge_they_ask() -> None:
    judge = JudgeSettings(MODEL, embedding_model="e")
    scorers = judged_scorers(exam(), judge, [*JUDGED, "detection"])
    assert [scorer.name for scorer in scorers] == list(JUDGED)
    by_name = {scorer.name: scorer.judge for scorer in scorers}
    assert by_name.pop("embedding") == judge.embedding_identity and set(by_name.values()) == {judge.identity}
    assert JudgeSettings(MODEL).identity == judge.identity
    assert {scorer.name for scorer in scorers if scorer.about == "feature"} == {"intruder"}


def test_scores_of_judges_that_are_asked_in_other_ways_have_other_names() -> None:
    judges = [JudgeSettings(MODEL), JudgeSettings(MODEL, seed=1), JudgeSettings(MODEL, batch=1), JudgeSettings("m")]
    assert len({judge.identity for judge in judges}) == 4
    assert JudgeSettings(MODEL, concurrency=2).identity == judges[0].identity and MODEL in judges[0].identity


def test_unknown_scorers_and_an_embedding_score_without_a_model_are_refused() -> None:
    with pytest.raises(UsageError, match="Did you mean detection"):
        judged_scorers(exam(), JudgeSettings(MODEL), ["detecting"])
    with pytest.raises(UsageError, match="embedding model"):
        judged_scorers(exam(), JudgeSettings(MODEL), ["embedding"])
