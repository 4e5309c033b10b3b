"""What an imported file says of features."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ...tools.errors import UsageError
from ...tools.phrases import listing

ImportName = Literal["neuronpedia", "delphi"]


@dataclass(frozen=True)
class Explanation:
    """One explanation: `text` is empty where the other program has none, `failed` then says why.

    `source` is what the other program calls the dictionary, `place` where in the file it stands; `author`, `method`
    and `model` as stated there.
    """

    feature: int
    text: str
    source: str
    place: str
    author: str | None = None
    method: str | None = None
    model: str | None = None
    failed: str | None = None


def of_source(explanations: Iterable[Explanation], source: str | None) -> list[Explanation]:
    """The explanations of one dictionary, that of `source` or the only one there.

    Raises UsageError where there are several and none is chosen, or none of that name, or no explanation at all.
    """
    found = list(explanations)
    names = list(dict.fromkeys(one.source for one in found))
    if not found:
        raise UsageError("There is no explanation in it: give the file or folder that the other program wrote.")
    if source is None and len(names) > 1:
        raise UsageError(f"It holds explanations of {listing(names, 5)}: choose one with --source.")
    if source is not None and source not in names:
        raise UsageError(f"It holds no explanation of {source}, only of {listing(names, 5)}: give another --source.")
    return [one for one in found if one.source == (source or names[0])]
