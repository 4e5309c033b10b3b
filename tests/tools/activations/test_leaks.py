"""Nothing of a sealed document comes out of the open side: every answer is the one that an index without them gives."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

import tsea.tools.subject
from tsea.server.cli import app
from tsea.tools.activations import activity as activity_module
from tsea.tools.activations.activity import EXAMPLE_KINDS, Activity
from tsea.tools.activations.documents import open_corpus
from tsea.tools.activations.indexing import index_corpus
from tsea.tools.activations.part import Part, explore
from tsea.tools.activations.partition import OPEN, SIDES
from tsea.tools.activations.rows import Row
from tsea.tools.activations.store import ActivationStore, Active, Firings
from tsea.tools.effects.contexts import largest_activation, random_contexts, strongest_contexts
from tsea.tools.errors import UsageError
from tsea.tools.inputs import enrichment, null
from tsea.tools.inputs.enrichment import ReadingEnrichment
from tsea.tools.inputs.rows import input_test_rows, reading_rows
from tsea.tools.inputs.spec import parse_input_spec
from tsea.tools.storage.cache import ByteCache
from tsea.tools.subject import Subject
from tsea.tools.subject.text_rows import bundled_text
from tsea.tools.token_sets import TokenSet
from tsea.tools.token_sets.library import TokenSetLibrary

WORDS = tuple(["the", "cat", "sat", "on", "a", "red", "mat", "and", "he", "said", "it", "was", "1905", "in", "France"])
CONFIRM = SIDES.index("confirm")
CHEAP, COSTLY = 10_000, 3  # calls of all cheap methods together, of each that runs the model


class World:
    """An index seen from its open side: positions are counted among the open ones, so that two indexes compare."""

    def __init__(self, subject: Subject, store: ActivationStore, part: Part | None = None) -> None:
        self.store = store
        self.part = part or explore(store, subject.vocabulary.special)
        self.activity = Activity(subject)
        self.activity.part = self.part
        self._open = open_positions(store)

    def at(self, numbers: np.ndarray) -> np.ndarray:
        return self._open[numbers]

    def number(self, positions: Iterable[int] | np.ndarray) -> np.ndarray:
        found = np.asarray(positions, np.int64)
        assert np.isin(found, self._open).all(), "a position of a sealed document"
        return np.searchsorted(self._open, found)

    def random(self, rng: np.random.Generator) -> np.ndarray:
        return self.at(np.sort(rng.choice(len(self._open), 5, replace=False)))

    def numbered(self, firings: Firings) -> tuple[np.ndarray, np.ndarray]:
        return self.number(firings.positions), firings.values


def open_positions(store: ActivationStore) -> np.ndarray:
    return np.flatnonzero(store.rows.sides[store.rows.of(np.arange(store.firsts[-1]))] == OPEN)


@pytest.fixture(scope="module")
def whole(pocket: Subject, tmp_path_factory: pytest.TempPathFactory) -> ActivationStore:
    """An index of documents of very different lengths, up to three rows of the model."""
    folder = tmp_path_factory.mktemp("leaks")
    tokens, rng = bundled_text(60)[:, 1:].ravel(), np.random.default_rng(0)
    cuts = np.cumsum(rng.integers(20, 300, 100))
    texts = [pocket.model.tokenizer.decode(piece) for piece in np.split(tokens, cuts[cuts < len(tokens)])]
    path = folder / "corpus.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TSEA_HOME", str(folder))
        return index_corpus(pocket, open_corpus([str(path)]))


@pytest.fixture(scope="module")
def without(whole: ActivationStore, pocket: Subject, tmp_path_factory: pytest.TempPathFactory) -> ActivationStore:
    """The same index with its open rows alone."""
    return with_sides(whole, (OPEN,), ActivationStore(tmp_path_factory.mktemp("without")), pocket.n_features)


def with_sides(
    whole: ActivationStore, sides: tuple[int, ...], store: ActivationStore, features: int
) -> ActivationStore:
    """Write the rows of some sides into another store."""
    table = whole.rows
    of_sides = np.isin(table.sides, sides)
    own = np.flatnonzero(of_sides[table.of(np.arange(whole.firsts[-1]))])
    rows = [
        Row(
            whole.row_tokens(i), int(table.documents[i]), int(table.keys[i]), int(table.sides[i]), int(table.offsets[i])
        )
        for i in np.flatnonzero(of_sides).tolist()
    ]
    found = [whole.firings(feature) for feature in range(features)]
    kept = [one.where(np.isin(one.positions, own)) for one in found]
    active = Active(
        np.repeat(np.arange(len(kept)), [len(one.positions) for one in kept]),
        np.searchsorted(own, np.concatenate([one.positions for one in kept])),
        np.concatenate([one.values for one in kept]),
    )
    store.add(rows, active, features)
    return store


@pytest.fixture(scope="module")
def worlds(pocket: Subject, whole: ActivationStore, without: ActivationStore) -> tuple[World, World]:
    assert 0.2 < without.firsts[-1] / whole.firsts[-1] < 0.7
    return World(pocket, whole), World(pocket, without)


def feature(world: World, rng: np.random.Generator) -> int:
    """Mostly one that fires."""
    firing = np.flatnonzero(world.part.totals.firings)
    return int(rng.choice(firing) if rng.random() < 0.9 else rng.integers(world.part.n_features))


def text(_: World, rng: np.random.Generator) -> str:
    return " ".join(rng.choice(WORDS, int(rng.integers(1, 12))))


def context(w: World, rng: np.random.Generator) -> tuple[object, ...]:
    chosen = feature(w, rng)
    found = w.part.context(int(w.random(rng)[0]), w.part.firings(chosen))
    return found.document, found.tokens, found.activations, found.position


def token_sums(w: World, rng: np.random.Generator) -> np.ndarray:
    return w.part.token_sums(w.part.firings(feature(w, rng)))


def spans(w: World, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    begin, end = w.part.spans(w.random(rng), *rng.integers(0, 200, 2).tolist())
    return w.number(begin), w.number(end - 1)


def row(w: World, rng: np.random.Generator) -> tuple[object, ...]:
    start, tokens = w.part.row(int(rng.choice(w.part.rows)))
    return w.number(np.array([start])), tokens


Call = Callable[[World, np.random.Generator], object]
PART: dict[str, Call] = {
    "rows": lambda w, _: [w.store.row_tokens(row) for row in w.part.rows.tolist()],
    "token_counts": lambda w, _: w.part.token_counts,
    "place_counts": lambda w, _: w.part.place_counts,
    "totals": lambda w, _: w.part.totals,
    "n_features": lambda w, _: w.part.n_features,
    "firings": lambda w, rng: w.numbered(w.part.firings(feature(w, rng))),
    "firings_at": lambda w, rng: w.part.firings_at(w.random(rng)),
    "summary": lambda w, rng: w.part.summary(feature(w, rng)),
    "token_sums": token_sums,
    "token_means": lambda w, rng: w.part.token_means(feature(w, rng)),
    "occurrences": lambda w, rng: w.number(w.part.occurrences(int(w.part.tokens(w.random(rng))[0]))),
    "tokens": lambda w, rng: w.part.tokens(w.random(rng)),
    "places": lambda w, rng: w.part.places(w.random(rng)),
    "documents": lambda w, rng: w.part.documents(w.random(rng)),
    "spans": spans,
    "random_positions": lambda w, rng: w.number(w.part.random_positions(7, rng)),
    "following": lambda w, rng: [w.part.following(p) for p in w.random(rng).tolist()],
    "context": context,
    "row": row,
    "row_lengths": lambda w, _: w.part.row_lengths(w.part.rows),
}
CHEAP_ACTIVITY: dict[str, Call] = {
    "part": lambda w, _: w.activity.part.sides,
    "select": lambda w, rng: w.activity.select(f"0-{rng.integers(100)}"),
    "summary": lambda w, rng: w.activity.summary(feature(w, rng)),
    "position": lambda w, rng: w.activity.position(feature(w, rng)),
    "windows": lambda w, rng: w.activity.windows(text(w, rng)),
}
COSTLY_ACTIVITY: dict[str, Call] = {
    "examples": lambda w, rng: list(w.activity.examples(feature(w, rng), EXAMPLE_KINDS, int(rng.integers(1, 4)))),
    "minimal_pairs": lambda w, rng: list(w.activity.minimal_pairs(feature(w, rng), 2)),
    "activate": lambda w, rng: list(w.activity.activate([text(w, rng)], rng.integers(0, 4096, 5))),
    "find": lambda w, rng: w.activity.find(text(w, rng), most=10),
    "neighbours": lambda w, rng: w.activity.neighbours(feature(w, rng), 5),
    "counterparts": lambda w, rng: w.activity.counterparts(feature(w, rng), w.activity.subject, 3),
}
EFFECTS: dict[str, Call] = {
    "random_contexts": lambda w, _: random_contexts(w.part, 3),
    "strongest_contexts": lambda w, rng: strongest_contexts(w.part, feature(w, rng), 3),
    "largest_activation": lambda w, rng: largest_activation(w.part, firing(w, rng)),
}


def firing(world: World, rng: np.random.Generator) -> int:
    return int(rng.choice(np.flatnonzero(world.part.totals.firings)))


def plain(value: Any) -> Any:
    """Results as nested lists."""
    if isinstance(value, BaseModel):
        return plain(value.model_dump())
    if dataclasses.is_dataclass(value):
        return plain(vars(value))
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key != "row"}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def assert_same(found: Any, expected: Any) -> None:
    """Alike but for rounding: sums are added up in another order."""
    if isinstance(found, dict):
        assert found.keys() == expected.keys()
        found, expected = list(found.values()), list(expected.values())
    if isinstance(found, list) and found and all(isinstance(item, (int, float)) for item in found):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    elif isinstance(found, list):
        assert len(found) == len(expected)
        for pair in zip(found, expected, strict=True):
            assert_same(*pair)
    elif isinstance(found, float):
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)
    else:
        assert found == expected


def compare(worlds: tuple[World, World], call: Call, seed: int) -> None:
    answers = []
    for world in worlds:
        try:
            answers.append(plain(call(world, np.random.default_rng(seed))))
        except UsageError as error:  # as for a feature that never fires
            answers.append(str(error))
    assert_same(*answers)


def public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


def test_every_public_name_is_tried_here() -> None:
    assert public(Part) == set(PART)
    assert public(Activity) == set(CHEAP_ACTIVITY) | set(COSTLY_ACTIVITY)


@pytest.mark.large
def test_ten_thousand_calls_answer_as_if_sealed_documents_were_not_there(worlds: tuple[World, World]) -> None:
    large = {"rows", "totals", "token_counts", "place_counts"}  # the same each time
    for name in large:
        compare(worlds, PART[name], 0)
    cheap = [call for name, call in (PART | CHEAP_ACTIVITY).items() if name not in large]
    for seed, call in zip(range(CHEAP), itertools.cycle(cheap), strict=False):
        compare(worlds, call, seed)
    for call in (COSTLY_ACTIVITY | EFFECTS).values():
        for seed in range(COSTLY):
            compare(worlds, call, seed)


def test_what_features_fire_on_is_found_as_if_held_out_documents_were_not_there(
    whole: ActivationStore, pocket: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name, value in ((enrichment, "DRAWS", 128), (null, "PILOT", 64), (null, "DECOYS", 16)):
        monkeypatch.setattr(module, name, value)
    kept = with_sides(whole, (OPEN, CONFIRM), ActivationStore(tmp_path / "kept"), pocket.n_features)
    assert kept.firsts[-1] < whole.firsts[-1]
    sets = [TokenSet(f"every.{i}", "every", "", np.arange(i, len(pocket.vocabulary), 10), "", "") for i in range(10)]
    library = TokenSetLibrary(sets, pocket.vocabulary.hash)
    features = np.argsort([-len(whole.firings(f).positions) for f in range(400)])[:40]
    specs = [{"previous": "every.1", "within": 3}, {"text": "[a-e]"}, {"position": [0, 30]}, {"next": {"suffix": "s"}}]
    answers = []
    for store in (whole, kept):
        reading = ReadingEnrichment(pocket, store, library, ByteCache(tmp_path / store.folder.name))
        written = [input_test_rows(reading, features, parse_input_spec(spec)) for spec in specs]
        answers.append(plain([reading_rows(reading, features), written, reading.slice.rows]))
    assert answers[0] == answers[1]


TOLD = ("rows", "token_counts", "place_counts", "totals", "firings", "summary", "token_means", "occurrences")


@pytest.mark.parametrize("name", [*TOLD, "random_positions"])
def test_a_part_that_lets_more_documents_through_is_told_apart(
    name: str, worlds: tuple[World, World], pocket: Subject
) -> None:
    wide = Part(worlds[0].store, ("open", "confirm"), pocket.vocabulary.special)
    leaky = World(pocket, worlds[0].store, wide)
    with pytest.raises(AssertionError):
        for seed in range(50):
            compare((leaky, worlds[1]), PART[name], seed)


def test_positions_of_sealed_documents_are_refused_by_all_that_take_positions(worlds: tuple[World, World]) -> None:
    part, store = worlds[0].part, worlds[0].store
    sealed = np.setdiff1d(np.arange(store.firsts[-1]), open_positions(store))
    nothing = part.firings(0)
    for position in [*np.random.default_rng(0).choice(sealed, 100).tolist(), -1, int(store.firsts[-1])]:
        one = np.array([position])
        calls: list[Callable[[], object]] = [
            lambda one=one: part.tokens(one),
            lambda one=one: part.places(one),
            lambda one=one: part.firings_at(one),
            lambda one=one: part.spans(one, 3, 3),
            lambda one=one: part.token_sums(Firings(one, np.ones(1, np.float32))),
            lambda position=position: part.following(position),
            lambda position=position: part.context(position, nothing),
        ]
        for call in calls:
            with pytest.raises(KeyError):
                call()


@pytest.mark.parametrize(
    "command",
    [
        ("examples", "FEATURE"),
        ("examples", "FEATURE", "--ablate"),
        ("pairs", "FEATURE"),
        ("neighbours", "FEATURE"),
        ("position", "FEATURE"),
        ("activate", "the red cat of 1905"),
        ("find", "--text", "the red cat of 1905"),
    ],
    ids=" ".join,
)
def test_commands_print_what_they_would_without_sealed_documents(
    command: tuple[str, ...], worlds: tuple[World, World], pocket: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tsea.tools.subject, "open_subject", lambda *_, **__: pocket)
    frequent = str(np.argsort(-worlds[0].part.totals.firings)[200])
    printed = []
    for world in worlds:
        monkeypatch.setattr(activity_module, "open_index", lambda *_, store=world.store: store)
        arguments = [frequent if part == "FEATURE" else part for part in command]
        done = CliRunner().invoke(app, [*arguments, "--json"])
        assert done.exit_code == 0 and done.stdout, done.output
        printed.append([json.loads(line) for line in done.stdout.splitlines()])
    assert_same(*printed)
