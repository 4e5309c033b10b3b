"""Part of speech by use: the tags that NLTK's tagger gives a word in the sentences of a corpus.

A word may be used in several ways: it belongs to every tag that has a fair share of its uses, so "made" is past tense
and participle. Words that the corpus hardly uses are in no set.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..tagged_words import FAIR_SHARE, tagged_uses, uses_of
from ..view import Candidate, TokenView, to_ids
from .parts_of_speech import GROUPS, TAGS

MAIN_SHARE = 0.5


def tag_sets(view: TokenView) -> Iterator[Candidate]:
    """Tags of the Penn treebank and groups of them: words with a fair share of such uses, and words mainly so used."""
    uses = tagged_uses()
    words = [
        (token, found) for tokens in view.by_word.values() for token in tokens if (found := uses_of(token.word, uses))
    ]
    kinds = {tag: (f"{tag} ({meaning})", (tag,)) for tag, meaning in TAGS.items()} | GROUPS
    for name, (meaning, tags) in kinds.items():
        shares = [(token, sum(found[tag] for tag in tags) / found.total()) for token, found in words]
        fair, most = ([token for token, share in shares if share >= least] for least in (FAIR_SHARE, MAIN_SHARE))
        yield Candidate(name, f"Words often used as {meaning}", to_ids(fair))
        yield Candidate(f"{name}.mainly", f"Words mainly used as {meaning}", to_ids(most))
