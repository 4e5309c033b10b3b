"""Time and peak memory of a piece of work, measured in a process of its own."""

from __future__ import annotations

import gc
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from .workload import THREADS, Prepare, Workload

# Short work is repeated this often; nothing is repeated once this many seconds are spent.
MAX_REPEATS = 7
ENOUGH_SECONDS = 10.0
Found = TypeVar("Found")
_LIBRARIES = ("OMP", "MKL", "OPENBLAS", "NUMBA", "RAYON")
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Measurement:
    """Median seconds of the repeats, and by how many MB (10^6 bytes) they raised resident memory (None off Linux)."""

    seconds: float
    peak_mb: float | None
    repeats: int


def measure_apart(prepare: Prepare, workload: Workload) -> Measurement:
    """As `measure`, in a fresh process."""
    return apart(measure, prepare, workload)


def apart(function: Callable[..., Found], *arguments: Any) -> Found:
    """Call a function in a fresh process with THREADS threads; raises what it raises."""
    spawn = multiprocessing.get_context("spawn")
    with _threads_of_children(), ProcessPoolExecutor(1, spawn, initializer=_print_to_stderr) as pool:
        return pool.submit(function, *arguments).result()


def measure(prepare: Prepare, workload: Workload) -> Measurement:
    """Time the work on data that is loaded, after a small workload has imported and compiled what it needs."""
    prepare(workload.small())()
    work = prepare(workload)
    gc.collect()
    before = reset_peak()
    seconds: list[float] = []
    while len(seconds) < MAX_REPEATS and sum(seconds) < ENOUGH_SECONDS:
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return Measurement(statistics.median(seconds), peak_above(before), len(seconds))


def reset_peak() -> int | None:
    """Resident memory in kB, from which the kernel now counts the peak anew; None where it does not."""
    try:
        _CLEAR.write_text("5")
        return _kilobytes("VmRSS")
    except OSError:
        return None


def peak_above(before: int | None) -> float | None:
    """By how many MB the peak since `reset_peak` was above what it returned."""
    return None if before is None else max(0, _kilobytes("VmHWM") - before) * 1024 / 1e6


@contextmanager
def _threads_of_children() -> Iterator[None]:
    # Libraries read these when they are first imported, so they must stand before a child process starts.
    wanted = {f"{library}_NUM_THREADS": str(THREADS) for library in _LIBRARIES}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _print_to_stderr() -> None:
    # Some libraries print when they are imported; standard output is for the figures.
    os.dup2(2, 1)


def _kilobytes(field: str) -> int:
    lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
    return int(lines[field].split()[0])
