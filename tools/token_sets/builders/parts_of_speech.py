"""Part of speech by NLTK's tagger, one token at a time: the published definition, with its known faults.

A word tagged alone has no context: "Viking" and "String" come out as gerunds. The sets are kept because the
published results rest on them; the families `tag` and `inflection` are more exact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ..nltk_files import MissingData
from ..view import Candidate, Token, TokenView, to_ids

MAX_SPACED = 0.8  # where more have a leading space, the set of those is no set of its own
TAGS = {
    "CC": "coordinating conjunction", "CD": "cardinal number", "DT": "determiner", "EX": "existential there",
    "FW": "foreign word", "IN": "preposition or subordinating conjunction", "JJ": "adjective",
    "JJR": "adjective, comparative", "JJS": "adjective, superlative", "LS": "list item", "MD": "modal",
    "NN": "noun, singular", "NNS": "noun, plural", "NNP": "proper noun, singular", "NNPS": "proper noun, plural",
    "PDT": "predeterminer", "POS": "possessive ending", "PRP": "personal pronoun", "PRP$": "possessive pronoun",
    "RB": "adverb", "RBR": "adverb, comparative", "RBS": "adverb, superlative", "RP": "particle", "SYM": "symbol",
    "TO": "to", "UH": "interjection", "VB": "verb, base form", "VBD": "verb, past tense",
    "VBG": "verb, gerund or present participle", "VBN": "verb, past participle",
    "VBP": "verb, present, not third person", "VBZ": "verb, third person singular", "WDT": "wh-determiner",
    "WP": "wh-pronoun", "WP$": "possessive wh-pronoun", "WRB": "wh-adverb",
}  # fmt: skip
GROUPS = {
    "noun": ("nouns", ("NN", "NNS", "NNP", "NNPS")),
    "proper_noun": ("proper nouns", ("NNP", "NNPS")),
    "verb": ("verbs", ("VB", "VBD", "VBG", "VBN", "VBP", "VBZ", "MD")),
    "past": ("past forms of verbs", ("VBD", "VBN")),
    "comparison": ("comparatives and superlatives", ("JJR", "JJS", "RBR", "RBS")),
    "function": (
        "function words",
        ("CC", "DT", "IN", "MD", "PRP", "PRP$", "TO", "WDT", "WP", "WP$", "WRB", "EX", "PDT", "RP"),
    ),
    "wh": ("wh-words", ("WDT", "WP", "WP$", "WRB")),
}


def pos_sets(view: TokenView) -> Iterator[Candidate]:
    """Tags of the Penn treebank and groups of them, each also by leading space."""
    tagged: dict[str, list[Token]] = defaultdict(list)
    tags = _tags({token.word for token in view.tokens if token.word})
    for token in view.tokens:
        if token.word:
            tagged[tags[token.word]].append(token)
    for tag, meaning in TAGS.items():
        yield from _sets(tag, f"Tokens tagged {tag} ({meaning})", tagged[tag])
    for group, (meaning, members) in GROUPS.items():
        tokens = [token for tag in members for token in tagged[tag]]
        yield from _sets(group, f"Tokens tagged as {meaning}", tokens)


def _sets(name: str, description: str, tokens: list[Token]) -> Iterator[Candidate]:
    yield Candidate(name, description, to_ids(tokens))
    spaced = to_ids(token for token in tokens if token.spaced)
    if len(spaced) < MAX_SPACED * len(tokens):
        yield Candidate(f"{name}.space", f"{description}, with leading space", spaced)


def _tags(words: set[str]) -> dict[str, str]:
    from nltk.tag import PerceptronTagger

    try:
        tagger = PerceptronTagger()
    except (LookupError, OSError, ValueError) as error:
        raise MissingData(f"NLTK's tagger does not load ({error})".splitlines()[0]) from error
    return {word: tagger.tag([word])[0][1] for word in words}
