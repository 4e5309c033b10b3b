"""Plain sentences for labels: what a feature promotes, suppresses and fires on, and what would refute it."""

from __future__ import annotations

from collections.abc import Sequence

from ..tools.inputs.slices import Where
from ..tools.results import TokenWeight

SHOWN = 5
VERBS = ("promotes", "suppresses")
FIRES = {"token": "fires on", "previous": "fires right behind", "next": "fires right before"}
PROPER = ("English", "Latin", "Unicode", "WordNet", "HTML")


def claim_text(
    sets: Sequence[tuple[int, str, Sequence[str]]],
    few_tokens: Sequence[TokenWeight] | None,
    read: Sequence[tuple[Where, str, Sequence[str], float]] = (),
) -> str:
    """A sentence for a claim; sets are (side, description, most extreme members), best first.

    Sides are 0 for promoted and 1 for suppressed, the strongest set's side is named first. `few_tokens` are the most
    promoted tokens of a local context feature, which promotes them far more than all others. `read` are sets that it
    fires on, behind or before: (where, description, tokens that weigh most, share of its firings).
    """
    clauses: list[str] = []
    if few_tokens is not None:
        clauses.append(f"promotes a few tokens above all: {_tokens(few_tokens)}")
    for side in dict.fromkeys(side for side, _, _ in sets):
        phrases = [f"{inline(description)} ({', '.join(members)})" for s, description, members in sets if s == side]
        clauses.append(f"{VERBS[side]} {_joined(phrases)}")
    for where in dict.fromkeys(where for where, *_ in read):
        phrases = [
            f"{inline(text)} ({', '.join(tokens)}; {share:.0%})" for w, text, tokens, share in read if w == where
        ]
        clauses.append(f"{FIRES[where]} {_joined(phrases)}")
    text = "; ".join(clauses)
    return f"{text[0].upper()}{text[1:]}."


def no_claim_text(top: Sequence[TokenWeight], bottom: Sequence[TokenWeight], closest: str | None) -> str:
    """What was seen where nothing may be claimed."""
    reason = f"closest: {closest}" if closest else "none came near"
    seen = f"Most promoted: {_tokens(top)}; most suppressed: {_tokens(bottom)}."
    return f"No token set passes the claim rule ({reason}). {seen}"


def refutation(
    sets: Sequence[tuple[int, str]],
    few_tokens: Sequence[TokenWeight] | None,
    read: Sequence[tuple[Where, str]] = (),
) -> str:
    """What finding would speak against a claim about sets (side, description) and those read (where, description)."""
    parts = [f"sealed tokens of {_set(text)} no {('higher', 'lower')[side]} than other tokens" for side, text in sets]
    if few_tokens is not None:
        parts.insert(0, f"{_tokens(few_tokens)} gaining no more than other tokens when the feature is steered up")
    parts += [
        f"strongest firings on held-out documents that lie no more {FIRES[where].removeprefix('fires ')} "
        f"{_set(text)} than those of random directions"
        for where, text in read
    ]
    return f"Refuted by {'; or '.join(parts)}."


def _set(description: str) -> str:
    """A set by its description; a single word stands in quotes already."""
    return description if description.startswith('"') else f'the set "{description}"'


def inline(description: str) -> str:
    """A set's description inside a sentence: begun in lower case, but for names and abbreviations."""
    proper = description.split(" ")[0] in PROPER or description[1:2].isupper()
    return description if proper else description[0].lower() + description[1:]


def _tokens(tokens: Sequence[TokenWeight]) -> str:
    return ", ".join(t.token for t in tokens[:SHOWN])


def _joined(phrases: Sequence[str]) -> str:
    return phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} and {phrases[-1]}"
