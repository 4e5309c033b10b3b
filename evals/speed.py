"""Speed and memory beside other people's software, same data, same run: `tsea eval speed [CASE ...]`.

Synthetic heavy-tailed logit weights over 50,257 tokens; each method runs in a process of its own with two threads. A
time is the median of up to seven calls (of one where it takes ten seconds), with data converted and everything compiled
before; peak memory is what the calls add to a process that holds the data.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..tools.errors import UsageError, nearest
from ..tools.progress import Progress, silent
from .results import Report, markdown_table
from .speed_cases import CASES, Case, Method
from .stopwatch import Measurement, measure_apart
from .workload import THREADS

LIBRARIES = ("numpy", "numba", "torch", "sae-lens", "gseapy", "decoupler", "blitzgsea")


@dataclass(frozen=True)
class Machine:
    """Where it was measured, and with which versions."""

    processor: str
    cores: int | None
    threads: int
    python: str
    versions: dict[str, str]

    @classmethod
    def this(cls) -> Machine:
        """The machine that runs this."""
        installed = {name: found for name in LIBRARIES if (found := _version(name)) is not None}
        return cls(_processor(), os.cpu_count(), THREADS, platform.python_version(), installed)


@dataclass(frozen=True)
class SpeedRow:
    """One method in one case: seconds for one feature, peak MB of one call on `features` features.

    `times_faster` is the method's time over tsea's. What could not be measured is None, and the note says why.
    """

    case: str
    method: str
    seconds_per_feature: float | None
    peak_mb: float | None
    times_faster: float | None
    features: int
    repeats: int
    note: str


@dataclass(frozen=True)
class SpeedReport:
    """Rows measured on one machine."""

    machine: Machine
    rows: list[SpeedRow]

    def table(self) -> str:
        """The rows as a Markdown table."""
        return markdown_table(
            ("case", "method", "time per feature", "times tsea's", "peak memory", "features per call", "note"),
            [
                (
                    row.case,
                    row.method,
                    "-" if row.seconds_per_feature is None else _duration(row.seconds_per_feature),
                    "-" if row.times_faster is None else f"{row.times_faster:,.3g}",
                    "-" if row.peak_mb is None else f"{row.peak_mb:,.0f} MB",
                    row.features,
                    row.note,
                )
                for row in self.rows
            ],
        )


def measure_speed(cases: Sequence[Case] = CASES, progress: Progress = silent) -> SpeedReport:
    """Measure every method of the cases, one after the other; peers that are not installed get a row that says so."""
    rows: list[SpeedRow] = []
    total = sum(1 + len(case.peers) for case in cases)
    for case in cases:
        ours = measure_apart(case.ours.prepare, case.ours.cut(case.workload))
        rows.append(_row(case, case.ours, ours, ours, case.ours.note))
        progress("speed", len(rows), total)
        for peer in case.peers:
            rows.append(_peer_row(case, peer, ours))
            progress("speed", len(rows), total)
    return SpeedReport(Machine.this(), rows)


def select_cases(parts: Sequence[str] = (), features: int | None = None) -> list[Case]:
    """The cases whose names contain one of the given texts (none: all), on at most so many features (None: all).

    Raises UsageError for a text in no name and for fewer than one feature.
    """
    if features is not None and features < 1:
        raise UsageError(f"A speed case needs at least 1 feature, got {features}.")
    for part in parts:
        if not any(part in case.name for case in CASES):
            known = [case.name for case in CASES]
            raise UsageError(f"No speed case is named like {part!r}.{nearest(part, known)} Known: {'; '.join(known)}.")
    chosen = [case for case in CASES if not parts or any(part in case.name for part in parts)]
    return chosen if features is None else [case.first(features) for case in chosen]


def _peer_row(case: Case, peer: Method, ours: Measurement) -> SpeedRow:
    if peer.package is not None and _version(peer.package) is None:
        return _row(case, peer, None, ours, f"{peer.package} is not installed: pip install 'tsea[bench]'")
    try:
        measured = measure_apart(peer.prepare, peer.cut(case.workload))
    except Exception as error:  # whatever a peer raises, or being killed for its memory, is its result
        return _row(case, peer, None, ours, f"failed: {type(error).__name__}: {' '.join(str(error).split())}")
    return _row(case, peer, measured, ours, peer.note)


def _row(case: Case, method: Method, measured: Measurement | None, ours: Measurement, note: str = "") -> SpeedRow:
    features = method.cut(case.workload).features
    each = None if measured is None else measured.seconds / features
    return SpeedRow(
        case=case.name,
        method=method.name,
        seconds_per_feature=each,
        peak_mb=None if measured is None else measured.peak_mb,
        times_faster=None if each is None else each / (ours.seconds / case.ours.cut(case.workload).features),
        features=features,
        repeats=0 if measured is None else measured.repeats,
        note=note,
    )


def _duration(seconds: float) -> str:
    return f"{seconds:,.3g} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def report(parts: Sequence[str] = (), features: int | None = None, progress: Progress = silent) -> Report:
    """Measure the cases that `select_cases` gives."""
    found = measure_speed(select_cases(parts, features), progress)
    return Report("speed", asdict(found), found.table())
