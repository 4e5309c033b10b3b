"""What was planted in each feature of a subject, and the labels that say exactly that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ...tools.inputs.spec import InputSpec
from ...tools.workbench import Workbench
from ..scores import Statement
from .directions import Background
from .token_sets import PlantedSet, SetKind

InputKind = Literal["token", "previous", "token in context", "null"]


@dataclass(frozen=True)
class PlantedOutput:
    """What a feature was built to promote: its sets, at a strength (see `directions`), in a direction of its own.

    `part` (D,) is what was added to the background, zero in a null.
    """

    kind: SetKind | Literal["null"]
    strength: float
    sets: tuple[PlantedSet, ...]
    part: np.ndarray


@dataclass(frozen=True)
class PlantedInput:
    """What a feature's encoder was fitted to fire on; None where it is a random direction."""

    kind: InputKind
    spec: InputSpec | None


@dataclass(frozen=True)
class Planted:
    """A subject of known truth in its workbench: f promotes `outputs[f]` and, with inputs, fires on `inputs[f]`.

    Features behind these are background alone; they are there for the dictionary's own statistics.
    """

    workbench: Workbench
    background: Background
    outputs: tuple[PlantedOutput, ...]
    inputs: tuple[PlantedInput, ...] = ()

    @property
    def features(self) -> np.ndarray:
        """The features with a known truth."""
        return np.arange(len(self.outputs))

    def statement(self, feature: int) -> Statement:
        """The perfect label: what was planted and nothing else."""
        read = self.inputs[feature].spec if self.inputs else None
        return Statement(
            promotes=tuple(one.spec for one in self.outputs[feature].sets), fires=() if read is None else (read,)
        )
