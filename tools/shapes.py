"""Shapes of logit weight distributions, and the classes that follow from them, for a subject's features."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
import torch

from .directions import matched_directions
from .statistics.classes import ClassThresholds, classify
from .statistics.directions import unit_rows
from .statistics.mass import concentration
from .statistics.moments import Moments, moments
from .statistics.projection import blocks, logit_weights, standardise
from .storage.cache import ByteCache, load_arrays, save_arrays
from .subject.subject import Subject

NULL_DIRECTIONS = 4096


@dataclass(frozen=True)
class Shape:
    """Moments over the universe, and the concentration on the most promoted tokens, of directions (F,)."""

    moments: Moments
    concentration: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """Every array by name, to be stored."""
        return {**{f.name: getattr(self.moments, f.name) for f in fields(Moments)}, "concentration": self.concentration}

    @classmethod
    def of_arrays(cls, arrays: dict[str, np.ndarray]) -> Shape:
        """The shape that `arrays` gave."""
        return cls(Moments(**{f.name: arrays[f.name] for f in fields(Moments)}), arrays["concentration"])


class Shapes:
    """Shapes and classes of one subject's directions; those of the whole dictionary are kept in the cache."""

    def __init__(self, subject: Subject, unembedding: torch.Tensor, cache: ByteCache) -> None:
        self._subject, self._unembedding, self._cache = subject, unembedding, cache

    def of(self, directions: np.ndarray) -> Shape:
        """Shape of the logit weights of directions (F, D)."""
        parts: list[Shape] = []
        for part in blocks(len(directions), self._unembedding.shape[1]):
            weights = logit_weights(torch.from_numpy(np.ascontiguousarray(directions[part])), self._unembedding)
            concentrated = concentration(standardise(weights))[:, 0].cpu().numpy()
            parts.append(Shape(moments(weights.cpu().numpy()), concentrated))
        arrays = [part.arrays() for part in parts]
        return Shape.of_arrays({name: np.concatenate([a[name] for a in arrays]) for name in arrays[0]})

    def classes(self, directions: np.ndarray, shape: Shape) -> np.ndarray:
        """Class codes of directions (F, D) with that shape; a class does not depend on a direction's norm."""
        norms = np.linalg.norm(directions, axis=1)
        unit = replace(shape.moments, std=shape.moments.std / np.where(norms > 0, norms, 1))
        return classify(unit, shape.concentration, self.thresholds)

    @functools.cached_property
    def thresholds(self) -> ClassThresholds:
        """Class thresholds of this subject, from matched random directions."""
        return ClassThresholds.from_null(self.random.moments)

    @functools.cached_property
    def dictionary(self) -> Shape:
        """Shape of every feature."""
        return self._cached("dictionary", lambda: self._subject.decoder)

    @functools.cached_property
    def random(self) -> Shape:
        """Shape of matched random directions of norm 1."""
        return self._cached(
            "matched", lambda: unit_rows(matched_directions(self._subject, NULL_DIRECTIONS, "shape")).astype(np.float32)
        )

    @functools.cached_property
    def dictionary_classes(self) -> np.ndarray:
        """Class code of every feature."""
        return self.classes(self._subject.decoder, self.dictionary)

    @functools.cached_property
    def random_classes(self) -> np.ndarray:
        """Class code of matched random directions."""
        return classify(self.random.moments, self.random.concentration, self.thresholds)

    def _cached(self, what: str, directions: Callable[[], np.ndarray]) -> Shape:
        key = f"shape/2/{what}/{self._subject.hash}"
        stored = self._cache.get(key)
        if stored is None:
            stored = save_arrays(self.of(directions()).arrays())
            self._cache.set(key, stored)
        return Shape.of_arrays(load_arrays(stored))
