"""The names by which people ask for subjects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError, nearest

BUNDLED = ("pocket", "pocket-random")
_FORMS = "pocket, pocket-random, local:FOLDER, MODEL/neurons/LAYER or RELEASE/SAE_ID"
_NEURONS = re.compile(r"(?P<model>.+)/neurons/(?P<layer>\d+)")


@dataclass(frozen=True)
class BundledName:
    """A subject that comes with the package."""

    name: str


@dataclass(frozen=True)
class FolderName:
    """`local:FOLDER`, with FOLDER/model and FOLDER/sae inside."""

    folder: Path


@dataclass(frozen=True)
class NeuronsName:
    """`MODEL/neurons/LAYER`: the MLP neurons of one layer; MODEL is `pocket`, `local:FOLDER` or a hub name."""

    model: str
    layer: int


@dataclass(frozen=True)
class ReleaseName:
    """`RELEASE/SAE_ID` of sae-lens' registry, split at the first slash."""

    release: str
    sae_id: str


def parse(name: str) -> BundledName | FolderName | NeuronsName | ReleaseName:
    """Read a subject's name; raises UsageError for a name of no known form."""
    if name in BUNDLED:
        return BundledName(name)
    if match := _NEURONS.fullmatch(name):
        return NeuronsName(match["model"], int(match["layer"]))
    if name.startswith("local:"):
        return FolderName(Path(name.removeprefix("local:")).expanduser())
    release, slash, sae_id = name.partition("/")
    if not (slash and release and sae_id):
        raise UsageError(f"Unknown subject {name!r}: use {_FORMS}.{nearest(name, BUNDLED)}")
    return ReleaseName(release, sae_id)
