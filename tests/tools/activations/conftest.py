"""A small index of the bundled text that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from tsea.tools.activations import building
from tsea.tools.activations.activity import Activity
from tsea.tools.activations.indexing import index_corpus
from tsea.tools.activations.part import Part, explore
from tsea.tools.activations.store import ActivationStore
from tsea.tools.subject import Subject, open_subject
from tsea.tools.subject.reading import read
from tsea.tools.subject.text_rows import bundled_text

ROWS = 60


@pytest.fixture(scope="package")
def pocket() -> Subject:
    return open_subject("pocket")


def _relu_subject(pocket: Subject, make_sae: Callable[..., Any], **metadata: Any) -> Subject:
    """The bundled model with a standard SAE that has random weights and thresholds at which 2 % of tokens fire."""
    sae = make_sae(pocket.d_model, "blocks.2.hook_resid_post", d_sae=600, context_size=128, **metadata)
    with torch.no_grad():
        found = (read(pocket, bundled_text(8), [sae.cfg.metadata.hook_name])[0] - sae.b_dec) @ sae.W_enc
        sae.b_enc.data = -found[:, 1:].flatten(0, 1).quantile(0.98, dim=0)
    return Subject.from_objects(pocket.model, sae, name="pocket, a ReLU SAE")


@pytest.fixture(scope="package", params=["pocket", "ReLU", "neurons"])
def subject(request: pytest.FixtureRequest, pocket: Subject, make_sae: Callable[..., Any]) -> Subject:
    """Two kinds of SAE (TopK and ReLU), and neurons."""
    if request.param == "ReLU":
        return _relu_subject(pocket, make_sae)
    return pocket if request.param == "pocket" else open_subject("pocket/neurons/2")


@pytest.fixture(scope="package")
def subject_without_bos(pocket: Subject, make_sae: Callable[..., Any]) -> Subject:
    """One whose SAE says that it was trained on rows without BOS."""
    return _relu_subject(pocket, make_sae, prepend_bos=False)


@pytest.fixture(scope="package")
def store(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> ActivationStore:
    """The first rows of the bundled text, in small chunks."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TSEA_HOME", str(folder))
        patch.setattr(building, "CHUNK_TOKENS", 2000)
        patch.setattr(building, "_PAGE_TOKENS", 1000)
        return index_corpus(subject, None, ROWS * 127)


@pytest.fixture(scope="package")
def dense(subject: Subject, store: ActivationStore) -> np.ndarray:
    """Every activation, positions by features."""
    matrix = np.zeros((store.firsts[-1], subject.n_features), np.float32)
    for feature in range(subject.n_features):
        found = store.firings(feature)
        matrix[found.positions, feature] = found.values
    return matrix


@pytest.fixture(scope="package")
def part(subject: Subject, store: ActivationStore) -> Part:
    return explore(store, subject.vocabulary.special)


@pytest.fixture(scope="package")
def activity(subject: Subject, part: Part) -> Activity:
    activity = Activity(subject)
    activity.part = part
    return activity
