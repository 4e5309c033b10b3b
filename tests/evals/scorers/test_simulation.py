from __future__ import annotations

from typing import Any

import fake_llm
import numpy as np
import pytest
from fake_llm import Says, Status
from judging import answering, constant, data_of, exam, made, scored

from tsea.evals.judge.windows import Window
from tsea.evals.scorers.simulation import Simulation

SCORER = Simulation(exam())
ITEMS = made(SCORER.items(7))
WINDOWS = [Window.around(item) for item in ITEMS.firing + ITEMS.silent]
TRUTH = np.concatenate([window.activations for window in WINDOWS])
HENS = sum(2 in window.tokens for window in WINDOWS)


def test_the_correlation_is_that_over_all_tokens_of_all_contexts() -> None:
    with fake_llm.serve(answering(lambda token: {"\u2423fox": 8, "\u2423hen": 4}.get(token, 0))) as llm:
        found = scored(SCORER, llm)
    # Activations a_i at 5 of n tokens, answers 8 there and 4 at h tokens where the activation is 0.
    n, h = len(TRUTH), HENS
    activations = TRUTH[TRUTH > 0].astype(float)
    assert len(activations) == 5 and h > 0
    mean_x, mean_y = activations.sum() / n, (5 * 8 + 4 * h) / n
    covariance = 8 * activations.sum() / n - mean_x * mean_y
    variances = ((activations**2).sum() / n - mean_x**2) * ((5 * 64 + 16 * h) / n - mean_y**2)
    assert found.value == pytest.approx(covariance / np.sqrt(variances))
    assert found.n == n and found.details["contexts"] == 10 and len(llm.seen) == 10
    assert found.details["batch"] == 1


@pytest.mark.parametrize("answer", [0, 5, 10])
def test_the_same_number_for_each_token_scores_0(answer: int) -> None:
    with fake_llm.serve(constant(answer)) as llm:
        assert scored(SCORER, llm).value == SCORER.chance == 0.0


def test_tokens_without_an_answer_count_for_nothing() -> None:
    def play(request: dict[str, Any]) -> Says:
        tokens = data_of(request)["tokens"]
        answered = ((k, 9 if "fox" in token else 1) for k, token in tokens.items() if "hen" not in token)
        return Says("{" + ",".join(f'"{k}": {number}' for k, number in answered) + "}")

    with fake_llm.serve(play) as llm:
        found = scored(SCORER, llm)
    assert found.details["unparsed"] == HENS and found.n == len(TRUTH) - HENS
    answered = np.array([np.nan if one is None else one for one in found.details["answers"]])
    there = ~np.isnan(answered)
    assert found.value == pytest.approx(np.corrcoef(TRUTH[there], answered[there])[0, 1])


def test_answers_about_silent_contexts_alone_yield_no_score() -> None:
    says = constant(1)

    def play(request: dict[str, Any]) -> Says | Status:
        return Status(500) if "\u2423fox" in data_of(request)["tokens"].values() else says(request)

    with fake_llm.serve(play) as llm:
        found = scored(SCORER, llm)
    assert found.value is None
    assert found.unscored == "the activation is the same at every token that was answered"
    assert found.details["failed"] == sum(len(window.tokens) for window in WINDOWS[:5])


def test_tokens_are_numbered_and_half_of_the_contexts_are_silent() -> None:
    with fake_llm.serve(constant(0)) as llm:
        scored(SCORER, llm)
    shown = [data_of(one.body)["tokens"] for one in llm.seen]
    assert all(list(tokens) == [str(k) for k in range(1, len(tokens) + 1)] for tokens in shown)
    assert sum("\u2423fox" in tokens.values() for tokens in shown) == 5
