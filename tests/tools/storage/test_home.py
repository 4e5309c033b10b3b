from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tsea.tools.errors import TseaError
from tsea.tools.files import atomic_write
from tsea.tools.storage.home import home


def test_home_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TSEA_HOME", str(tmp_path))
    assert home() == tmp_path


def test_home_is_the_platforms_folder_without_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TSEA_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home().name == "tsea"
    assert home().is_relative_to(tmp_path)


def test_atomic_write_makes_folders_and_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "file.bin"
    atomic_write(path, b"first")
    atomic_write(path, b"second")
    assert path.read_bytes() == b"second"
    assert os.listdir(path.parent) == ["file.bin"]


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "no space left. Free some"), (errno.EROFS, "read-only"), (errno.EIO, os.strerror(errno.EIO))],
)
def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_else(
    number: int, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    path = tmp_path / "file.bin"
    atomic_write(path, b"old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(TseaError, match=words) as caught:
        atomic_write(path, b"new")
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.bin"]


def test_a_file_in_place_of_the_folder_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TseaError, match="Cannot write .*/file/below.* TSEA_HOME"):
        atomic_write(tmp_path / "file" / "below", b"")
