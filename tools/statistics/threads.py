"""Work on blocks of rows in threads.

Threads around kernels that let go of the GIL, not Numba's prange: callers may themselves be threads or forked
processes, which its threading layers do not all survive. Rows are independent, so results do not depend on the number
of threads. Inside such a thread all further work is done at once, in that thread.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

import numba  # pyright: ignore[reportMissingTypeStubs]
import torch

_Result = TypeVar("_Result")
_BLOCKS_PER_THREAD = 4  # uneven blocks and a busy machine even out
_ROWS = 64
_inside = threading.local()


def over_blocks(n_rows: int, work: Callable[[int, int], None], least: int = 1) -> None:
    """Call work(start, stop) on consecutive row blocks in numba.get_num_threads() threads, fewer for few rows.

    least: how many rows are worth starting a thread.
    """
    threads = _threads(n_rows // least)
    if threads == 1:
        work(0, n_rows)
    else:
        _in_threads(threads, work, _edges(n_rows, min(n_rows, threads * _BLOCKS_PER_THREAD)))


def by_rows(work: Callable[..., _Result], *weights: torch.Tensor) -> list[_Result]:
    """work(...) of consecutive rows of the tensors, in order, in threads where torch computes on one core.

    Rows are few at a time, so that what work makes of them stays small: fresh large arrays cost more than the
    arithmetic. On an accelerator all rows are worked on at once.
    """
    n_rows = len(weights[0])
    blocks = max(1, -(-n_rows // _ROWS)) if weights[0].device.type == "cpu" else 1
    threads, edges = _threads(blocks), _edges(n_rows, blocks)

    def of_block(start: int, stop: int) -> _Result:
        return work(*(tensor[start:stop] for tensor in weights))

    if threads == 1:
        return [of_block(start, stop) for start, stop in itertools.pairwise(edges)]
    torch_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _in_threads(threads, of_block, edges)
    finally:
        torch.set_num_threads(torch_threads)


def _edges(n_rows: int, blocks: int) -> list[int]:
    return [n_rows * block // blocks for block in range(blocks + 1)]


def _threads(parts: int) -> int:
    if getattr(_inside, "worker", False):
        return 1
    # Numba's first answer starts its threading layer, which sets the number of OpenMP threads, torch's too, to its own:
    # whoever asked for one (OMP_NUM_THREADS) would have as many as there are cores, waiting for each other.
    torch_threads = torch.get_num_threads()
    available = cast(int, cast(Any, numba).get_num_threads())
    if torch.get_num_threads() != torch_threads:
        torch.set_num_threads(torch_threads)
    return max(1, min(parts, available))


def _in_threads(threads: int, work: Callable[[int, int], _Result], edges: list[int]) -> list[_Result]:
    """Results of work between neighbouring edges; the calling thread works too, one less is to be started."""
    tasks = iter(range(len(edges) - 1))  # one for all threads: each takes the next block
    found: dict[int, _Result] = {}

    def run() -> None:
        _inside.worker = True
        try:
            for block in tasks:
                found[block] = work(edges[block], edges[block + 1])
        finally:
            _inside.worker = False

    with ThreadPoolExecutor(threads - 1) as pool:
        others = [pool.submit(run) for _ in range(threads - 1)]
        run()
        for other in others:
            other.result()
    return [found[block] for block in range(len(edges) - 1)]
