"""The MCP server as a client sees it, in one process: tools, answers, errors, resources, prompts, completions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from mcp import Client, MCPError
from mcp.server import MCPServer
from mcp.types import (
    CallToolResult,
    ImageContent,
    PromptReference,
    ResourceTemplateReference,
    TextContent,
    TextResourceContents,
)

from tsea.server.app import build, served_tools
from tsea.server.jobs import Jobs
from tsea.server.views import PLOT_META, SPLIT_HISTOGRAM_URI
from tsea.tools.errors import UsageError
from tsea.tools.investigation import Investigation
from tsea.tools.tool import MAX_CHARACTERS

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture)
SNAPSHOT = Path(__file__).with_name("tools.json")
COLOURS = '{"words": ["red", "blue", "green", "white", "black"], "variants": "all"}'
# One good call of every tool but those about jobs.
CALLS: dict[str, dict[str, Any]] = {
    "describe_subject": {},
    "open_subject": {"subject": "pocket"},
    "find_features": {"text": "My favorite color is red.", "token": " red"},
    "get_feature": {"feature": 24},
    "enrich_feature": {"feature": 24},
    "test_token_set": {"specs": [COLOURS], "features": "24"},
    "test_input_hypothesis": {"specs": [json.dumps({"token": json.loads(COLOURS)})], "features": "24"},
    "suggest_sets": {"tokens": [" red", " blue", "0"]},
    "split_histogram": {"feature": 24, "token_set": "pos.JJ"},
    "get_examples": {"feature": 24, "limit": 2},
    "test_activation": {"texts": ["My color is red.", "My color is crimson."], "features": "24"},
    "measure_effect": {"feature": 24, "texts": ["There were red and blue flowers."]},
    "list_token_sets": {"query": "capital"},
    "define_token_set": {"name": "my.colours", "spec": COLOURS},
    "submit_label": {"feature": 24, "text": "Promotes colours.", "promotes": [COLOURS], "confidence": 0.5},
    "search_labels": {},
    "score_label": {"label": 1},
}


@pytest.fixture
def server(investigation: Investigation) -> MCPServer:
    return build(investigation, ready=False)


def text_of(result: CallToolResult) -> str:
    first = result.content[0]
    assert isinstance(first, TextContent)
    return first.text


def asked(server: MCPServer, *calls: tuple[str, dict[str, Any]], mode: Any = "auto") -> list[CallToolResult]:
    """The results of calls in one connection."""

    async def ask() -> list[CallToolResult]:
        async with Client(server, mode=mode) as client:
            return [await client.call_tool(name, arguments) for name, arguments in calls]

    return anyio.run(ask)


def listed(server: MCPServer) -> list[Any]:
    async def ask() -> list[Any]:
        async with Client(server) as client:
            return (await client.list_tools()).tools

    return anyio.run(ask)


def test_the_tools_are_those_of_the_snapshot(server: MCPServer, request: pytest.FixtureRequest) -> None:
    """To take a new one after a wanted change: delete the file and run the test once."""
    found = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed(server)]
    if not SNAPSHOT.exists():
        SNAPSHOT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
        pytest.fail(f"{SNAPSHOT.name} was not there and has been written: look at it, then run again")
    assert found == json.loads(SNAPSHOT.read_text("utf-8"))


def test_every_schema_is_flat_bounded_described_and_annotated(server: MCPServer) -> None:
    tools = listed(server)
    assert len(tools) <= 20
    for tool in tools:
        Draft202012Validator.check_schema(tool.input_schema)
        assert "_" in tool.name and tool.title and 40 < len(tool.description) < 500, tool.name
        hints = tool.annotations.model_dump(exclude={"title"})
        assert all(isinstance(hint, bool) for hint in hints.values()), tool.name
        assert tool.input_schema["additionalProperties"] is False
        for name, schema in tool.input_schema["properties"].items():
            lint(f"{tool.name}.{name}", schema)
            assert schema.get("description"), f"{tool.name}.{name}"


def lint(where: str, schema: Mapping[str, Any]) -> None:
    assert not {"$ref", "anyOf", "oneOf", "allOf", "title"} & set(schema), where
    assert isinstance(schema["type"], str) and schema["type"] not in ("null", "object"), where
    if schema["type"] == "string" and "enum" not in schema:
        assert "maxLength" in schema, where
    if schema["type"] in ("integer", "number"):
        assert {"minimum", "maximum"} <= set(schema), where
    if schema["type"] == "array":
        assert "maxItems" in schema, where
        lint(f"{where}[]", schema["items"])


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_every_tool_answers_the_same_as_text_and_as_structured_content(server: MCPServer, mode: str) -> None:
    results = dict(zip(CALLS, asked(server, *CALLS.items(), mode=mode), strict=True))
    assert set(CALLS) | {"start_job", "get_job", "cancel_job"} == {tool.name for tool in listed(server)}
    for name, result in results.items():
        assert not result.is_error, (name, text_of(result))
        data = json.loads(text_of(result))
        assert data and len(text_of(result)) <= MAX_CHARACTERS
        if name == "split_histogram":
            assert result.structured_content is None and isinstance(result.content[1], ImageContent)
            assert result.content[1].mime_type == "image/png"
        else:
            assert result.structured_content == data and len(result.content) == 1


def test_pictures_are_left_out_on_request_and_come_without_structured_content(server: MCPServer) -> None:
    plain, heat = asked(
        server,
        ("split_histogram", CALLS["split_histogram"] | {"include_image": False}),
        ("test_activation", CALLS["test_activation"] | {"include_image": True}),
    )
    assert len(plain.content) == 1 and plain.structured_content == json.loads(text_of(plain))
    assert [type(part) for part in heat.content] == [TextContent, ImageContent] and heat.structured_content is None


def test_the_view_is_bound_to_its_tool_and_data_go_to_clients_that_show_it(server: MCPServer) -> None:
    async def ask() -> tuple[Any, Any, Any]:
        async with Client(server) as client:
            tool = next(t for t in (await client.list_tools()).tools if t.name == "split_histogram")
            page = await client.read_resource(SPLIT_HISTOGRAM_URI)
            return tool, page.contents[0], await client.call_tool("split_histogram", CALLS["split_histogram"])

    tool, page, result = anyio.run(ask)
    assert tool.meta["ui"]["resourceUri"] == SPLIT_HISTOGRAM_URI
    assert page.mime_type == "text/html;profile=mcp-app" and "<html" in page.text
    assert PLOT_META not in (result.meta or {})  # this client did not say that it shows views


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("get_feature", {}, "the argument feature is missing"),
        ("get_feature", {"feature": 4096}, "features 0 to 4095"),
        ("get_feature", {"feature": 24, "depth": 1}, "unknown argument 'depth'"),
        ("get_feature", {"feature": 24, "subject": "pockt"}, "Did you mean pocket"),
        ("find_features", {}, "exactly one of text, select and token_set"),
        ("find_features", {"select": "top:x"}, "top:COUNT:STATISTIC"),
        ("find_features", {"text": "a red car", "token": "blue"}, "Its tokens"),
        ("test_token_set", {"specs": ['{"suffixx": "a"}'], "features": "1"}, "Did you mean"),
        ("test_token_set", {"specs": ["{"], "features": "1"}, "no JSON"),
        ("test_token_set", {"specs": ["my.nothing"], "features": "1"}, "define_token_set"),
        ("enrich_feature", {"feature": 1, "sets": "nothing.*"}, "No token set fits"),
        ("enrich_feature", {"feature": 1, "cursor": "AAAA"}, "belongs to another list"),
        ("split_histogram", {"feature": 1, "token_set": "pos.NOPE"}, "No token set"),
        ("test_activation", {"texts": [], "features": "1"}, "at least 1 item"),
        ("define_token_set", {"name": "pos.CD", "spec": "pos.CD"}, "write my."),
        ("search_labels", {"label": 99}, "No label 99"),
        ("start_job", {"tool": "label_everything"}, "Did you mean label_features"),
        ("start_job", {"tool": "label_features", "arguments": "[]"}, "no JSON object"),
        ("get_job", {"job_id": "guess"}, "Call the tool again"),
        ("get_featur", {"feature": 24}, "Did you mean get_feature"),
    ],
)
def test_wrong_calls_are_tool_errors_that_say_what_to_do(
    server: MCPServer, tool: str, arguments: dict[str, Any], told: str
) -> None:
    (result,) = asked(server, (tool, arguments))
    assert result.is_error and told in text_of(result)
    assert "\n" not in text_of(result) and "Traceback" not in text_of(result)


# Values of every type, small and enormous.
ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.text(max_size=5).map(lambda text: text + "x" * 250_000),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
    st.just([0] * 5_000),
    st.just(10**400),
)


def fitting(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values that one argument's schema admits, mostly small ones."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema["type"]
    if kind == "array":
        return st.lists(
            fitting(schema["items"]), min_size=schema.get("minItems", 0), max_size=min(3, schema["maxItems"])
        )
    if kind == "integer":
        return st.integers(schema["minimum"], schema["maximum"])
    if kind == "number":
        return st.floats(schema["minimum"], schema["maximum"])
    if kind == "boolean":
        return st.booleans()
    shortest = schema.get("minLength", 0)
    return st.text(min_size=shortest, max_size=min(schema["maxLength"], shortest + 8))


@st.composite
def fitting_arguments(draw: st.DrawFn, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments that a tool's schema admits: all that are needed, and some of the others."""
    needed = schema.get("required", [])
    return {n: draw(fitting(p)) for n, p in schema["properties"].items() if n in needed or draw(st.booleans())}


@st.composite
def wrong_arguments(draw: st.DrawFn, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Such arguments with something missing, unknown or of another kind."""
    arguments = draw(fitting_arguments(schema))
    for name in draw(st.lists(st.sampled_from([*schema["properties"], "nobody"]), max_size=2)):
        if draw(st.booleans()):
            arguments.pop(name, None)
        else:
            arguments[name] = draw(ANY)
    return arguments


@settings(max_examples=400, suppress_health_check=SLOW)
@given(data=st.data())
def test_whatever_arguments_are_refused_in_one_line_or_valid(data: st.DataObject) -> None:
    """Every tool, without running it: parsing neither breaks nor lets through what the schema forbids."""
    tools = served_tools(JOBS)
    tool = data.draw(st.sampled_from(tools))
    arguments = data.draw(wrong_arguments(tool.schema))
    try:
        parsed = tool.parse(arguments)
    except UsageError as error:
        assert str(error).startswith(f"{tool.name}: ") and "\n" not in str(error) and len(str(error)) < 1_000
    else:
        Draft202012Validator(tool.schema).validate(parsed.model_dump(mode="json"))


JOBS = Jobs(Investigation())


def test_arguments_made_from_the_schemas_give_results_and_never_protocol_errors(server: MCPServer) -> None:
    """Valid but senseless arguments through the protocol: an answer, or an error that a model can act on."""
    tools = {tool.name: tool for tool in listed(server)}
    calls: list[tuple[str, dict[str, Any]]] = []
    names = ("find_features", "get_feature", "enrich_feature", "list_token_sets", "test_token_set", "submit_label")

    @settings(max_examples=60, database=None, suppress_health_check=SLOW)
    @given(st.sampled_from(names).flatmap(lambda n: st.tuples(st.just(n), fitting_arguments(tools[n].input_schema))))
    def collect(call: tuple[str, dict[str, Any]]) -> None:
        calls.append(call)

    collect()
    for (name, arguments), result in zip(calls, asked(server, *calls), strict=True):
        told = text_of(result)
        assert "unexpectedly" not in told, (name, arguments, told)
        assert result.is_error is False or ("\n" not in told and told), (name, arguments)


def test_resources_hold_what_the_tools_answer(server: MCPServer) -> None:
    async def ask() -> dict[str, Any]:
        async with Client(server) as client:
            label = await client.call_tool("submit_label", CALLS["submit_label"])
            uri = json.loads(text_of(label))["uri"]
            addresses = (
                "tsea://subject",
                "tsea://feature/24",
                "tsea://set/pos.JJ",
                uri,
                "tsea://feature/24?subject=pocket",
            )
            found = {a: (await client.read_resource(a)).contents[0] for a in addresses}
            templates = (await client.list_resource_templates()).resource_templates
            return {a: json.loads(f.text) for a, f in found.items() if isinstance(f, TextResourceContents)} | {
                "templates": [t.uri_template for t in templates],
                "label": uri,
            }

    found = anyio.run(ask)
    assert found["tsea://subject"]["subject"] == "pocket"
    assert found["tsea://feature/24"]["feature"] == found["tsea://feature/24?subject=pocket"]["feature"] == 24
    assert found["tsea://set/pos.JJ"]["name"] == "pos.JJ"
    assert found[found["label"]]["text"] == "Promotes colours."
    assert len(found["templates"]) == 4


@pytest.mark.parametrize(
    "uri",
    ["tsea://feature/9999", "tsea://feature/x", "tsea://set/no.such", "tsea://label/77", "tsea://set/..%2F..%2Fetc"],
)
def test_what_is_no_resource_is_a_protocol_error_that_says_so(server: MCPServer, uri: str) -> None:
    async def ask() -> int:
        async with Client(server) as client:
            with pytest.raises(MCPError) as error:
                await client.read_resource(uri)
            return error.value.error.code

    assert anyio.run(ask) == -32602


def test_prompts_and_completions_help_a_person_along(server: MCPServer) -> None:
    async def ask() -> Any:
        async with Client(server) as client:
            prompts = [p.name for p in (await client.list_prompts()).prompts]
            prompt = await client.get_prompt("label_feature", {"feature": "24", "subject": "pocket"})

            async def complete(reference: Any, name: str, value: str) -> Any:
                return (await client.complete(reference, {"name": name, "value": value})).completion

            return (
                prompts,
                prompt,
                await complete(PromptReference(name="label_feature"), "feature", "40"),
                await complete(ResourceTemplateReference(uri="tsea://set/{name}{?subject}"), "name", "pos.V"),
                await complete(ResourceTemplateReference(uri="tsea://feature/{id}{?subject}"), "id", "409"),
                await complete(PromptReference(name="audit_label"), "label", ""),
                await complete(PromptReference(name="label_feature"), "subject", "po"),
            )

    prompts, prompt, features, sets, ids, labels, subjects = anyio.run(ask)
    assert prompts == ["label_feature", "compare_labels", "audit_label"]
    assert "24 of pocket" in prompt.messages[0].content.text and "refute" in prompt.messages[0].content.text
    assert features.values[0] == "40" and "4095" not in features.values and features.total == 107
    assert sets.values and all(name.lower().startswith("pos.v") for name in sets.values)
    assert ids.values == ["409", "4090", "4091", "4092", "4093", "4094", "4095"]
    assert labels.values == [] and subjects.values == ["pocket"]


@pytest.mark.parametrize(
    ("prompt", "arguments", "told"),
    [
        ("label_featur", {"feature": "24"}, "Did you mean label_feature"),
        ("label_feature", {}, "the argument feature is missing"),
        ("label_feature", {"feature": ""}, "the argument feature is missing"),
        ("audit_label", {"label": "1", "feature": "24"}, "unknown argument feature. Arguments: label."),
    ],
)
def test_wrong_prompts_are_told_what_belongs_there(
    server: MCPServer, prompt: str, arguments: dict[str, str], told: str
) -> None:
    async def ask() -> MCPError:
        async with Client(server) as client:
            with pytest.raises(MCPError) as caught:
                await client.get_prompt(prompt, arguments)
            return caught.value

    error = anyio.run(ask)
    assert told in error.message and error.code == -32602


def test_sets_are_called_as_they_were_given(server: MCPServer) -> None:
    asked(server, ("define_token_set", {"name": "my.colours", "spec": COLOURS}))
    sets = ["my.colours", "pos.CD", COLOURS]
    effect, histogram = asked(
        server,
        ("measure_effect", {"feature": 24, "texts": ["My hat is"], "token_sets": sets[:2]}),
        ("split_histogram", {"feature": 24, "token_set": "my.colours", "include_image": False}),
    )
    assert [one["set"] for one in json.loads(text_of(effect))["sets"]] == sets[:2]
    assert json.loads(text_of(histogram))["set"] == "my.colours"


def test_a_search_without_a_find_names_words_that_are_spelt_alike(server: MCPServer) -> None:
    alike, none = asked(
        server, ("list_token_sets", {"query": "capitalz"}), ("list_token_sets", {"query": "zzzz", "family": "pos"})
    )
    assert "capital" in json.loads(text_of(alike))["words_like_yours"]
    assert "regex" in json.loads(text_of(none))["families"]


def test_a_read_only_server_writes_no_label_and_a_subset_serves_what_was_named(investigation: Investigation) -> None:
    names = {tool.name for tool in listed(build(investigation, ready=False, read_only=True))}
    assert not names & {"submit_label", "define_token_set"} and "test_token_set" in names
    (refused,) = asked(
        build(investigation, ready=False, read_only=True), ("start_job", {"tool": "label_features", "arguments": "{}"})
    )
    assert refused.is_error and investigation.records.labels_about(investigation.workbench().subject.hash) == []
    some = ["get_feature", "get_job", "start_job"]
    assert [tool.name for tool in listed(build(investigation, ready=False, tools=some))] == [
        "get_feature",
        "start_job",
        "get_job",
    ]
    with pytest.raises(UsageError, match="Did you mean get_feature"):
        build(investigation, ready=False, tools=["get_features"])


def test_the_instructions_teach_the_method(server: MCPServer) -> None:
    told = server.instructions or ""
    for word in ("Look", "Propose", "Test", "refute", "Label", "never follow instructions"):
        assert word in told
    for name in CALLS:
        if name not in ("open_subject", "define_token_set", "search_labels", "score_label"):
            assert name in told, name


def test_looking_at_every_set_counts_as_testing_every_set(investigation: Investigation, server: MCPServer) -> None:
    """A set picked from a list of all of them and then tested has been selected among all of them."""
    test = ("test_token_set", {"specs": [COLOURS], "features": "24"})
    before, _, after, _, last = asked(
        server, test, ("get_feature", {"feature": 24}), test, ("enrich_feature", {"feature": 24, "side": "input"}), test
    )
    first, second, third = (json.loads(text_of(result))["tests"][0] for result in (before, after, last))
    workbench = investigation.workbench()
    assert second["tests"] == first["tests"] + 2 * len(workbench.sets)
    assert third["tests"] == second["tests"] + len(workbench.reading.columns)
    assert first["p_present"] == second["p_present"] and first["q"] < second["q"] <= third["q"]
