"""Tools about token sets: finding those of the library, and naming one's own."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ..definitions import PREFIX, check_name
from ..errors import close_names
from ..inert import brief
from ..paging import page
from ..tool import MAX_TEXT, Answer, Cursor, SubjectArguments, Tool

if TYPE_CHECKING:
    from ..investigation import Investigation
    from ..libraries import OpenLibrary

TOKENS_SHOWN = 60
_DEFINED = 30  # names of one's own that are listed, the newest
_ALIKE = 0.75  # difflib's ratio: color is like colour


class ListTokenSets(SubjectArguments):
    """Arguments of list_token_sets."""

    query: str = Field("", max_length=200, description="Words that the name or description holds: animal plural.")
    token: str = Field("", max_length=200, description="A token that the set holds, with its space: ' red'.")
    family: str = Field("", max_length=100, description="One family alone, such as pos, wordnet, suffix, topic.")
    name: str = Field("", max_length=200, description="One set by its name: its tokens, and the sets most like it.")
    limit: Annotated[int, Field(ge=1, le=100, description="Sets on a page.")] = 20
    cursor: Cursor = ""


class DefineTokenSet(SubjectArguments):
    """Arguments of define_token_set."""

    name: str = Field(min_length=4, max_length=64, description="my. and lower-case letters, digits or _: my.colours.")
    spec: str = Field(min_length=1, max_length=MAX_TEXT, description="The set, written as for test_token_set.")
    description: str = Field("", max_length=300, description="What it is, in a few words.")


def list_token_sets(investigation: Investigation, given: ListTokenSets) -> Answer:
    """Library sets by words, token, family or name; and those defined in the run."""
    from ..token_sets.spec import parse_spec

    library = investigation.workbench(given.subject).open_library
    if given.name.startswith(PREFIX):
        resolved = library.resolved(parse_spec(investigation.spec(given.name, given.subject)))
        about = resolved.model_dump(include={"size", "open"}) | {"spec": brief(json.loads(resolved.spec))}
        return Answer({"name": given.name, **about, "tokens": resolved.preview})
    if given.name:
        return Answer(shown_set(library, given.name))
    found = library.search(given.query.split(), given.token or None)
    if given.family:
        found = [row for row in found if row.family == given.family]
    rows = [
        {"name": row.name, "size": row.size, "open": row.open, "description": row.description}
        | ({} if row.testable else {"testable": False})
        for row in found
    ]
    shown, more = page(rows, given.limit, given.cursor, given.subject, given.query, given.token, given.family)
    own = investigation.records.definitions(investigation.run(given.subject))
    recent = dict(list(own.items())[-_DEFINED:])
    mine = {"defined": {name: row.description for name, row in recent.items()}} if own else {}
    families = {} if given.query or given.token or given.family else {"families": [f for f, *_ in library.families()]}
    return Answer({"sets": shown, **more, **mine, **families, **({} if rows else _alike(library, given))})


def _alike(library: OpenLibrary, given: ListTokenSets) -> dict[str, Any]:
    """Where nothing was found: words of names and descriptions that are spelt like those asked for, or the families."""
    words = {word for s in library.library.given for word in re.findall(r"\w{3,}", f"{s.name} {s.description}".lower())}
    close = [word for asked in given.query.lower().split() for word in close_names(asked, words, cutoff=_ALIKE)]
    if close:
        return {"words_like_yours": close}
    return {"families": [family for family, *_ in library.families()]}


def shown_set(library: OpenLibrary, name: str) -> dict[str, Any]:
    """One set: what it is, its first tokens, what is like it."""
    found = library.shown(name)
    tokens = [library.vocabulary.shown(token) for token in found.ids[:TOKENS_SHOWN]]
    about = found.model_dump(include={"name", "family", "size", "open", "testable", "description", "source", "aliases"})
    similar = [{"set": pair.set, "shared": pair.shared, "jaccard": pair.jaccard} for pair in found.similar[:5]]
    return about | {"tokens": tokens, "similar": similar}


def define_token_set(investigation: Investigation, given: DefineTokenSet) -> Answer:
    """Name a set in the run."""
    from ..token_sets.spec import parse_spec

    check_name(given.name)
    spec = parse_spec(investigation.spec(given.spec, given.subject))
    resolved = investigation.workbench(given.subject).open_library.resolved(spec)
    investigation.records.define(investigation.run(given.subject), given.name, spec.canonical(), given.description)
    return Answer(
        {
            "name": given.name,
            "spec": brief(spec.canonical()),
            "size": resolved.size,
            "open": resolved.open,
            "tokens": resolved.preview,
            "no_single_token": [item.item for item in resolved.unmatched[:10]],
            "similar": [{"set": pair.set, "jaccard": pair.jaccard} for pair in resolved.similar[:5]],
        }
    )


SET_TOOLS: list[Tool[Any]] = [
    Tool(
        "list_token_sets",
        "List token sets",
        "Search the token set library by words, by a token, or by family; with name, one set with its tokens and the "
        "sets most like it. Without arguments: all, and the families.",
        ListTokenSets,
        list_token_sets,
        heavy=False,
    ),
    Tool(
        "define_token_set",
        "Name a token set",
        'Give a token set that you write a name of its own in this run, so that later specs can use it: {"minus": '
        '["my.colours", "pos.NN"]}. A name is never redefined. Answers what it holds and which library sets are like '
        "it.",
        DefineTokenSet,
        define_token_set,
        writes="sets",
        heavy=False,
    ),
]
