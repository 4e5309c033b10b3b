"""One investigation of a feature of the pocket subject, as the calls that an LLM makes one after the other."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

FEATURE = 24
LABEL = "Colors, in descriptions of things"


class Call(NamedTuple):
    tool: str
    arguments: dict[str, Any]


def job_under_way(text: str) -> str | None:
    """The id to ask get_job about, where a result is not there yet because the machine is slow."""
    answer = _object(text)
    return answer["job_id"] if answer.get("state") in ("queued", "running") else None


def without_job(text: str) -> str:
    """The result that an answer of get_job wraps; other answers as they are."""
    answer = _object(text)
    return json.dumps(answer["result"]) if "job_id" in answer and "result" in answer else text


def _object(text: str) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


COLORS = '{"words": ["red", "blue", "green", "yellow"], "variants": "all"}'
FIRES_ON_COLORS = '{"token": {"words": ["red", "blue", "green"], "variants": "all"}}'

CALLS = (
    Call("describe_subject", {}),
    Call("find_features", {"text": "My favorite color is red.", "token": " red"}),
    Call("get_feature", {"feature": FEATURE}),
    Call("enrich_feature", {"feature": FEATURE}),
    Call("enrich_feature", {"feature": FEATURE, "side": "input"}),
    Call("suggest_sets", {"tokens": [" red", " blue", " green"]}),
    Call("test_token_set", {"specs": [COLORS], "features": str(FEATURE)}),
    Call("test_input_hypothesis", {"specs": [FIRES_ON_COLORS], "features": str(FEATURE)}),
    Call("get_examples", {"feature": FEATURE, "kinds": ["diverse", "negative"]}),
    Call("test_activation", {"texts": ["My color is red.", "My color is crimson."], "features": str(FEATURE)}),
    Call("split_histogram", {"feature": FEATURE, "token_set": "topic.colour"}),
    Call(
        "submit_label",
        {"feature": FEATURE, "text": LABEL, "promotes": [COLORS], "fires": [FIRES_ON_COLORS], "confidence": 0.5},
    ),
)
BEFORE_THE_LABEL = CALLS[:-1]
WITH_IMAGE = "split_histogram"

# A few looks, after the subject is loaded.
LOOKS = (
    Call("open_subject", {"subject": "pocket"}),
    *(call for call in CALLS if call.tool in ("describe_subject", "get_feature", "suggest_sets", WITH_IMAGE)),
)

# Every tool at least once; JOB and SUBMITTED stand for what the latest start_job and submit_label answered.
JOB, SUBMITTED = "the latest job", "the latest label"
EVERY_TOOL = (
    *LOOKS,
    *(call for call in CALLS if call not in LOOKS),
    Call("measure_effect", {"feature": FEATURE, "texts": ["My favorite color is red."]}),
    Call("list_token_sets", {"name": "topic.colour"}),
    Call("define_token_set", {"name": "my.paints", "spec": COLORS, "description": "Colors"}),
    Call("search_labels", {"query": LABEL}),
    Call("score_label", {"label": SUBMITTED}),
    Call("start_job", {"tool": "get_feature", "arguments": '{"feature": 24}'}),
    Call("get_job", {"job_id": JOB, "wait_seconds": 20}),
    Call("cancel_job", {"job_id": JOB}),
)
