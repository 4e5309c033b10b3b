"""A labeling run: evidence in resumable blocks, run-wide error control, labels written block by block, and decoys.

The first pass gathers evidence into files, so that an interrupted run takes up where it stopped; the second, once the
evidence of every feature is there, applies the claim rule and writes labels.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ..tools.directions import matched_directions
from ..tools.errors import TseaError
from ..tools.files import atomic_write
from ..tools.inputs.enrichment import ReadingEnrichment
from ..tools.progress import Progress, silent
from ..tools.storage.cache import load_arrays, save_arrays
from ..tools.storage.home import home
from ..tools.storage.records import Records
from ..tools.storage.tables import Label, LedgerEntry, Run
from ..tools.workbench import Workbench
from .claims import LEVEL, Claim, Judged, block_claims
from .evidence import Evidence, gather_evidence
from .overlap import OverlapTest
from .reading import RunReading
from .statistical import StatisticalLabeler

LABELER = "statistical"
RULE_VERSION = 3
MIN_DECOYS, MAX_DECOYS = 512, 4096


def label_features(
    workbench: Workbench,
    records: Records,
    features: np.ndarray,
    *,
    reading: ReadingEnrichment | None = None,
    run_name: str | None = None,
    progress: Progress = silent,
) -> Run:
    """Label features in a run and return it, complete with its summary; what an earlier call did is not done again.

    With `reading`, labels also say what features fire on. Raises UsageError when a run of that name exists with other
    settings.
    """
    config = _config(workbench, features, reading)
    run = records.open_run(run_name, workbench.subject.name, workbench.subject.hash, config)
    if run.finished is None:
        folder = home() / "runs" / run.config_hash
        decoys = matched_directions(workbench.subject, min(max(len(features), MIN_DECOYS), MAX_DECOYS))
        evidence = stored_evidence(workbench, workbench.subject.decoder[features], folder / "features", progress)
        judged = Judged.of(evidence, len(workbench.sets))
        overlap = OverlapTest(workbench)
        read = None if reading is None else RunReading.of(reading, features)
        _write_labels(workbench, records, run, features, judged, read, overlap, progress)
        evidence = stored_evidence(workbench, decoys, folder / "decoys", progress)
        judged_decoys = Judged.of_decoys(evidence, len(workbench.sets), judged)
        claims = [c for _, block in claims_by_block(workbench, decoys, judged_decoys, overlap) for c in block]
        records.finish(run, _summary(records, run, claims, read and read.decoys()))
        _remove(folder)
    return records.run(run.name)


def stored_evidence(workbench: Workbench, directions: np.ndarray, folder: Path, progress: Progress) -> Evidence:
    """Evidence of directions (F, D); blocks found in `folder` are not computed again."""
    blocks: list[Evidence] = []
    for number, part in enumerate(workbench.feature_blocks(np.arange(len(directions)))):
        path = folder / f"block-{number:05d}.npz"
        evidence = _stored(path)
        if evidence is None:
            evidence = gather_evidence(workbench, directions[part])
            atomic_write(path, save_arrays(evidence.arrays()))
        blocks.append(evidence)
        progress(f"evidence: {folder.name}", int(part[-1]) + 1, len(directions))
    return Evidence.concatenate(blocks)


def claims_by_block(
    workbench: Workbench, directions: np.ndarray, judged: Judged, overlap: OverlapTest
) -> Iterator[tuple[np.ndarray, list[Claim | None]]]:
    """Blocks of direction indices, each with its claims."""
    for part in workbench.feature_blocks(np.arange(len(directions))):
        yield part, block_claims(workbench, directions[part], int(part[0]), judged, overlap)


def _write_labels(
    workbench: Workbench,
    records: Records,
    run: Run,
    features: np.ndarray,
    judged: Judged,
    read: RunReading | None,
    overlap: OverlapTest,
    progress: Progress,
) -> None:
    done = records.labelled_features(run)
    provenance = {
        "labeler": LABELER,
        "rule": RULE_VERSION,
        "version": version("tsea"),
        "subject": workbench.subject.hash,
        "convention": workbench.subject.convention,
        "library": workbench.library.hash,
        "index": read and read.reading.index,
    }
    labeler = StatisticalLabeler(workbench, judged, provenance, read)
    directions = workbench.subject.decoder[features]
    tests = 2 * len(workbench.sets) + 1
    for part, claims in claims_by_block(workbench, directions, judged, overlap):
        chosen = [int(f) for f in features[part]]
        if not done.issuperset(chosen):
            weights = workbench.open_weights(directions[part])
            labels = [
                labeler.label(feature, int(index), row, claim)
                for feature, index, row, claim in zip(chosen, part, weights, claims, strict=True)
            ]
            ledger = [LedgerEntry(feature=f, library_hash=workbench.library.hash, n_tests=tests) for f in chosen]
            if read is not None:
                name, tested = f"{workbench.library.hash}:reading", read.evidence.tested[part]
                ledger += [
                    LedgerEntry(feature=f, library_hash=name, n_tests=len(read.reading.columns))
                    for f, fires in zip(chosen, tested, strict=True)
                    if fires
                ]
            hits = [h for feature, index in zip(chosen, part, strict=True) for h in labeler.hits(feature, int(index))]
            records.write_block(run, labels, ledger, hits)
        progress("labels", int(part[-1]) + 1, len(features))


def _config(workbench: Workbench, features: np.ndarray, reading: ReadingEnrichment | None) -> dict[str, Any]:
    return {
        "labeler": LABELER,
        "rule": RULE_VERSION,
        "level": LEVEL,
        "library": workbench.library.hash,
        "index": reading and reading.index,
        "features": feature_ranges(features),
    }


def feature_ranges(features: np.ndarray) -> str:
    """Features in their order as a selector, consecutive ones folded to ranges."""
    pieces = np.split(features, np.flatnonzero(np.diff(features) != 1) + 1)
    return ",".join(f"{p[0]}-{p[-1]}" if len(p) > 1 else str(p[0]) for p in pieces)


def _summary(
    records: Records, run: Run, decoy_claims: list[Claim | None], decoy_reading: RunReading | None
) -> dict[str, Any]:
    labels = records.labels(run)
    share = {
        "claims": _share([label.claim != "none" for label in labels]),
        "specific": _share([label.claim == "specific" for label in labels]),
    }
    decoys = {
        "claims": _share([claim is not None for claim in decoy_claims]),
        "specific": _share([claim is not None and claim.specific for claim in decoy_claims]),
    }
    return {
        "features": len(labels),
        "labelled": sum(label.status == "labelled" for label in labels),
        "no_claim": sum(label.status == "no_claim" for label in labels),
        "failed": sum(label.status == "failed" for label in labels),
        "present": sum(label.claim == "present" for label in labels),
        "specific": sum(label.claim == "specific" for label in labels),
        "level": LEVEL,
        "decoys": len(decoy_claims),
        "decoy_claims": decoys["claims"],
        "decoy_rate": _ratio(decoys["claims"], share["claims"]),
        "decoy_rate_specific": _ratio(decoys["specific"], share["specific"]),
    } | ({} if decoy_reading is None else _reading_summary(labels, decoy_reading))


def _reading_summary(labels: list[Label], decoys: RunReading) -> dict[str, Any]:
    found = _share([any(h["side"] == "input" for h in label.hypotheses) for label in labels])
    among_decoys = _share([decoys.claim(reader) is not None for reader in range(len(decoys.readers))])
    return {
        "input_claims": found,
        "input_decoys": len(decoys.readers),
        "decoy_input_claims": among_decoys,
        "decoy_rate_input": _ratio(among_decoys, found),
    }


def _share(flags: list[bool]) -> float:
    return sum(flags) / max(1, len(flags))


def _ratio(decoys: float, features: float) -> float | None:
    return decoys / features if features else None


def _stored(path: Path) -> Evidence | None:
    """The evidence of a block that an earlier call finished; a damaged file counts as none."""
    try:
        return Evidence(**load_arrays(path.read_bytes()))
    except (FileNotFoundError, TypeError, TseaError):
        return None


def _remove(folder: Path) -> None:
    """Evidence files are no longer needed once the run is finished; leftovers do no harm."""
    with contextlib.suppress(OSError):
        for file in folder.rglob("*.npz"):
            file.unlink()
        for sub in (folder / "features", folder / "decoys", folder):
            sub.rmdir()
