"""How often each word of a corpus is used as each part of speech, by NLTK's tagger on whole sentences."""

from __future__ import annotations

import functools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from joblib import Parallel, delayed

from .nltk_files import MissingData, read_texts

CORPORA = ("state_union", "inaugural")  # in the public domain, so that what is counted there may be shipped
_WORKERS = 2
_PARTS = 16
# NLTK's sentence splitter would need data of its own; the tagger looks no further than two words.
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z])|\n\s*\n")

LEAST_USES = 5
FAIR_SHARE = 0.2  # of a word's uses

Uses = Mapping[str, Counter[str]]


@functools.cache
def tagged_uses() -> Uses:
    """Counts of Penn treebank tags by word as written; raises MissingData when the corpora or the tagger are not there.

    The first word of a sentence is left out where a capital begins it: it says nothing about its own case.
    """
    sentences = [sentence for corpus in CORPORA for text in read_texts(corpus) for sentence in _split(text)]
    try:
        return _counted(sentences)
    except (LookupError, OSError, ValueError) as error:
        raise MissingData(f"NLTK's tagger does not load ({error})".splitlines()[0]) from error


def uses_of(word: str, uses: Uses) -> Counter[str] | None:
    """The uses of a word as it is written, else of its lower case; None where they are fewer than LEAST_USES."""
    for written in (word, word.lower()):
        if (found := uses.get(written)) and found.total() >= LEAST_USES:
            return found
    return None


def _split(text: str) -> Iterator[str]:
    return (sentence for sentence in _SENTENCE_END.split(text) if sentence.strip())


def _counted(sentences: Sequence[str]) -> dict[str, Counter[str]]:
    """Counts over all sentences, in processes."""
    parts = [sentences[start::_PARTS] for start in range(_PARTS)]
    uses: dict[str, Counter[str]] = defaultdict(Counter)
    counts: list[dict[str, Counter[str]]] = Parallel(n_jobs=_WORKERS)(map(delayed(_count), parts))  # type: ignore[assignment]
    for counted in counts:
        for word, tags in counted.items():
            uses[word].update(tags)
    return dict(uses)


@functools.cache
def _tagger() -> Any:
    """NLTK's tagger, loaded once by each process: that takes as long as tagging hundreds of sentences."""
    from nltk.tag import PerceptronTagger

    return PerceptronTagger()


def _count(sentences: Iterable[str]) -> dict[str, Counter[str]]:
    from nltk.tokenize import NLTKWordTokenizer

    tag, cut = _tagger().tag, NLTKWordTokenizer().tokenize
    uses: dict[str, Counter[str]] = defaultdict(Counter)
    for sentence in sentences:
        for position, (word, part) in enumerate(tag(cut(sentence))):
            if position or not word[:1].isupper():
                uses[word][part] += 1
    return dict(uses)
