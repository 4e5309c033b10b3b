"""The tools, resources and prompts that the conformance suite calls by name: contents, errors, progress, log, lists."""

from __future__ import annotations

import struct
import warnings
import zlib
from typing import Any

import anyio
from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.mcpserver import Audio, Context, Image, UserMessage
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPDeprecationWarning
from mcp.types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    ClientCapabilities,
    EmbeddedResource,
    EmptyResult,
    MissingRequiredClientCapabilityErrorData,
    SamplingCapability,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextResourceContents,
    UnsubscribeRequestParams,
)

PAUSE_S = 0.05  # the suite asks for notifications that are not all sent at once


def _png_of_one_pixel() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\x00\xff\x00\x00")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")


def _wav_of_silence() -> bytes:
    samples = b"\x80" * 8
    wave_format = struct.pack("<HHIIHH", 1, 1, 8000, 8000, 1, 8)
    body = b"WAVEfmt " + struct.pack("<I", 16) + wave_format + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body


PNG = _png_of_one_pixel()
WAV = _wav_of_silence()


def _text_resource(uri: str, text: str, mime_type: str = "text/plain") -> EmbeddedResource:
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


async def _log(ctx: Context[Any], text: str) -> None:
    with warnings.catch_warnings():  # log notifications left the protocol in 2026-07-28; the older set still asks
        warnings.simplefilter("ignore", MCPDeprecationWarning)
        await ctx.info(text)


def register(server: MCPServer[Any]) -> None:
    """Add the fixtures to `server`, beside whatever it has."""
    _register_tools(server)
    _register_signals(server)
    _register_resources(server)
    _register_prompts(server)
    _register_legacy_methods(server)


def _register_tools(server: MCPServer[Any]) -> None:
    @server.tool()
    def test_simple_text() -> str:
        """Return one text."""
        return "This is a simple text response for testing."

    @server.tool()
    def test_image_content() -> Image:
        """Return one image."""
        return Image(data=PNG, format="png")

    @server.tool()
    def test_audio_content() -> Audio:
        """Return one sound."""
        return Audio(data=WAV, format="wav")

    @server.tool()
    def test_embedded_resource() -> EmbeddedResource:
        """Return a resource inside the result."""
        return _text_resource("test://embedded-resource", "This is an embedded resource content.")

    @server.tool(structured_output=False)
    def test_multiple_content_types() -> list[Any]:
        """Return a text, an image and a resource."""
        resource = _text_resource("test://mixed-content-resource", '{"test":"data","value":123}', "application/json")
        return ["Multiple content types test:", Image(data=PNG, format="png"), resource]

    @server.tool()
    def test_error_handling() -> str:
        """Fail on purpose."""
        raise ToolError("This tool intentionally returns an error for testing")

    @server.tool()
    async def test_tool_with_progress(ctx: Context[Any]) -> str:
        """Report progress three times."""
        for done in (0, 50, 100):
            await ctx.report_progress(done, 100)
            await anyio.sleep(PAUSE_S)
        return "Done in three steps."

    @server.tool()
    async def test_tool_with_logging(ctx: Context[Any]) -> str:
        """Send three log messages."""
        for text in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            await _log(ctx, text)
            await anyio.sleep(PAUSE_S)
        return "Logged three messages."


def _register_signals(server: MCPServer[Any]) -> None:
    """What `server-stateless` calls: a missing capability, one log line, a streamed answer, changes of the lists."""

    @server.tool()
    async def test_missing_capability(ctx: Context[Any]) -> str:
        """Need a client that can sample."""
        declared = ctx.client_capabilities
        if declared is None or declared.sampling is None:
            needed = MissingRequiredClientCapabilityErrorData(
                required_capabilities=ClientCapabilities(sampling=SamplingCapability())
            )
            raise MCPError(
                code=MISSING_REQUIRED_CLIENT_CAPABILITY,
                message="This tool needs a client that can sample.",
                data=needed.model_dump(by_alias=True, exclude_none=True),
            )
        return "The client can sample."

    @server.tool()
    async def test_logging_tool(ctx: Context[Any]) -> str:
        """Log one line, which reaches only a client that asked for it."""
        await _log(ctx, "One line.")
        return "Logged."

    @server.tool()
    async def test_streaming_elicitation(ctx: Context[Any]) -> str:
        """Answer on a stream on which the server asks nothing."""
        await ctx.report_progress(1, 1)
        return "Answered."

    @server.tool()
    async def test_trigger_tool_change(ctx: Context[Any]) -> str:
        """Say that the list of tools changed."""
        await ctx.notify_tools_changed()
        return "Said so."

    @server.tool()
    async def test_trigger_prompt_change(ctx: Context[Any]) -> str:
        """Say that the list of prompts changed."""
        await ctx.notify_prompts_changed()
        return "Said so."


def _register_resources(server: MCPServer[Any]) -> None:
    @server.resource("test://static-text", name="static-text", description="A text.", mime_type="text/plain")
    def static_text() -> str:
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", name="static-binary", description="A pixel.", mime_type="image/png")
    def static_binary() -> bytes:
        return PNG

    @server.resource("test://template/{id}/data", name="template", description="By id.", mime_type="application/json")
    def template(id: str) -> dict[str, Any]:
        return {"id": id, "templateTest": True, "data": f"Data for ID: {id}"}

    @server.resource("test://watched-resource", name="watched", description="One to watch.", mime_type="text/plain")
    def watched() -> str:
        return "Never changes."


def _register_prompts(server: MCPServer[Any]) -> None:
    @server.prompt(description="One message.")
    def test_simple_prompt() -> str:
        return "This is a simple prompt for testing."

    @server.prompt(description="A message with two arguments.")
    def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @server.prompt(description="A message with a resource in it.")
    def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:
        return [
            UserMessage(_text_resource(resourceUri, "Embedded resource content for testing.")),
            UserMessage("Please process the embedded resource above."),
        ]

    @server.prompt(description="A message with an image.")
    def test_prompt_with_image() -> list[UserMessage]:
        return [UserMessage(Image(data=PNG, format="png")), UserMessage("Please analyze the image above.")]


def _register_legacy_methods(server: MCPServer[Any]) -> None:
    """Methods of the handshake era that tsea does not offer (deprecated since) and the older set requires."""

    async def accept(ctx: Any, params: Any) -> EmptyResult:
        return EmptyResult()

    handlers = server._lowlevel_server
    handlers.add_request_handler("logging/setLevel", SetLevelRequestParams, accept)
    handlers.add_request_handler("resources/subscribe", SubscribeRequestParams, accept)
    handlers.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, accept)
