"""Chosen contexts against the dense matrix and by hand: the strongest, each tenth, different ones, silent ones."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
import torch

from tsea.tools.activations.examples import AFTER, BEFORE, deciles, diverse, top
from tsea.tools.activations.negatives import negatives
from tsea.tools.activations.part import Part
from tsea.tools.activations.store import ActivationStore, Firings
from tsea.tools.subject import Subject
from tsea.tools.vocabulary import Vocabulary

POCKET = pytest.mark.parametrize("subject", ["pocket"], indirect=True, scope="package")


@pytest.fixture(scope="package")
def busy(part: Part) -> list[int]:
    """Features that fire a few dozen times, and neurons, which all fire more often."""
    counts = part.totals.firings
    return sorted(np.flatnonzero(counts >= 30).tolist(), key=lambda feature: int(counts[feature]))[:12]


class Text:
    """A part that is one list of rows of token ids."""

    def __init__(self, *rows: list[int]) -> None:
        self.rows = rows
        self.starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
        self.all = np.array([token for row in rows for token in row])

    def places(self, positions: np.ndarray) -> np.ndarray:
        return positions - self.starts[np.searchsorted(self.starts, positions, side="right") - 1]

    def tokens(self, positions: np.ndarray) -> np.ndarray:
        return self.all[positions]


WORDS = (" red", "Red", " crimson", " the", " a", " b", " c", ".", " car", " sky")
VOCABULARY = Vocabulary(WORDS, WORDS, frozenset())
RED, RED_TITLE, CRIMSON, THE, A, B, C, DOT, CAR, SKY = range(10)


def test_the_strongest_and_the_tenths_are_those_of_the_values(part: Part, busy: list[int]) -> None:
    for feature in busy:
        found = part.firings(feature)
        by_value = sorted(zip(-found.values, found.positions, strict=True))
        assert [e.position for e in top(found, 10)] == [position for _, position in by_value[:10]]
        tenths = deciles(found, 2)
        assert len(tenths) == 10 and deciles(found, 2) == tenths
        ascending = np.array([position for _, position in reversed(by_value)])
        for tenth, expected in zip(tenths, np.array_split(ascending, 10), strict=True):
            assert len(tenth) == 2 and {one.position for one in tenth} <= set(expected.tolist())


def test_repeats_of_a_token_in_its_local_context_are_one_example_with_a_count() -> None:
    text = Text([THE, CAR, A, RED], [THE, CAR, A, RED_TITLE], [THE, SKY, B, RED], [THE, CAR, A, RED], [DOT, C, CRIMSON])
    reds = Firings(np.array([3, 7, 11, 15, 18]), np.array([5.0, 9.0, 4.0, 6.0, 1.0], np.float32))
    found = diverse(cast(Part, text), reds, VOCABULARY, 10)
    # Case and spacing do not tell tokens apart; the strongest stands for its kind; crimson has its turn second.
    assert [(e.position, e.count) for e in found] == [(7, 3), (18, 1), (11, 1)]
    assert [e.position for e in diverse(cast(Part, text), reds, VOCABULARY, 2)] == [7, 18]


def test_contexts_that_share_most_tokens_are_one_example() -> None:
    long = [THE, A, B, C, DOT, CAR, SKY]
    text = Text([*long, RED], [*long[:3], *long[3:6], CRIMSON, SKY, RED], [SKY, SKY, SKY, RED])
    firings = Firings(np.array([7, 16, 20]), np.array([3.0, 2.0, 1.0], np.float32))
    found = diverse(cast(Part, text), firings, VOCABULARY, 10)
    assert [(e.position, e.count) for e in found] == [(7, 2), (20, 1)]


@POCKET
def test_every_firing_is_counted_once(part: Part, busy: list[int], pocket: Subject) -> None:
    for feature in busy:
        found = part.firings(feature)
        chosen = diverse(part, found, pocket.vocabulary, 10_000)
        assert sum(e.count for e in chosen) == len(found.positions)
        assert {e.position for e in chosen} <= set(found.positions.tolist())
        names = [_family(pocket, part, e.position) for e in chosen]
        turn = len(set(names))
        assert len(set(names[:turn])) >= min(turn, 10) and len(set(names[:5])) == min(turn, 5)


def _family(pocket: Subject, part: Part, position: int) -> str:
    return pocket.vocabulary.text[int(part.tokens(np.array([position]))[0])].strip().casefold()


@POCKET
def test_a_feature_that_never_fires_has_no_example(part: Part, pocket: Subject) -> None:
    nothing = Firings(np.empty(0, np.int64), np.empty(0, np.float32))
    assert top(nothing, 5) == [] and diverse(part, nothing, pocket.vocabulary, 5) == []
    assert deciles(nothing, 5) == [[]] * 10
    found = negatives(pocket, part, int(np.argmin(part.totals.firings)), nothing, 2)
    assert {one.source for one in found} <= {"decoder neighbour", "random", "co-firing"}


@POCKET
def test_negatives_are_silent_around_their_position_and_come_from_where_they_say(
    part: Part, busy: list[int], pocket: Subject, store: ActivationStore
) -> None:
    sources: set[str] = set()
    for feature in busy[:3]:
        firings = part.firings(feature)
        read = set(part.tokens(firings.positions).tolist())
        found = negatives(pocket, part, feature, firings, 3)
        assert found == negatives(pocket, part, feature, firings, 3)
        sources |= {one.source for one in found}
        for one in found:
            context = part.context(one.position, firings)
            around = slice(max(0, context.position - BEFORE), context.position + AFTER + 1)
            assert not context.activations[around].any()
            ids = torch.tensor([[pocket.model.tokenizer.bos_token_id, *context.tokens.tolist()]])
            with torch.no_grad():
                _, cache = pocket.model.run_with_cache(ids, names_filter=[pocket.hook_name])
                fresh = pocket.sae.encode(cache[pocket.hook_name])[0, 1:, feature].numpy()
            assert not (fresh[around] > 0).any()
            if one.source == "same token":
                assert context.tokens[context.position] in read
    assert sources == {"same token", "decoder neighbour", "co-firing", "random"}


@POCKET
def test_a_candidate_that_fires_in_the_forward_pass_is_no_negative(
    part: Part, busy: list[int], pocket: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tsea.tools.activations import negatives as module

    def loud(_: Any, rows: np.ndarray) -> torch.Tensor:
        return torch.ones(*rows.shape, pocket.n_features)

    monkeypatch.setattr(module, "feature_activations", loud)
    assert negatives(pocket, part, busy[0], part.firings(busy[0]), 3) == []
