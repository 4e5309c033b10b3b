from __future__ import annotations

import itertools

import pytest

from tsea.server import terminal


def test_work_that_is_done_again_has_a_pace_of_its_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = itertools.count(0, 10)
    monkeypatch.setattr(terminal.time, "monotonic", lambda: float(next(seconds)))
    with terminal.progress_bars() as report:
        for done in (0, 50, 100, 0, 20, 30):
            report("labels", done, 100)
    assert capsys.readouterr().err.splitlines() == [
        *("labels: 0/100", "labels: 50/100, 5/s, 10 s left", "labels: 100/100, 5/s"),
        *("labels: 0/100", "labels: 20/100, 2/s, 40 s left", "labels: 30/100, 1.5/s, 47 s left"),
    ]
