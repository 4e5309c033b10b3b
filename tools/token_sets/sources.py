"""Where token sets come from: licence, credit, and whether sets derived from it may be shipped in the package."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from .nltk_files import MissingData, find, read_text


@dataclass(frozen=True)
class Source:
    """A source of sets. `needs` names files of NLTK's data; the text of `notice` must go with what is redistributed."""

    name: str
    licence: str
    shippable: bool
    credit: str = ""
    needs: tuple[str, ...] = ()
    notice: str = ""

    def missing(self) -> str | None:
        """What is missing of the data and how to get it, in one line; None when all is there."""
        try:
            for resource in self.needs:
                find(resource)
        except MissingData as error:
            return str(error)
        return None

    @functools.cached_property
    def full_credit(self) -> str:
        """The credit with the text of the notice file, where it is present."""
        try:
            text = read_text(self.notice).strip() if self.notice else ""
        except MissingData:
            text = ""
        return "\n".join(part for part in (self.credit, text) if part)


RULES = Source("rules", "MIT", True, "Rules and word lists of tsea itself.")
VOCABULARY = Source("vocabulary", "that of the tokenizer", True, "Order of the tokens in the vocabulary.")
_TAGGER = "taggers/averaged_perceptron_tagger_eng/averaged_perceptron_tagger_eng"
TAGGER = Source(
    "averaged_perceptron_tagger_eng",
    "MIT",
    True,
    "Tags by the averaged perceptron tagger of NLTK (github.com/sloria/textblob-aptagger).",
    needs=tuple(f"{_TAGGER}.{part}.json" for part in ("weights", "tagdict", "classes")),
)
TAGGED = Source(
    "tagged_addresses",
    "MIT; texts in the public domain",
    True,
    "Tags by the same tagger on NLTK's corpora of State of the Union and inaugural addresses (C-Span).",
    needs=(*TAGGER.needs, "corpora/state_union/", "corpora/inaugural/"),
)
WORDNET = Source(
    "wordnet",
    "WordNet License and CC BY 4.0",
    True,
    "WordNet 3.1, Copyright 2011 Princeton University, as found in NLTK's data (Open English WordNet, "
    "Copyright 2019-2024 the Open English WordNet team, where that is the edition). Changed: cut to tokens of the "
    "vocabulary, and to the parts of speech that they have in tagged_addresses.",
    needs=("corpora/wordnet/lexnames", "corpora/wordnet/index.noun", "corpora/wordnet/data.noun", *TAGGED.needs),
    notice="corpora/wordnet/WNDB_License.txt",
)
NAMES = Source(
    "names",
    "free with credit and README",
    True,
    "Names Corpus by Mark Kantrowitz and Bill Ross.",
    needs=("corpora/names/female.txt", "corpora/names/male.txt"),
    notice="corpora/names/README",
)
OPINION = Source(
    "opinion_lexicon",
    "CC BY 4.0",
    True,
    "Opinion Lexicon by Bing Liu (www.cs.uic.edu/~liub), licensed under CC BY 4.0 International. Minqing Hu and "
    "Bing Liu, Mining and Summarizing Customer Reviews, KDD 2004. Changed: cut to tokens of the vocabulary.",
    needs=("corpora/opinion_lexicon/positive-words.txt", "corpora/opinion_lexicon/negative-words.txt"),
)
VADER = Source(
    "vader_lexicon",
    "MIT",
    True,
    "VADER by C.J. Hutto and Eric Gilbert, ICWSM 2014.",
    needs=("sentiment/vader_lexicon/vader_lexicon.txt",),
)
STOPWORDS = Source(
    "stopwords",
    "not stated",
    False,
    "NLTK stop words (Snowball, SMART and others).",
    needs=("corpora/stopwords/english",),
)
WORDS = Source(
    "words",
    "public domain; WordNet License",
    True,
    "Unix word list and Ogden's Basic English, as in NLTK's data, with the words of WordNet (Copyright 2011 Princeton "
    "University) and of tagged_addresses.",
    needs=("corpora/words/en", "corpora/words/en-basic", *WORDNET.needs),
    notice=WORDNET.notice,
)
IMPORTED = Source("imported", "not stated", False)

_ALL = (RULES, VOCABULARY, TAGGER, TAGGED, WORDNET, NAMES, OPINION, VADER, STOPWORDS, WORDS, IMPORTED)
SOURCES = {source.name: source for source in _ALL}
