"""A rank index on disk: rankings by a whole dictionary and by reference directions, to test any token set against.

It is memory-mapped, named after its content and built in blocks; a build that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Literal

import filelock
import numpy as np
import torch

from .directions import SEED, direction_model
from .errors import TseaError
from .files import atomic_write, make_folder, write_failure
from .progress import Progress
from .statistics.directions import NULLS, NullName
from .statistics.projection import blocks, logit_weights, standardise
from .statistics.rank_profile import StoredRankings
from .storage.home import home
from .subject.subject import Subject
from .views import View

Weights = Literal["logits", "whitened"]
REFERENCES = 2048
_VERSION = 2


class RankIndex:
    """Rankings of a view's tokens by every feature, and by REFERENCES directions of each null, in that order.

    Tokens are ranked by logit weight or by whitened logit weight, which the mass is made of.
    """

    def __init__(self, folder: Path, rankings: StoredRankings, features: int) -> None:
        self.folder, self.features = folder, features
        self.rankings = rankings

    @classmethod
    def open(cls, subject: Subject, view: View, weights: Weights, progress: Progress) -> RankIndex:
        """The index of a subject's features in a view, built first where it is missing or unfinished.

        Raises TseaError when there is no room for it.
        """
        folder = home() / "rank-index" / _name(subject, view, weights)
        rows = subject.n_features + len(NULLS) * REFERENCES
        shapes = StoredRankings.shapes(rows, len(view.tokens))
        with filelock.FileLock(make_folder(folder) / "lock"):
            if _done(folder) < rows:
                _check_room(folder, sum(int(np.prod(shape)) * kind.itemsize for shape, kind in shapes.values()))
                _build(folder, shapes, subject, view, weights, progress)
        rankings = StoredRankings(**{name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in shapes})
        return cls(folder, rankings, subject.n_features)

    @property
    def every_feature(self) -> slice:
        """The rows of the dictionary's features, in their order."""
        return slice(0, self.features)

    def references(self, null: NullName) -> slice:
        """The rows of the reference directions of a null."""
        start = self.features + NULLS.index(null) * REFERENCES
        return slice(start, start + REFERENCES)


def _build(
    folder: Path,
    shapes: dict[str, tuple[tuple[int, ...], np.dtype]],
    subject: Subject,
    view: View,
    weights: Weights,
    progress: Progress,
) -> None:
    done = _done(folder)
    mode = "r+" if done else "w+"
    try:
        arrays = {
            name: np.lib.format.open_memmap(folder / f"{name}.npy", mode, kind, shape)
            for name, (shape, kind) in shapes.items()
        }
    except OSError as error:
        raise write_failure(folder, error) from error
    matrix = subject.whitened if weights == "whitened" else subject.unembedding
    rankings, columns = StoredRankings(**arrays), view.columns(matrix).to(subject.device)
    references = [direction_model(subject, null).sample(REFERENCES, [SEED["index"], SEED[null]]) for null in NULLS]
    rows = torch.cat([torch.from_numpy(np.ascontiguousarray(subject.decoder)), *references])
    for part in blocks(len(rows), len(view.tokens)):
        if part.stop > done:
            rankings.store(part.start, standardise(logit_weights(rows[part], columns)).cpu().numpy())
            for array in arrays.values():
                array.flush()
            atomic_write(folder / "done.json", json.dumps({"rows": part.stop}).encode())
        progress(f"rank index ({weights})", part.stop, len(rows))


def _done(folder: Path) -> int:
    """How many rows are written for good."""
    path = folder / "done.json"
    return json.loads(path.read_bytes())["rows"] if path.exists() else 0


def _check_room(folder: Path, needed: int) -> None:
    here = sum(path.stat().st_blocks * 512 for path in folder.glob("*.npy"))
    free = shutil.disk_usage(folder).free
    if needed - here > free:
        raise TseaError(
            f"The rank index needs {needed / 1e9:.1f} GB in {folder.parent}, where {free / 1e9:.1f} GB are free: "
            "make room, or set TSEA_HOME to a larger disk."
        )


def _name(subject: Subject, view: View, weights: Weights) -> str:
    digest = hashlib.blake2b(f"{_VERSION} {REFERENCES} {weights} {subject.hash}".encode(), digest_size=16)
    digest.update(view.tokens.tobytes())
    return digest.hexdigest()
