"""What a run by a language model would take, before anything is paid: a typical conversation, with real answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel

from ...tools.errors import TseaError
from ...tools.storage.records import Records
from ...tools.storage.tables import Run
from ...tools.tool import by_name
from ...tools.workbench import Workbench
from ..llm.messages import Reply, Request, ToolCall, Usage
from ..llm.tokens import TokenEstimate
from . import prompts
from .briefing import PARTS, briefing
from .case import SUBMIT, TOOLS, Case
from .investigator import FUNCTIONS
from .one_shot import CANDIDATES, SHOWN
from .run import ModelRun

SAMPLE = 6
_TOOLS = by_name(TOOLS)
# About what models write before a call, and in a label; only their length counts.
_THOUGHT = "The top tokens and the contexts suggest a group of words; a rival set explains some of them as well. " * 3
_LABEL = {"text": "Promotes words of one group, and fires right behind such a word. " * 2, "refute": "Edits. " * 6}


class Estimate(BaseModel):
    """Requests and tokens for so many features, from `sampled` of them; `cost` in USD, None without a price."""

    features: int
    sampled: int
    requests: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None


def estimate(workbench: Workbench, records: Records, features: np.ndarray, asked: ModelRun) -> Estimate:
    """What labelling these features would take; nothing is written and no model is asked.

    Of an agent, for investigations of as many replies as `_calls` makes; each reply is paid with all before it.
    """
    run = Run(name="estimate", subject="", subject_hash=workbench.subject.hash, config={}, config_hash="")
    places = np.unique(np.linspace(0, len(features) - 1, min(SAMPLE, len(features))).round().astype(int))
    cases = [Case(workbench, records, run, int(feature)) for feature in features[places]]
    used = [_agent(case, asked) if asked.labeler == "agent" else _one_shot(case, asked) for case in cases]
    each = len(features) / len(cases)
    requests = sum(count for count, _ in used)
    usage = sum((usage for _, usage in used), Usage())
    whole = Usage(round(usage.prompt * each), round(usage.completion * each))
    return Estimate(
        features=len(features),
        sampled=len(cases),
        requests=round(requests * each),
        prompt_tokens=whole.prompt,
        completion_tokens=whole.completion,
        cost=asked.prices.cost(asked.style.model, whole),
    )


def _one_shot(case: Case, asked: ModelRun) -> tuple[int, Usage]:
    times = CANDIDATES if asked.labeler == "best-of-k" else 1
    messages = _opening(prompts.ONE_SHOT, briefing(case, SHOWN.get(asked.labeler, PARTS)))
    written = json.dumps(_LABEL | {"promotes": ["pos.NN"], "fires": [], "confidence": 0.7})
    return times, _usage(asked, messages, (), written, times)


def _agent(case: Case, asked: ModelRun) -> tuple[int, Usage]:
    messages = _opening(prompts.AGENT.replace("{steps}", str(asked.steps)), briefing(case))
    calls = _calls(case)[-asked.steps :]
    usage = Usage()
    for number, (tool, arguments) in enumerate(calls):
        call = ToolCall(f"call_{number}", tool, json.dumps(arguments))
        usage += _usage(asked, messages, FUNCTIONS, _THOUGHT + tool + call.arguments)
        messages.append(Reply(_THOUGHT, (call,)).message)
        if tool != SUBMIT:
            messages.append({"role": "tool", "tool_call_id": call.id, "content": _answer(case, tool, arguments)})
    return len(calls), usage


def _calls(case: Case) -> list[tuple[str, dict[str, Any]]]:
    """A typical investigation: two ideas tested, one of them against negatives and in texts, and the label."""
    found = _TOOLS["enrich_feature"](case.investigation, {"feature": case.feature, "limit": 3}).content["sets"]
    sets = [row["set"] for row in found] or ["pos.NN"]
    return [
        ("test_token_set", {"specs": sets[:2], "features": str(case.feature)}),
        ("get_examples", {"feature": case.feature, "kinds": ["negative"], "limit": 5}),
        ("test_token_set", {"specs": sets[-1:], "features": str(case.feature), "given": sets[0]}),
        ("test_activation", {"texts": ["My hat is red.", "My hat is new."], "features": str(case.feature)}),
        (SUBMIT, _LABEL | {"feature": case.feature, "promotes": sets[:1], "confidence": 0.7}),
    ]


def _answer(case: Case, tool: str, arguments: dict[str, Any]) -> str:
    try:
        return _TOOLS[tool](case.investigation, arguments).text
    except TseaError as error:
        return f"Error: {error}"


def _opening(system: str, text: str) -> list[dict[str, Any]]:
    return [{"role": "system", "content": system}, {"role": "user", "content": text}]


def _usage(
    asked: ModelRun, messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]], written: str, times: int = 1
) -> Usage:
    tokens = TokenEstimate()
    prompt = tokens.prompt(Request(asked.style.model, tuple(messages), tools))
    return Usage(times * prompt, times * tokens.text(asked.style.model, written))
