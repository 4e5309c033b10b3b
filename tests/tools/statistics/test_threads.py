from __future__ import annotations

import os
import subprocess
import sys
import threading

import numba
import pytest
import torch

from tsea.tools.statistics.threads import by_rows, over_blocks


@pytest.mark.parametrize(("threads", "n_rows"), [(1, 7), (3, 2), (3, 40), (2, 0)])
def test_blocks_cover_every_row_once_and_in_order(threads: int, n_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba, "get_num_threads", lambda: threads)
    rows: list[int] = []
    over_blocks(n_rows, lambda start, stop: rows.extend(range(start, stop)))
    assert sorted(rows) == list(range(n_rows))
    weights = torch.arange(50 * n_rows).view(-1, 1)
    parts = by_rows(lambda rows, same: torch.cat([rows, same], dim=1), weights, weights)
    assert torch.equal(torch.cat(parts), weights.expand(-1, 2)) and all(len(part) <= 64 for part in parts)


def test_work_inside_a_thread_stays_there_and_torch_gets_its_threads_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba, "get_num_threads", lambda: 2)
    before = torch.get_num_threads()

    def work(_rows: torch.Tensor) -> tuple[int, bool]:
        seen: list[int] = []
        over_blocks(5, lambda *_: seen.append(threading.get_ident()))
        return torch.get_num_threads(), seen == [threading.get_ident()]

    rows = torch.zeros(250, 3)
    assert by_rows(work, rows) == [(1, True)] * 4
    assert torch.get_num_threads() == before
    with pytest.raises(ZeroDivisionError):
        by_rows(lambda part: len(part) / 0, rows)
    assert torch.get_num_threads() == before


def test_torch_keeps_the_one_thread_it_was_given_when_numba_is_first_asked() -> None:
    script = "import torch; from tsea.tools.statistics.threads import over_blocks; over_blocks(9, lambda *_: None)"
    command = [sys.executable, "-c", f"{script}; print(torch.get_num_threads())"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout == "1\n", done.stderr
