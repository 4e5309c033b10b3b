"""What works on this machine, what is missing, and what to do about each lack."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from ..tools.errors import TseaError

if TYPE_CHECKING:
    from ..tools.subject import Subject

PACKAGES = (
    "tsea",
    "torch",
    "transformers",
    "transformer-lens",
    "sae-lens",
    "numpy",
    "scipy",
    "numba",
    "nltk",
    "sqlalchemy",
    "mcp",
)
VERIFIED_ROWS = 64
MIN_FREE_GB = 2.0


class Check(BaseModel):
    """One thing looked at: `state` is ok, lacking (something optional is missing) or failed."""

    name: str
    state: Literal["ok", "lacking", "failed"]
    found: str
    advice: str = ""


def examine(subject: str, *, verify: bool, text: Path | None) -> Iterator[Check]:
    """Look at packages, device, memory, storage, data of token set families and the subject; nothing is downloaded
    but the subject, when it is not a bundled one."""
    yield from _packages()
    yield _device()
    yield _memory()
    yield from _storage()
    yield from _families()
    yield _subjects()
    yield from _subject(subject, verify=verify, text=text)


def _packages() -> Iterator[Check]:
    yield Check(name="python", state="ok", found=platform.python_version())
    for package in PACKAGES:
        try:
            yield Check(name=package, state="ok", found=version(package))
        except PackageNotFoundError:
            yield Check(name=package, state="failed", found="missing", advice=f"pip install {package}")


def _device() -> Check:
    import torch

    if torch.cuda.is_available():
        return Check(name="device", state="ok", found=f"cuda: {torch.cuda.get_device_name()}")
    if torch.backends.mps.is_available():
        return Check(name="device", state="ok", found="mps")
    return Check(name="device", state="ok", found=f"cpu, {torch.get_num_threads()} threads")


def _memory() -> Check:
    if not hasattr(os, "sysconf"):
        return Check(name="memory", state="lacking", found="unknown on this system")
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return Check(name="memory", state="ok", found=f"{gigabytes:.0f} GB")


def _storage() -> Iterator[Check]:
    from ..tools.storage.cache import ByteCache
    from ..tools.storage.home import home
    from ..tools.storage.records import Records

    place = home()
    try:
        with ByteCache() as cache:
            cache.set("doctor", b"ok")
            yield Check(name="cache", state="ok", found=str(cache.folder))
        with Records() as records:
            yield Check(name="records", state="ok", found=f"{records.place}, {len(records.runs())} runs")
    except TseaError as error:
        yield Check(name="storage", state="failed", found=str(place), advice=str(error))
        return
    free = shutil.disk_usage(place).free / 1e9
    enough = free >= MIN_FREE_GB
    advice = "" if enough else "Free some space, or set TSEA_HOME to a folder on another disk."
    yield Check(name="disk", state="ok" if enough else "lacking", found=f"{free:.0f} GB free at {place}", advice=advice)


def _families() -> Iterator[Check]:
    from ..tools.token_sets.build import FAMILIES

    for name, family in FAMILIES.items():
        lack = family.source.missing()
        state, found = ("lacking", "data missing") if lack else ("ok", "data present")
        yield Check(name=f"sets: {name}", state=state, found=found, advice=lack or "")


def _subjects() -> Check:
    from ..tools.subject import known_subjects

    known = known_subjects()
    bundled = [k.name for k in known if not k.sae_ids]
    return Check(
        name="subjects",
        state="ok",
        found=f"bundled: {', '.join(bundled)}; {len(known) - len(bundled)} releases by download",
    )


def _subject(name: str, *, verify: bool, text: Path | None) -> Iterator[Check]:
    from ..tools.subject import open_subject

    try:
        subject = open_subject(name)
        alive, tokens = int(subject.alive.sum()), len(subject.universe)
        found = f"{subject.n_features} features ({alive} alive), {tokens} tokens, {subject.hook_name}"
        yield Check(name=f"subject: {name}", state="ok", found=found)
        if verify:
            yield _verification(subject, text)
    except TseaError as error:
        yield Check(name=f"subject: {name}", state="failed", found="cannot be used", advice=str(error))


def _verification(subject: Subject, text: Path | None) -> Check:
    from ..tools.subject import verify
    from ..tools.subject.text_rows import text_rows

    result = verify(subject, text_rows(subject, text, VERIFIED_ROWS))
    measured = f"L0 {result.l0:.1f}, variance explained {result.variance_explained:.3f} on {result.n_tokens} tokens"
    stated = f"stated L0 {result.stated.l0}, variance explained {result.stated.variance_explained}"
    if result.mismatches:
        return Check(name="verify", state="failed", found=f"{measured}; {stated}", advice=" ".join(result.mismatches))
    return Check(name="verify", state="ok", found=f"{measured}; {stated}")
