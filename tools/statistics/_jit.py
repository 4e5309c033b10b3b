"""Compile kernels with Numba and run them on row blocks in threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

import numba  # pyright: ignore[reportMissingTypeStubs]

_Function = TypeVar("_Function", bound=Callable[..., Any])
_BLOCKS_PER_THREAD = 4  # uneven blocks and a busy machine even out


def compiled(function: _Function) -> _Function:
    """The function compiled on its first call to run without the GIL; machine code is cached where that can be done."""
    njit = cast(Any, numba).njit
    try:
        return cast(_Function, njit(cache=True, nogil=True)(function))
    except RuntimeError:  # Numba found no writable place for its cache
        return cast(_Function, njit(nogil=True)(function))


def over_blocks(n_rows: int, work: Callable[[int, int], None]) -> None:
    """Call work(start, stop) on consecutive row blocks in numba.get_num_threads() threads.

    Threads around nogil kernels, not prange: callers may themselves be threads or forked processes, which Numba's
    threading layers do not all survive. Rows are independent, so results do not depend on the number of threads.
    """
    threads = min(n_rows, cast(int, cast(Any, numba).get_num_threads()))
    if threads <= 1:
        work(0, n_rows)
        return
    blocks = min(n_rows, threads * _BLOCKS_PER_THREAD)
    edges = [n_rows * block // blocks for block in range(blocks + 1)]
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, edges[:-1], edges[1:]):
            pass
