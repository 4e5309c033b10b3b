"""What a token set was made from, so that it never counts as evidence about its own origin."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# Features whose directions are closer than this say the same twice, as a feature and its like in the next layer do.
NEAR_DUPLICATE = 0.7


@dataclass(frozen=True)
class Derivation:
    """A feature of a subject that a set was made from; `directions` (n, D) are its decoder row and what it reads by."""

    subject: str
    feature: int
    directions: np.ndarray

    def to_json(self) -> dict[str, Any]:
        """JSON data; directions in half precision, which is far finer than NEAR_DUPLICATE asks."""
        rows = _unit(self.directions).astype("<f2")
        encoded = base64.b64encode(rows.tobytes()).decode()
        return {"subject": self.subject, "feature": self.feature, "width": rows.shape[1], "directions": encoded}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Derivation:
        """Read what `to_json` wrote; raises ValueError for anything else."""
        try:
            rows = np.frombuffer(base64.b64decode(data["directions"], validate=True), "<f2").astype(np.float32)
            return cls(str(data["subject"]), int(data["feature"]), rows.reshape(-1, int(data["width"])))
        except (KeyError, TypeError) as error:
            raise ValueError("no derivation of a token set") from error


def circular(origins: Sequence[Sequence[Derivation]], directions: np.ndarray) -> np.ndarray:
    """Which sets, by their origins (S), were made from which directions (F, D) or near-duplicates of them: (F, S) bool.

    Near are directions with a cosine of NEAR_DUPLICATE or more; those of another width are of another model.
    """
    found = np.zeros((len(directions), len(origins)), dtype=bool)
    width = directions.shape[1]
    own = [(c, o.directions) for c, of_set in enumerate(origins) for o in of_set if o.directions.shape[1] == width]
    if own:
        cosines = _unit(directions) @ _unit(np.concatenate([rows for _, rows in own])).T
        columns = np.repeat([column for column, _ in own], [len(rows) for _, rows in own])
        for column, near in zip(columns, (cosines >= NEAR_DUPLICATE).T, strict=True):
            found[:, column] |= near
    return found


def _unit(rows: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1)
