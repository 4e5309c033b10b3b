"""sae-lens' registry of published dictionaries, read from its data file.

The file is read directly because importing sae_lens takes ten seconds, and because its own look-up fills in figures
where a release states none.
"""

from __future__ import annotations

import functools
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import TseaError, UsageError, nearest
from .names import BUNDLED


@dataclass(frozen=True)
class Stated:
    """What a dictionary's publisher measured: active features per token and share of variance explained."""

    l0: float | None = None
    variance_explained: float | None = None


@dataclass(frozen=True)
class KnownSubject:
    """A subject, or a release of them, that this installation knows by name.

    `sae_ids` completes the name of a release (`NAME/SAE_ID`) and is empty for a bundled subject.
    """

    name: str
    model: str
    sae_ids: tuple[str, ...] = ()


@functools.cache
def _releases() -> dict[str, dict[str, Any]]:
    import yaml

    spec = importlib.util.find_spec("sae_lens")
    if spec is None or spec.origin is None:
        raise TseaError("sae-lens is not installed: install it with pip install sae-lens.")
    with (Path(spec.origin).parent / "pretrained_saes.yaml").open(encoding="utf-8") as lines:
        return yaml.load(lines, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def known_subjects() -> list[KnownSubject]:
    """Every subject that can be asked for by name, bundled ones first; nothing is downloaded."""
    bundled = [KnownSubject(name, "pocket") for name in BUNDLED]
    releases = _releases().items()
    return bundled + [
        KnownSubject(release, entry["model"], tuple(str(sae["id"]) for sae in entry["saes"]))
        for release, entry in releases
    ]


def stated_figures(release: str, sae_id: str) -> Stated:
    """What the registry states of one dictionary; raises UsageError, with the nearest names, if it is unknown."""
    releases = _releases()
    if release not in releases:
        offer = nearest(release, [*BUNDLED, *releases])
        raise UsageError(f"Unknown release {release!r} in sae-lens' registry.{offer}")
    saes = {str(sae["id"]): sae for sae in releases[release]["saes"]}
    if sae_id not in saes:
        offer = nearest(sae_id, saes) or f" It has {', '.join(list(saes)[:3])} and so on."
        raise UsageError(f"Release {release} has no SAE {sae_id!r}.{offer}")
    return Stated(saes[sae_id].get("l0"), saes[sae_id].get("variance_explained"))


def neuronpedia_names(subject: str) -> tuple[str, str] | None:
    """Model and source that Neuronpedia knows a subject `RELEASE/SAE_ID` by; None where the registry names none."""
    release, named, sae_id = subject.partition("/")
    if not named:
        return None  # which the registry is not read for: that takes seconds
    entries = _releases().get(release, {}).get("saes", [])
    stated = next((sae.get("neuronpedia") for sae in entries if str(sae["id"]) == sae_id), None)
    model, slash, source = (stated or "").partition("/")
    return (model, source) if slash else None
