"""Subjects of known truth on the bundled one with few sets, labelled once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tsea.evals.planted.report import Measured, measure, named_labeler
from tsea.evals.planted.subject import plant
from tsea.evals.planted.truth import Planted
from tsea.tools.storage.records import Records
from tsea.tools.token_sets.library import TokenSetLibrary
from tsea.tools.workbench import Workbench


@pytest.fixture(scope="session")
def planted(pocket_bench: Workbench) -> Planted:
    """162 features on isotropic background, 18 at each strength and 54 nulls, and parts of speech to search."""
    few = TokenSetLibrary(pocket_bench.library.select("pos.*"), pocket_bench.library.vocabulary_hash)
    return plant(Workbench(pocket_bench.subject, few, cache=pocket_bench.cache), "isotropic", 162)


@pytest.fixture(scope="session")
def statistical(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """The statistical labeler on it."""
    return _measured(planted, "statistical", tmp_path_factory.mktemp("statistical"))


@pytest.fixture(scope="session")
def random_set(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """The labeler with the random-set null on it."""
    return _measured(planted, "random-set", tmp_path_factory.mktemp("random_set"))


def _measured(planted: Planted, name: str, folder: Path) -> Measured:
    with pytest.MonkeyPatch.context() as patch, Records(f"sqlite:///{folder}/runs.db") as records:
        patch.setenv("TSEA_HOME", str(folder))
        return measure(planted, named_labeler(name), records)
