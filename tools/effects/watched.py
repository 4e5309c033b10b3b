"""What is watched while the model is changed: open tokens, and token sets cut to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..errors import UsageError, shortened
from ..token_sets.library import TokenSetLibrary
from ..token_sets.resolve import resolve
from ..token_sets.spec import TokenSetSpec, parse_spec
from ..vocabulary import Vocabulary


@dataclass(frozen=True)
class Watched:
    """Open tokens (T,) int64, ascending, and the positions among them of each set's open members.

    `chosen` says that somebody named the sets; else they are those of the library.
    """

    tokens: np.ndarray
    names: list[str]
    members: list[np.ndarray]
    chosen: bool

    def membership(self, device: str) -> torch.Tensor:
        """Sparse 0/1 matrix (sets, T) float32."""
        rows = np.repeat(np.arange(len(self.members)), [len(m) for m in self.members])
        columns = np.concatenate([*self.members, np.empty(0, np.int64)]).astype(np.int64)
        at = torch.from_numpy(np.stack([rows, columns]))
        shape = (len(self.members), len(self.tokens))
        return torch.sparse_coo_tensor(at, torch.ones(len(rows)), shape, check_invariants=True).coalesce().to(device)


def watch(
    vocabulary: Vocabulary,
    library: TokenSetLibrary,
    open_ids: np.ndarray,
    sets: Sequence[TokenSetSpec | str] = (),
) -> Watched:
    """Watch open tokens (ascending ids) and written sets (also as JSON, or library names); without any, the library's.

    Sets that were made from features are left out of the library's: they say what their own feature does. Raises
    UsageError for sets that are malformed, unknown, or without open members.
    """
    if not sets:
        own = [s for s in library.testable(open_ids) if not s.derived_from]
        return Watched(open_ids, [s.name for s in own], [np.searchsorted(open_ids, s.ids) for s in own], False)
    names: list[str] = []
    members: list[np.ndarray] = []
    for written in sets:
        spec = parse_spec(written)
        ids = resolve(spec, vocabulary, library).ids
        inside = np.intersect1d(ids, open_ids)
        name = written if isinstance(written, str) else spec.to_json()
        if not len(inside):
            raise UsageError(
                f"The token set {shortened(name)} has {len(ids)} tokens, none of them open: add words, or other "
                "spellings with variants (`tsea sets resolve` shows what a set stands for)."
            )
        names.append(name)
        members.append(np.searchsorted(open_ids, inside))
    return Watched(open_ids, names, members, True)
