"""Items that a label is examined on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...tools.activations.part import Context


@dataclass(frozen=True)
class TokenItems:
    """Test tokens that a feature promotes (or suppresses) most, and as many matched ones that it does not: ids (n,)."""

    extreme: np.ndarray
    matched: np.ndarray


@dataclass(frozen=True)
class ContextItem:
    """A held-out context around one position: the feature fires there (`kind` says how it was chosen), or is silent.

    `kind` of silent ones says what makes them hard: `same token`, `neighbour` (another feature's firing) or `random`.
    """

    context: Context
    kind: str

    @property
    def activation(self) -> float:
        """Of the feature at the position; 0 where it is silent."""
        return float(self.context.activations[self.context.position])

    @property
    def fires(self) -> bool:
        """Whether the feature fires at the position."""
        return self.activation > 0


@dataclass(frozen=True)
class ContextItems:
    """Contexts of one feature, as many firing as silent, and the share of held-out tokens that it fires on."""

    firing: tuple[ContextItem, ...]
    silent: tuple[ContextItem, ...]
    density: float
