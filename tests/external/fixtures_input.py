"""The tools and the prompt of the conformance suite that ask the client back: in one request, or in several rounds."""

from __future__ import annotations

import warnings
from typing import Any, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPDeprecationWarning
from mcp.types import (
    CallToolResult,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
    TextContent,
)

Round = CallToolResult | InputRequiredResult
T = TypeVar("T")


def register(server: MCPServer[Any]) -> None:
    """Add the fixtures to `server`, beside whatever it has."""
    _register_questions_within_a_call(server)
    _register_rounds(server)
    _register_rounds_with_state(server)


def _schema(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _question(message: str, **properties: dict[str, Any]) -> ElicitRequest:
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=_schema(**properties)))


def _messages(text: str) -> list[SamplingMessage]:
    return [SamplingMessage(role="user", content=TextContent(type="text", text=text))]


def _sample(text: str, max_tokens: int) -> CreateMessageRequest:
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=_messages(text), max_tokens=max_tokens))


def _ask(state: str | None = None, **requests: InputRequest) -> InputRequiredResult:
    return InputRequiredResult(input_requests=requests, request_state=state)


def _done(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)])


def _answer(ctx: Context[Any], key: str, kind: type[T]) -> T | None:
    answer = (ctx.input_responses or {}).get(key)
    return answer if isinstance(answer, kind) else None


NAME = _question("What is your name?", name={"type": "string"})
CONFIRM = _question("Please confirm", ok={"type": "boolean"})


def _register_questions_within_a_call(server: MCPServer[Any]) -> None:
    """The handshake era: the server sends a request while the call is open."""

    async def elicit(ctx: Context[Any], message: str, schema: dict[str, Any]) -> str:
        result = await ctx.session.elicit_form(message, schema, related_request_id=ctx.request_id)
        return f"Elicitation completed: action={result.action}, content={result.content}"

    @server.tool()
    async def test_sampling(prompt: str, ctx: Context[Any]) -> str:
        """Ask the client's LLM."""
        with warnings.catch_warnings():  # sampling within a call left the protocol in 2026-07-28
            warnings.simplefilter("ignore", MCPDeprecationWarning)
            result = await ctx.session.create_message(
                _messages(prompt), max_tokens=100, related_request_id=ctx.request_id
            )
        return f"LLM response: {result.content}"

    @server.tool()
    async def test_elicitation(message: str, ctx: Context[Any]) -> str:
        """Ask the user for a name and an address."""
        text = {"type": "string"}
        return await elicit(ctx, message, _schema(username=text, email=text))

    @server.tool()
    async def test_elicitation_sep1034_defaults(ctx: Context[Any]) -> str:
        """Ask with a default for each primitive type."""
        schema = _schema(
            name={"type": "string", "default": "John Doe"},
            age={"type": "integer", "default": 30},
            score={"type": "number", "default": 95.5},
            status={"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
            verified={"type": "boolean", "default": True},
        )
        return await elicit(ctx, "Please review", schema)

    @server.tool()
    async def test_elicitation_sep1330_enums(ctx: Context[Any]) -> str:
        """Ask with each way of writing an enumeration."""
        plain = ["option1", "option2", "option3"]
        titled = [{"const": f"value{n}", "title": f"Option {n}"} for n in (1, 2, 3)]
        schema = _schema(
            untitledSingle={"type": "string", "enum": plain},
            titledSingle={"type": "string", "oneOf": titled},
            legacyEnum={
                "type": "string",
                "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["Option 1", "Option 2", "Option 3"],
            },
            untitledMulti={"type": "array", "items": {"type": "string", "enum": plain}},
            titledMulti={"type": "array", "items": {"anyOf": titled}},
        )
        return await elicit(ctx, "Please choose", schema)


def _register_rounds(server: MCPServer[Any]) -> None:
    """The stateless era: the result says what is missing, and the client calls again with it."""

    @server.tool()
    async def test_input_required_result_elicitation(ctx: Context[Any]) -> Round:
        """Ask for a name, then greet."""
        answer = _answer(ctx, "user_name", ElicitResult)
        if answer is None or not answer.content:
            return _ask(user_name=NAME)
        return _done(f"Hello, {answer.content['name']}!")

    @server.tool()
    async def test_input_required_result_sampling(ctx: Context[Any]) -> Round:
        """Ask the client's LLM, then repeat what it said."""
        answer = _answer(ctx, "capital_question", CreateMessageResult)
        if answer is None:
            return _ask(capital_question=_sample("What is the capital of France?", 100))
        return _done(f"The LLM said: {answer.content}")

    @server.tool()
    async def test_input_required_result_list_roots(ctx: Context[Any]) -> Round:
        """Ask for the client's roots, then name them."""
        answer = _answer(ctx, "client_roots", ListRootsResult)
        if answer is None:
            return _ask(client_roots=ListRootsRequest())
        return _done(f"Roots: {[str(root.uri) for root in answer.roots]}")

    @server.tool()
    async def test_input_required_result_capabilities(ctx: Context[Any]) -> Round:
        """Ask only what the client says it can answer."""
        declared = ctx.client_capabilities
        requests: dict[str, InputRequest] = {}
        if declared is not None and declared.elicitation is not None:
            requests["user_name"] = NAME
        if declared is not None and declared.sampling is not None:
            requests["greeting"] = _sample("Generate a greeting", 50)
        return _ask(None, **requests) if requests and not ctx.input_responses else _done("Nothing to ask.")

    @server.prompt(description="A message written after a question.")
    async def test_input_required_result_prompt(ctx: Context[Any]) -> str | InputRequiredResult:
        answer = _answer(ctx, "user_context", ElicitResult)
        if answer is None or not answer.content:
            question = _question("What context should the prompt use?", context={"type": "string"})
            return _ask(user_context=question)
        return f"Use this context: {answer.content['context']}"


def _register_rounds_with_state(server: MCPServer[Any]) -> None:
    """As above, with a state that the client carries and cannot change: the SDK seals it."""

    @server.tool()
    async def test_input_required_result_request_state(ctx: Context[Any]) -> Round:
        """Confirm, with a state."""
        if ctx.request_state != "confirming":
            return _ask("confirming", confirm=CONFIRM)
        return _done("state-ok")

    @server.tool()
    async def test_input_required_result_tampered_state(ctx: Context[Any]) -> Round:
        """Confirm, with a state that the suite changes."""
        if ctx.request_state != "confirming":
            return _ask("confirming", confirm=CONFIRM)
        return _done("state-ok")

    @server.tool()
    async def test_input_required_result_multiple_inputs(ctx: Context[Any]) -> Round:
        """Ask three things at once."""
        if ctx.request_state != "asked":
            greeting = _sample("Generate a greeting", 50)
            return _ask("asked", user_name=NAME, greeting=greeting, client_roots=ListRootsRequest())
        return _done(f"Answered: {sorted(ctx.input_responses or {})}")

    @server.tool()
    async def test_input_required_result_multi_round(ctx: Context[Any]) -> Round:
        """Ask twice, one after the other."""
        if ctx.request_state is None:
            return _ask("named", step1=_question("Step 1: What is your name?", name={"type": "string"}))
        if ctx.request_state == "named":
            question = _question("Step 2: What is your favorite color?", color={"type": "string"})
            return _ask("colored", step2=question)
        return _done("Asked twice.")
