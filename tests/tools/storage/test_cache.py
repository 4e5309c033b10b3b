from __future__ import annotations

import io
import pickle
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import diskcache
import numpy as np
import pytest

from tsea.tools.errors import TseaError
from tsea.tools.storage.cache import ByteCache, load_arrays, save_arrays


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return (Path.touch, (self.path,))


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[ByteCache]:
    with ByteCache(tmp_path / "cache") as opened:
        yield opened


@pytest.mark.parametrize("value", [b"", b"small", bytes(range(256)) * 1000], ids=["empty", "in a row", "in a file"])
def test_bytes_come_back_also_after_reopening(cache: ByteCache, value: bytes) -> None:
    assert cache.get("name") is None
    cache.set("name", b"older")
    cache.set("name", value)
    assert cache.get("name") == value
    with ByteCache(cache.folder) as again:
        assert again.get("name") == value


@pytest.mark.parametrize("value", ["text", 1, None, bytearray(b"x"), np.zeros(2)])
def test_anything_but_bytes_is_refused(cache: ByteCache, value: object) -> None:
    with pytest.raises(TypeError, match="holds bytes"):
        cache.set("name", value)  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="holds bytes"):
        cache.set(("no", "text"), b"")  # pyright: ignore[reportArgumentType]
    assert cache.get("name") is None


@pytest.mark.parametrize("size", [1, 100_000], ids=["in a row", "in a file"])
def test_a_planted_pickle_is_never_loaded(cache: ByteCache, tmp_path: Path, size: int) -> None:
    trap = tmp_path / "trap"
    with diskcache.Cache(str(cache.folder)) as plain:  # what somebody who can write the folder would do
        plain.set("name", [Bomb(trap), b"." * size])
    assert cache.get("name") is None
    assert not trap.exists()
    with diskcache.Cache(str(cache.folder)) as plain:  # the trap does work where pickle is allowed
        plain.get("name")
    assert trap.exists()


def test_a_damaged_entry_counts_as_absent(cache: ByteCache) -> None:
    cache.set("row", b"small")
    cache.set("file", b"x" * 100_000)
    (file,) = cache.folder.rglob("*.val")
    file.write_bytes(file.read_bytes()[:-1])
    with sqlite3.connect(cache.folder / "cache.db") as database:
        database.execute("UPDATE Cache SET value = substr(value, 1, 4) WHERE key = 'row'")
    database.close()
    assert cache.get("row") is None
    assert cache.get("file") is None
    cache.set("file", b"computed again")
    assert cache.get("file") == b"computed again"


def test_a_lost_file_counts_as_absent(cache: ByteCache) -> None:
    cache.set("file", b"x" * 100_000)
    (file,) = cache.folder.rglob("*.val")
    file.unlink()
    assert cache.get("file") is None


def test_a_damaged_database_says_what_to_delete(tmp_path: Path) -> None:
    (tmp_path / "cache.db").write_bytes(b"no database" * 1000)
    with pytest.raises(TseaError, match=f"Cannot use the cache {tmp_path}.* Delete that folder"):
        ByteCache(tmp_path)


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TseaError, match="Cannot write .*file.* TSEA_HOME"):
        ByteCache(tmp_path / "file" / "cache")


def test_arrays_come_back_with_type_shape_and_value() -> None:
    arrays = {
        "weights": np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3),
        "alive": np.array([True, False]),
        "ids": np.array([], dtype=np.int64),
        "names": np.array(["a", "Ġb"]),
        "count": np.array(3),
    }
    loaded = load_arrays(save_arrays(arrays))
    assert loaded.keys() == arrays.keys()
    for name, array in arrays.items():
        assert loaded[name].dtype == array.dtype
        np.testing.assert_array_equal(loaded[name], array)


def test_arrays_of_objects_are_neither_saved_nor_loaded(tmp_path: Path) -> None:
    objects = np.array([Bomb(tmp_path / "trap")], dtype=object)
    with pytest.raises(ValueError, match="Object arrays"):
        save_arrays({"objects": objects})
    buffer = io.BytesIO()
    np.savez(buffer, objects=objects)
    with pytest.raises(TseaError, match="no stored arrays"):
        load_arrays(buffer.getvalue())
    assert not (tmp_path / "trap").exists()


def _one_array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


def _zip_of_text() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("array.npy", "no array")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 no zip",
        pickle.dumps([1]),
        save_arrays({"a": np.zeros(99)})[:-40],
        _zip_of_text(),
        _one_array(),
    ],
    ids=["empty", "no zip", "pickle", "cut off", "zip of text", "npy"],
)
def test_bytes_that_are_no_arrays_are_one_clear_error(data: bytes) -> None:
    with pytest.raises(TseaError, match="no stored arrays"):
        load_arrays(data)
