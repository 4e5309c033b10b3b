"""What an investigation costs a language model in tokens, counted with GPT-2's tokenizer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from mcp import Client
from mcp.types import TextContent
from tokenizers import Tokenizer

from tsea.server.app import build
from tsea.tools.investigation import Investigation

if TYPE_CHECKING:
    from collections.abc import Callable

INVESTIGATION_TOKENS, LIST_TOKENS = 25_000, 8_000
COLOURS = {"words": ["red", "blue", "green", "white", "black", "brown"], "variants": "all"}
FEATURE = 24
# From looking to submitting, as the instructions have it.
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("describe_subject", {}),
    ("find_features", {"text": "My favorite color is red.", "token": " red"}),
    ("get_feature", {"feature": FEATURE}),
    ("enrich_feature", {"feature": FEATURE}),
    ("enrich_feature", {"feature": FEATURE, "side": "input"}),
    ("get_examples", {"feature": FEATURE, "kinds": ["diverse", "negative"]}),
    ("suggest_sets", {"tokens": [" red", " blue", " green", " white", " brown"]}),
    ("test_token_set", {"specs": [json.dumps(COLOURS), "pos.JJ"], "features": str(FEATURE)}),
    ("test_input_hypothesis", {"specs": [json.dumps({"token": COLOURS})], "features": str(FEATURE)}),
    ("split_histogram", {"feature": FEATURE, "token_set": json.dumps(COLOURS)}),
    (
        "test_activation",
        {"texts": ["My color is red.", "My color is round.", "My hat is red."], "features": str(FEATURE)},
    ),
    (
        "submit_label",
        {
            "feature": FEATURE,
            "text": "Promotes and fires on names of colours.",
            "promotes": [json.dumps(COLOURS)],
            "fires": [json.dumps({"token": COLOURS})],
            "confidence": 0.7,
        },
    ),
]


@pytest.fixture
def tokens(shared: Path) -> Callable[[str], int]:
    tokenizer = Tokenizer.from_file(str(shared / "gpt2" / "tokenizer.json"))
    return lambda text: len(tokenizer.encode(text).ids)


def test_a_whole_investigation_and_the_list_of_tools_are_within_budget(
    investigation: Investigation, tokens: Callable[[str], int], capsys: pytest.CaptureFixture[str]
) -> None:
    async def ask() -> tuple[str, list[str]]:
        async with Client(build(investigation, ready=False)) as client:
            tools = await client.list_tools()
            answers: list[str] = []
            for name, arguments in CALLS:
                result = await client.call_tool(name, arguments)
                first = result.content[0]
                assert isinstance(first, TextContent) and not result.is_error, (name, first)
                answers.append(first.text)
            return tools.model_dump_json(by_alias=True, exclude_none=True), answers

    listing, answers = anyio.run(ask)
    costs = [tokens(answer) for answer in answers]
    with capsys.disabled():
        rows = [f"{cost:6,} {name}" for cost, (name, _) in zip(costs, CALLS, strict=True)]
        print("", *rows, f"{sum(costs):6,} together", f"{tokens(listing):6,} tools/list", sep="\n")
    assert len(CALLS) == 12
    assert sum(costs) < INVESTIGATION_TOKENS
    assert tokens(listing) < LIST_TOKENS
