"""A small index of the bundled text that the tests of this folder share."""

from __future__ import annotations

import numpy as np
import pytest

from tsea.tools.activations import building
from tsea.tools.activations.activity import Activity
from tsea.tools.activations.indexing import index_corpus
from tsea.tools.activations.part import Part, explore
from tsea.tools.activations.store import ActivationStore
from tsea.tools.subject import Subject, open_subject


@pytest.fixture(scope="package")
def pocket() -> Subject:
    return open_subject("pocket")


@pytest.fixture(scope="package")
def store(pocket: Subject, tmp_path_factory: pytest.TempPathFactory) -> ActivationStore:
    """A hundred rows of the bundled text, in small chunks."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TSEA_HOME", str(folder))
        patch.setattr(building, "CHUNK_TOKENS", 2000)
        patch.setattr(building, "_PAGE_TOKENS", 1000)
        return index_corpus(pocket, None, 100 * 127)


@pytest.fixture(scope="package")
def dense(pocket: Subject, store: ActivationStore) -> np.ndarray:
    """Every activation, positions by features."""
    matrix = np.zeros((store.firsts[-1], pocket.n_features), np.float32)
    for feature in range(pocket.n_features):
        found = store.firings(feature)
        matrix[found.positions, feature] = found.values
    return matrix


@pytest.fixture(scope="package")
def part(pocket: Subject, store: ActivationStore) -> Part:
    return explore(store, pocket.vocabulary.special)


@pytest.fixture(scope="package")
def activity(pocket: Subject, part: Part) -> Activity:
    activity = Activity(pocket)
    activity.part = part
    return activity
