"""Library sets suggested by a handful of tokens: those that hold more of them than chance would have it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np

from ..results import SuggestedSet, UnknownToken
from ..statistics.fdr import benjamini_hochberg
from ..statistics.over_representation import over_representation_p
from ..vocabulary import Vocabulary, read_back
from .library import TokenSetLibrary
from .resolve import spellings

_CLOSE = 3  # spellings offered for what is no token
_SAME_START = 2  # letters that they share with it


def find_tokens(texts: Sequence[str], vocabulary: Vocabulary) -> tuple[np.ndarray, list[UnknownToken]]:
    """Ids (ascending) of tokens given by their texts, as they are or as tsea shows them, and what is no token."""
    ids: list[int] = []
    unknown: list[UnknownToken] = []
    for text in dict.fromkeys(texts):
        if found := _ids(text, vocabulary):
            ids += found
        else:
            unknown.append(_unknown(read_back(text), vocabulary))
    return np.unique(np.array(ids, np.int64)), unknown


def _ids(text: str, vocabulary: Vocabulary) -> tuple[int, ...]:
    found = vocabulary.ids_of_text.get(text) or vocabulary.ids_of_text.get(read_back(text), ())
    if not found and "\\" in text:  # control characters are shown escaped
        found = tuple(i for i in vocabulary.ordinary.tolist() if vocabulary.shown(i) == text)
    return found


def _unknown(text: str, vocabulary: Vocabulary) -> UnknownToken:
    known = vocabulary.ids_of_text
    close = [spelling for spelling in spellings(text, "all") if spelling in known]
    if not close:
        start = text.strip().lower()[:_SAME_START]
        alike = [one for one in known if start and one.strip().lower().startswith(start)]
        close = difflib.get_close_matches(text, alike, _CLOSE)
    shown = [vocabulary.shown(known[one][0]) for one in close[:_CLOSE]]
    return UnknownToken(token=text, pieces=[vocabulary.shown(i) for i in vocabulary.pieces(text)], close=shown)


def suggested_sets(
    ids: np.ndarray, library: TokenSetLibrary, universe: np.ndarray, vocabulary: Vocabulary, most: int
) -> list[SuggestedSet]:
    """The sets of a library cut to `universe` that hold any of the tokens `ids` in it, the least probable first.

    p is hypergeometric, q Benjamini and Hochberg's over all sets of the library. A set that holds the same of these
    tokens as a smaller one, and all tokens of that one, goes under it.
    """
    sets = list(library)
    wanted = np.zeros(len(vocabulary), dtype=bool)
    wanted[ids] = True
    held = [s.ids[wanted[s.ids]] for s in sets]
    shared, sizes = (np.array([len(one) for one in arrays], dtype=np.int64) for arrays in (held, [s.ids for s in sets]))
    p = over_representation_p(shared, sizes, len(ids), len(universe))
    q = benjamini_hochberg(p)
    folds: dict[int, list[str]] = {}
    for column in np.lexsort((sizes, p)).tolist():
        if not shared[column]:
            continue
        own = sets[column].ids
        smaller = next(
            (
                kept
                for kept in folds
                if np.array_equal(held[kept], held[column]) and np.isin(sets[kept].ids, own, assume_unique=True).all()
            ),
            None,
        )
        if smaller is not None:
            folds[smaller].append(sets[column].name)
        else:
            folds[column] = list(sets[column].aliases)
    return [
        SuggestedSet(
            set=sets[column].name,
            description=sets[column].description,
            size=len(sets[column]),
            shared=len(held[column]),
            tokens=[vocabulary.shown(i) for i in held[column].tolist()],
            p=float(p[column]),
            q=float(q[column]),
            folded=folded,
        )
        for column, folded in list(folds.items())[:most]
    ]
