from __future__ import annotations

import fake_llm
import pytest
from fake_llm import Status
from judging import EMBEDDER, exam, scored

from tsea.evals.scorers.embedding import Embedding
from tsea.evals.scores import EMPTY, Statement

SCORER = Embedding(exam())


def foxes_and_hens(text: str) -> list[float]:
    """Labels and foxes lie at (1, 0), hens at 45 degrees, owls at 90."""
    if "fox" in text:
        return [2.0, 0.0]
    return [1.0, 1.0] if "hen" in text else [0.0, 3.0]


def test_contexts_nearer_to_the_label_than_all_silent_ones_score_1() -> None:
    with fake_llm.serve(embed=foxes_and_hens, models=[EMBEDDER]) as llm:
        found = scored(SCORER, llm)
    assert found.value == 1.0 and found.n == 20
    assert found.details["answers"][:10] == pytest.approx([1.0] * 10)
    assert sorted(found.details["answers"][10:]) == pytest.approx([0.0] * 7 + [0.5**0.5] * 3)


def test_ties_count_half() -> None:
    # Foxes lie as far from the label as owls do, and behind the 3 of 10 that are hens.
    with fake_llm.serve(embed=foxes_and_hens, models=[EMBEDDER]) as llm:
        assert scored(SCORER, llm, Statement("Fires on hens.")).value == pytest.approx(0.7 / 2)
    # Foxes and hens at one place: 3 of 10 pairs tied for each fox.
    with fake_llm.serve(embed=lambda text: [1.0, 0.0] if "owl" not in text else [0.0, 1.0], models=[EMBEDDER]) as llm:
        assert scored(SCORER, llm, Statement("Fires on hounds.")).value == pytest.approx(0.7 + 0.3 / 2)


def test_the_same_vector_for_everything_and_an_empty_label_score_chance() -> None:
    with fake_llm.serve(models=[EMBEDDER], embed=lambda text: [0.3, 0.1]) as llm:
        assert scored(SCORER, llm).value == SCORER.chance == 0.5
        asked = len(llm.seen)
        assert scored(SCORER, llm, EMPTY).value == 0.5
        assert scored(SCORER, llm, EMPTY).n == 20 and len(llm.seen) == asked
    with fake_llm.serve(models=[EMBEDDER], embed=lambda text: [0.0, 0.0]) as llm:
        assert scored(SCORER, llm, Statement("Nothing.")).value == 0.5


def test_contexts_are_embedded_once_for_all_statements() -> None:
    with fake_llm.serve(embed=foxes_and_hens, models=[EMBEDDER]) as llm:
        scored(SCORER, llm)
        scored(SCORER, llm, Statement("Fires on owls."))
    assert sorted(len(one.body["input"]) for one in llm.seen) == [1, 1, 20]


def test_failures_yield_no_score() -> None:
    with fake_llm.serve(models=[EMBEDDER], faults=lambda number: Status(500)) as llm:
        found = scored(SCORER, llm)
    assert found.value is None and found.details["failed"] == 20

    with fake_llm.serve(models=[EMBEDDER], faults=lambda number: Status(500) if number else None) as llm:
        found = scored(SCORER, llm, Statement("Fires on hens."))
    assert found.unscored == "the judge gave no answer: unreachable"
