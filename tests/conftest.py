"""What every test gets: a TSEA_HOME of its own, one thread, no network beyond this machine, and the shared data."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import shutil
import stat
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from dictionaries import make_sae  # noqa: F401 (a fixture)
from filelock import FileLock
from hub import gpt2_small_hub  # noqa: F401 (a fixture)
from hypothesis import settings

if TYPE_CHECKING:
    from tsea.tools.inputs.enrichment import ReadingEnrichment
    from tsea.tools.workbench import Workbench

pytest.register_assert_rewrite("migrating", "sharing")
SHARED = Path(__file__).resolve().parents[2] / "shared"
_SCRATCH = tempfile.TemporaryDirectory(prefix="tsea-tests-")

# Read by libraries when they are first imported, so set before any of them is. Subprocesses inherit all of it:
# a port nobody listens on stands for the hub, which tests of downloads replace by a server of their own.
os.environ.update(
    HF_ENDPOINT="http://127.0.0.1:9",
    HF_HOME=f"{_SCRATCH.name}/huggingface",
    NLTK_DATA=f"{_SCRATCH.name}/no_nltk_data",
    OMP_NUM_THREADS="1",
    TSEA_HOME=f"{_SCRATCH.name}/home",
)
settings.register_profile("tsea", derandomize=True, deadline=None)
settings.load_profile("tsea")


def _readable_by_nltk(folder: Path) -> Path:
    """NLTK refuses data that others could have written: `folder` itself where it is safe, else a private copy."""
    others = stat.S_IWGRP | stat.S_IWOTH
    entries = [folder, *folder.rglob("*")]
    if all(s.st_uid in (0, os.geteuid()) and not s.st_mode & others for s in (e.stat() for e in entries)):
        return folder
    copy = shutil.copytree(folder, Path(_SCRATCH.name) / "nltk_data", copy_function=shutil.copyfile)
    for entry in [copy, *copy.rglob("*")]:
        entry.chmod(0o700 if entry.is_dir() else 0o600)
    return copy


def _refuse_network(event: str, arguments: tuple[object, ...]) -> None:
    """Audit hook: look-ups and connections beyond the loopback addresses fail the test that makes them."""
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # a path: a local socket
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else host
    if name and name != "localhost" and not _is_local(str(name)):
        raise RuntimeError(f"A test tried to reach {name}: tests use this machine only.")


def _is_local(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def pytest_configure() -> None:
    sys.addaudithook(_refuse_network)
    if (SHARED / "nltk_data").is_dir():
        os.environ["NLTK_DATA"] = str(_readable_by_nltk(SHARED / "nltk_data"))


def pytest_unconfigure() -> None:
    _SCRATCH.cleanup()


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSEA_HOME", str(tmp_path / "tsea_home"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The data folder beside the repository."""
    if not SHARED.is_dir():
        pytest.skip(f"the data folder {SHARED.name}/ is not beside the repository")
    return SHARED


@pytest.fixture(scope="session")
def nltk_data(shared: Path) -> Path:
    """NLTK's data, in the folder that NLTK_DATA names for the whole session."""
    return Path(os.environ["NLTK_DATA"])


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this session share, for what is costly to make and the same for each of them."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session", autouse=True)
def _tagged_once(common: Path) -> Iterator[None]:
    """The corpora behind some token sets are tagged by one worker; the others read what it counted."""
    from tsea.tools.token_sets import tagged_words

    counted = tagged_words._counted

    def once(sentences: Sequence[str]) -> dict[str, Counter[str]]:
        file = common / f"uses-{hashlib.blake2b(repr(sentences).encode(), digest_size=16).hexdigest()}.json"
        with FileLock(f"{file}.lock"):
            if not file.exists():
                file.write_text(json.dumps(counted(sentences)))
        return {word: Counter(tags) for word, tags in json.loads(file.read_text()).items()}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tagged_words, "_counted", once)
        yield


@pytest.fixture(scope="session")
def pocket_bench(common: Path) -> Workbench:
    """The bundled subject with a few dozen sets, so that its null distributions take seconds."""
    from tsea.tools.libraries import library_of
    from tsea.tools.storage.cache import ByteCache
    from tsea.tools.subject import open_subject
    from tsea.tools.token_sets.library import TokenSetLibrary
    from tsea.tools.workbench import Workbench

    cache = ByteCache(common / "pocket_bench")
    subject = open_subject("pocket")
    library, _ = library_of(subject.vocabulary, cache)
    few = [s for family in ("regex", "pos", "suffix") for s in library.select(f"{family}.*")]
    return Workbench(subject, TokenSetLibrary(few, subject.vocabulary.hash), cache=cache)


@pytest.fixture(scope="session")
def indexed_home(common: Path) -> Path:
    """The TSEA_HOME in which `pocket_reading` has its index; rank indexes may be made there too."""
    return common / "indexed"


@pytest.fixture(scope="session")
def pocket_reading(pocket_bench: Workbench, indexed_home: Path) -> ReadingEnrichment:
    """What that subject's features fire on in the first tokens of the bundled text, from few directions."""
    from tsea.tools.activations.indexing import index_corpus
    from tsea.tools.inputs import enrichment, null

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TSEA_HOME", str(indexed_home))
        patch.setattr(enrichment, "DRAWS", 1024)
        patch.setattr(null, "PILOT", 512)
        patch.setattr(null, "DECOYS", 64)
        index_corpus(pocket_bench.subject, None, 20_000)
        reading = pocket_bench.reading
        reading.read(reading.features(np.arange(1)))
        assert len(pocket_bench.activity.part.rows)  # opened while the index is at hand
        return reading
