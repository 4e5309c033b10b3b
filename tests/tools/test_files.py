from __future__ import annotations

from pathlib import Path

import pytest

from tsea.tools.errors import TseaError
from tsea.tools.files import atomic_folder


def held(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_folder_takes_the_place_of_the_former_one_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    atomic_folder(out, {"a": b"1", "b": b"2"})
    assert held(out) == {"a": b"1", "b": b"2"}
    atomic_folder(out, {"c": b"3"})
    assert held(out) == {"c": b"3"} and list(out.parent.iterdir()) == [out]


def test_a_folder_that_cannot_be_written_whole_leaves_the_former_one_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "out"
    atomic_folder(out, {"a": b"1"})
    with pytest.raises(TseaError, match="Cannot write"):
        atomic_folder(out, {"b": b"2", "x" * 300: b"too long a name"})
    assert held(out) == {"a": b"1"} and list(tmp_path.iterdir()) == [out]


def test_a_folder_that_cannot_be_moved_into_place_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    atomic_folder(out, {"a": b"1"})
    replace = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if self.suffix == ".tmp":
            raise OSError("no")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(TseaError, match="Cannot write"):
        atomic_folder(out, {"b": b"2"})
    assert held(out) == {"a": b"1"} and list(tmp_path.iterdir()) == [out]
