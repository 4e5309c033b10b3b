"""The one door to held-out documents, for scorers: an import contract keeps tools, labelers and front doors out."""

from __future__ import annotations

from typing import ClassVar

from .part import Part
from .partition import Side
from .store import ActivationStore


class HeldOut(Part):
    """The held-out side of an index."""

    _allowed: ClassVar[frozenset[Side]] = frozenset({"held_out"})

    def __init__(self, store: ActivationStore, special: frozenset[int]) -> None:
        super().__init__(store, ("held_out",), special)
