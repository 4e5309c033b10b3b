"""Held-out contexts: firing ones from everywhere, and silent ones that are hard."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tsea.evals.exam.contexts import CONTEXTS, MIN_CONTEXTS, TestContexts
from tsea.evals.exam.exam import Exam
from tsea.evals.exam.items import ContextItems
from tsea.tools.activations.examples import AFTER, BEFORE
from tsea.tools.activations.indexing import open_index
from tsea.tools.activations.partition import SIDES
from tsea.tools.activations.store import ActivationStore, RowTable
from tsea.tools.errors import UsageError
from tsea.tools.workbench import Workbench


@pytest.fixture(scope="module")
def every(exam: Exam) -> dict[int, ContextItems]:
    found = {feature: exam.contexts.items(feature) for feature in range(0, 4096, 8)}
    return {feature: items for feature, items in found.items() if isinstance(items, ContextItems)}


def test_firing_contexts_come_evenly_from_all_tenths(exam: Exam, every: dict[int, ContextItems]) -> None:
    assert len(every) > 50
    for feature, items in every.items():
        values = np.sort(exam.contexts.part.firings(feature).values)
        edges = [own[-1] for own in np.array_split(values, 10)]
        activations = [item.activation for item in items.firing]
        assert min(activations) > 0 and MIN_CONTEXTS <= len(activations) <= CONTEXTS
        tenths = np.bincount(np.searchsorted(edges, np.sort(activations)), minlength=10)
        assert tenths.sum() == len(activations) and abs(tenths - len(activations) / 10).max() <= 1


def test_documents_are_used_evenly(exam: Exam, every: dict[int, ContextItems]) -> None:
    for feature, items in every.items():
        there = len(np.unique(exam.contexts.part.documents(exam.contexts.part.firings(feature).positions)))
        used = len({item.context.document for item in items.firing})
        assert used >= 0.6 * min(there, len(items.firing))


def test_silent_contexts_are_as_many_and_silent_all_around(every: dict[int, ContextItems]) -> None:
    for items in every.values():
        assert len(items.silent) == len(items.firing)
        for item in items.silent:
            at = item.context.position
            assert not item.context.activations[max(0, at - BEFORE) : at + AFTER + 1].any()
        places = {(item.context.row, item.context.position) for item in (*items.firing, *items.silent)}
        assert len(places) == 2 * len(items.firing)
    kinds = [item.kind for items in every.values() for item in items.silent]
    assert all(kinds.count(kind) > 0.25 * len(kinds) for kind in ("same token", "neighbour", "random"))


def test_all_documents_are_held_out(exam: Exam, every: dict[int, ContextItems], indexed_home: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TSEA_HOME", str(indexed_home))
        rows = open_index(exam.workbench.subject).rows
    used = {item.context.row for items in every.values() for item in (*items.firing, *items.silent)}
    assert {SIDES[side] for side in rows.sides[list(used)].tolist()} == {"held_out"}


def test_negatives_of_the_same_token_stand_at_tokens_the_feature_fires_on(every: dict[int, ContextItems]) -> None:
    def token(item: object) -> int:
        return int(item.context.tokens[item.context.position])  # type: ignore[attr-defined]

    for items in every.values():
        fired = {token(item) for item in items.firing}
        assert all(token(item) in fired for item in items.silent if item.kind == "same token")


def test_density_is_that_of_held_out_tokens(exam: Exam, every: dict[int, ContextItems]) -> None:
    feature, items = next(iter(every.items()))
    part = exam.contexts.part
    assert items.density == pytest.approx(len(part.firings(feature).positions) / part.token_counts.sum())


def test_the_same_contexts_come_each_time(exam: Exam, every: dict[int, ContextItems]) -> None:
    feature, items = next(iter(every.items()))
    exam.contexts.items.cache_clear()
    again = exam.contexts.items(feature)
    assert isinstance(again, ContextItems)
    assert [(i.context.row, i.context.position, i.kind) for i in (*items.firing, *items.silent)] == [
        (i.context.row, i.context.position, i.kind) for i in (*again.firing, *again.silent)
    ]


def test_too_few_firings_are_a_reason_with_the_count_needed(exam: Exam) -> None:
    rare = next(f for f in range(4096) if 0 < len(exam.contexts.part.firings(f).positions) < MIN_CONTEXTS)
    count = len(exam.contexts.part.firings(rare).positions)
    assert exam.contexts.items(rare) == f"fewer than 20 firings on held-out documents: {count}"


def test_a_feature_that_is_never_silent_is_a_reason_with_the_count_needed(
    exam: Exam, every: dict[int, ContextItems], monkeypatch: pytest.MonkeyPatch
) -> None:
    exam.contexts.items.cache_clear()
    monkeypatch.setattr("tsea.evals.exam.contexts.silent", lambda _part, positions, _firings: positions < 0)
    assert exam.contexts.items(next(iter(every))) == "fewer than 20 silent contexts on held-out documents: 0"


def test_an_index_without_held_out_documents_says_how_to_make_one(
    pocket_bench: Workbench, indexed_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSEA_HOME", str(indexed_home))
    store = ActivationStore(open_index(pocket_bench.subject).folder)
    rows = store.rows
    store.__dict__["rows"] = RowTable(rows.starts, rows.documents, rows.keys, np.zeros_like(rows.sides), rows.offsets)
    monkeypatch.setattr("tsea.evals.exam.contexts.open_index", lambda *_: store)
    with pytest.raises(UsageError, match="is held out.*tsea index --corpus FILES --subject pocket"):
        TestContexts(pocket_bench)


def test_directions_that_never_fire_have_no_contexts(pocket_bench: Workbench) -> None:
    directions = dataclasses.replace(pocket_bench.subject, encoder=None)
    with pytest.raises(UsageError, match="do not fire"):
        TestContexts(Workbench(directions, pocket_bench.library, cache=pocket_bench.cache))
