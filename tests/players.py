"""Language models as tests play them: functions from a request's JSON to a reply."""

from __future__ import annotations

import json
import re
from typing import Any

from fake_llm import Call, Says

_SET = re.compile(r'"set":"([^"]+)"')
_FEATURE = re.compile(r"Feature (\d+)\.")


def feature_of(request: dict[str, Any]) -> int:
    """The feature that a conversation is about."""
    found = _FEATURE.search(request["messages"][1]["content"])
    assert found is not None
    return int(found[1])


def replies_before(request: dict[str, Any]) -> int:
    """How often the model has spoken."""
    return sum(message["role"] == "assistant" for message in request["messages"])


def investigation(request: dict[str, Any]) -> Says:
    """A model that tests the first two sets of its briefing, looks for negatives, and claims the first set."""
    messages = request["messages"]
    feature = feature_of(request)
    sets = list(dict.fromkeys(_SET.findall(messages[1]["content"]))) or ["pos.NN"]
    said = replies_before(request)
    if said == 0:
        return Says("Two ideas.", [Call("test_token_set", {"specs": sets[:2], "features": str(feature)})])
    if said == 1:
        return Says("", [Call("get_feature", {"feature": feature}), Call("describe_subject", {})])
    return Says("", [Call("submit_label", the_label(feature, sets[0]))])


def thorough(request: dict[str, Any]) -> Says:
    """A model that takes five replies: tests, negatives, a test beside another set, edited texts, and the label."""
    feature, said = feature_of(request), replies_before(request)
    sets = list(dict.fromkeys(_SET.findall(request["messages"][1]["content"]))) or ["pos.NN"]
    texts = ["They walked to the old house.", "They walked to the new house.", "Nobody walked."]
    calls = [
        Call("test_token_set", {"specs": sets[:2], "features": str(feature), "detail": "concise"}),
        Call("get_examples", {"feature": feature, "kinds": ["negative"], "limit": 5}),
        Call("test_token_set", {"specs": [sets[0]], "features": str(feature)}),
        Call("test_activation", {"texts": texts, "features": str(feature)}),
        Call("submit_label", the_label(feature, sets[0])),
    ]
    thought = "I think that the best explanation is the first of these sets, but a rival could explain it too. "
    return Says(thought * (1 + said % 2), [calls[min(said, 4)]])


def the_label(feature: int, token_set: str) -> dict[str, Any]:
    """The arguments of submit_label that claim one promoted set."""
    return {"feature": feature, "text": f"Promotes {token_set}.", "promotes": [token_set], "confidence": 0.6}


def one_shot(request: dict[str, Any]) -> Says:
    """A model that claims the first set it is shown, or nothing."""
    sets = _SET.findall(request["messages"][1]["content"])
    label = {"text": "Something." if not sets else f"Promotes {sets[0]}.", "promotes": sets[:1], "confidence": 0.5}
    return Says(f"Here it is:\n```json\n{json.dumps(label)}\n```")
