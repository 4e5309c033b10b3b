"""The workbench chooses contexts, sets and a scale, and what it then measures is that of the operations themselves."""

from __future__ import annotations

import threading

import pytest

from tsea.tools.activations.indexing import index_corpus
from tsea.tools.activations.part import Part, explore
from tsea.tools.effects.ablation import ablate
from tsea.tools.effects.contexts import (
    CONTEXTS,
    given_texts,
    largest_activation,
    random_contexts,
    strongest_contexts,
)
from tsea.tools.effects.steering import steer
from tsea.tools.effects.watched import watch
from tsea.tools.errors import UsageError
from tsea.tools.workbench import Workbench

TEXTS = ["There were about 12 of them", "The king said that"]
SETS = ['{"regex": "[0-9]+"}']


@pytest.fixture(scope="module")
def part(pocket_bench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> Part:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TSEA_HOME", str(tmp_path_factory.mktemp("home")))
        return explore(index_corpus(pocket_bench.subject, None, 40 * 127), pocket_bench.subject.vocabulary.special)


@pytest.fixture
def bench(pocket_bench: Workbench, part: Part, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    """The shared workbench over the small index."""
    monkeypatch.setitem(pocket_bench.activity.__dict__, "part", part)
    return pocket_bench


@pytest.fixture(scope="module")
def feature(part: Part) -> int:
    return int(part.totals.firings.argsort()[-30])


def test_texts_sets_and_scale_are_taken_as_they_are_given(bench: Workbench, feature: int) -> None:
    subject = bench.subject
    watched = watch(subject.vocabulary, bench.library, bench.open_ids, SETS)
    texts = given_texts(subject, TEXTS)
    found = bench.steer(feature, TEXTS, strength=-2, scale=4.0, sets=SETS, random=16)
    assert found == steer(subject, feature, texts, watched, 4.0, strength=-2, random=16)
    assert bench.ablate(feature, TEXTS, sets=SETS, random=16) == ablate(subject, feature, texts, watched, random=16)


def test_contexts_and_scale_come_from_the_index_and_sets_from_the_library(
    bench: Workbench, part: Part, feature: int
) -> None:
    subject = bench.subject
    watched = watch(subject.vocabulary, bench.library, bench.open_ids)
    chosen, scale = random_contexts(part, 2), largest_activation(part, feature)
    steered = bench.steer(feature, contexts=2, random=16)
    assert steered == steer(subject, feature, chosen, watched, scale, random=16) and len(steered.sets) > 1
    strongest = strongest_contexts(part, feature, 2)
    assert bench.ablate(feature, contexts=2, random=16) == ablate(subject, feature, strongest, watched, random=16)
    few = bench.ablate(feature, sets=SETS, random=16)
    assert len(few.contexts) == CONTEXTS and [found.set for found in few.sets] == SETS


def test_what_cannot_be_meant_is_refused(bench: Workbench, feature: int) -> None:
    for operation in (bench.steer, bench.ablate):
        with pytest.raises(UsageError, match="use one of them"):
            operation(feature, TEXTS, contexts=3)
        with pytest.raises(UsageError, match="does not exist"):
            operation(4096, TEXTS)
        with pytest.raises(UsageError, match="No token set"):
            operation(feature, TEXTS, sets=["regex.nothing"])


def test_activity_waits_while_the_workbench_runs_the_model(bench: Workbench) -> None:
    assert bench.activity is bench.activity and bench.activity.subject is bench.subject
    rows: list[object] = []
    thread = threading.Thread(target=lambda: rows.extend(bench.activity.find("a red car", most=3)))
    with bench.lock:
        thread.start()
        thread.join(0.5)
        assert thread.is_alive() and not rows
    thread.join(60)
    assert len(rows) == 3
