"""Evidence for labels: what every set's mass says about directions, on open tokens and again on confirm tokens.

Directions are rows of a decoder or decoys; both go through exactly this code.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch

from ..tools.views import MIN_CONFIRM_MEMBERS, ViewName
from ..tools.workbench import Workbench

# Tests with a larger p cannot have a q of .1 or less, so they need no row of their own.
KEPT_P = 0.1


@dataclass(frozen=True)
class Evidence:
    """Tests of many directions: one row for each test that might be a hit, beside what every direction has.

    Row arrays (n,): `direction` (its index), `side` (0 promoted, 1 suppressed), `column` (set), mass on open tokens,
    its one-sided p under both nulls, the same p on confirm tokens (NaN where too few members), `strength`, the mass in
    units of the present null's spread, and `alignment` with the set (see `alignments`). Direction arrays (F,): class
    code, the concentration on the most promoted open tokens and its p under both nulls.
    """

    direction: np.ndarray
    side: np.ndarray
    column: np.ndarray
    mass: np.ndarray
    strength: np.ndarray
    alignment: np.ndarray
    p_present: np.ndarray
    p_specific: np.ndarray
    confirm_present: np.ndarray
    confirm_specific: np.ndarray
    codes: np.ndarray
    concentration: np.ndarray
    concentration_present: np.ndarray
    concentration_specific: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """Every array by name, to be stored."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def concatenate(cls, blocks: list[Evidence]) -> Evidence:
        """Blocks one after another, directions renumbered."""
        counts = np.cumsum([0] + [len(block.codes) for block in blocks])
        joined = {f.name: np.concatenate([getattr(block, f.name) for block in blocks]) for f in fields(cls)}
        joined["direction"] = np.concatenate([block.direction + n for block, n in zip(blocks, counts, strict=False)])
        return cls(**joined)


def gather_evidence(workbench: Workbench, directions: np.ndarray) -> Evidence:
    """Test every set of the library, both sides, on directions (F, D)."""
    views = workbench.views
    masses: dict[ViewName, np.ndarray] = {}
    with workbench.lock, torch.inference_mode():
        for name in views:
            masses[name] = views[name].masses(workbench.mass_weights(directions, name))
        aligned = alignments(workbench, directions)
    p = {
        (name, null): workbench.nulls(null)[name].p_values(masses[name])
        for name in views
        for null in ("present", "specific")
    }
    circular = workbench.circular(directions)
    too_few = views["confirm"].sets.sizes < MIN_CONFIRM_MEMBERS
    for null in ("present", "specific"):
        p["confirm", null][:, :, :-1][:, :, too_few] = np.nan
        # What was made from a feature says nothing about it.
        p["open", null][:, :, :-1].swapaxes(1, 2)[circular] = np.nan
    # The last column is the concentration, which is no set.
    in_sets = {key: values[:, :, :-1] for key, values in p.items()}
    smallest = np.fmin(in_sets["open", "present"], in_sets["open", "specific"])
    direction, side, column = np.nonzero(smallest <= KEPT_P)
    at = (direction, side, column)
    reference = workbench.nulls("present")["open"].reference
    return Evidence(
        direction=direction,
        side=side,
        column=column,
        mass=masses["open"][at],
        strength=reference.strength(masses["open"][at], column),
        alignment=np.where(side == 0, 1, -1) * aligned[direction, column],
        p_present=in_sets["open", "present"][at],
        p_specific=in_sets["open", "specific"][at],
        confirm_present=in_sets["confirm", "present"][at],
        confirm_specific=in_sets["confirm", "specific"][at],
        codes=workbench.shapes.classes(directions, workbench.shapes.of(directions)),
        concentration=masses["open"][:, 0, -1],
        concentration_present=p["open", "present"][:, 0, -1],
        concentration_specific=p["open", "specific"][:, 0, -1],
    )


def alignments(workbench: Workbench, directions: np.ndarray) -> np.ndarray:
    """Cosine (F, S) of directions (F, D) with each set's own direction, its mean whitened open column.

    The set's own direction is the one that raises it most, relative to the spread of all tokens (Fisher's linear
    discriminant, as whitened columns have the identity for a covariance); under the present null the cosine's standard
    deviation is 1 / sqrt(D) for every set. Of overlapping sets, a direction is closest to the one that it raises.
    """
    view = workbench.views["open"]
    lengths = np.linalg.norm(view.set_means(view.columns(workbench.subject.whitened)), axis=0)
    return view.means(workbench.mass_weights(directions)) / lengths
