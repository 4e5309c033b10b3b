"""What a language model is shown of a feature before it asks: the answers of a few tools, in short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from ...tools.activations.indexing import has_index
from ...tools.errors import TseaError
from ...tools.tool import by_name
from .case import TOOLS, Case

Part = Literal["weights", "sets", "examples"]
PARTS: tuple[Part, ...] = ("weights", "sets", "examples")
EXAMPLES = 10
_SETS = 8
_TOOLS = by_name(TOOLS)
_WEIGHTS = ("class", "moments", "promotes", "suppresses", "fires", "neighbours", "labels", "note")


def briefing(case: Case, parts: Sequence[Part] = PARTS, examples: int = EXAMPLES) -> str:
    """The feature by its logit weights, by enriched sets on both sides, and by different contexts that it fires in."""
    feature: dict[str, Any] = {"feature": case.feature}
    asked = feature | {"limit": _SETS}
    sections: list[str] = []
    if "weights" in parts:
        sections.append(_said("Logit weights", case, "get_feature", feature, only=_WEIGHTS))
    if "sets" in parts:
        sections.append(_said("Token sets that it promotes or suppresses", case, "enrich_feature", asked))
    if has_index(case.investigation.workbench().subject):
        if "sets" in parts:
            sections.append(_said("Token sets that it fires on", case, "enrich_feature", asked | {"side": "input"}))
        if "examples" in parts and examples:
            chosen = feature | {"kinds": ["diverse"], "limit": examples}
            sections.append(_said("Contexts that it fires in", case, "get_examples", chosen))
    return "\n\n".join([f"Feature {case.feature}.", *sections])


def _said(title: str, case: Case, tool: str, asked: dict[str, Any], only: Sequence[str] = ()) -> str:
    """The answer of a tool, whole or some of its fields, below a title."""
    try:
        answer = _TOOLS[tool](case.investigation, asked)
        if only:
            answer = type(answer)({name: answer.content[name] for name in only if name in answer.content})
        return f"{title}:\n{answer.text}"
    except TseaError as error:  # such as a feature that never fires
        return f"{title}: {error}"
