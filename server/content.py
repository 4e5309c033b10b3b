"""From what tools answer to what clients are sent: the same facts as text and as structured content."""

from __future__ import annotations

import base64

from mcp.types import CallToolResult, ImageContent, TextContent

from ..tools.inert import plain_data
from ..tools.tool import Answer
from .views import PLOT_META


def tool_result(answer: Answer, *, with_plot: bool = False) -> CallToolResult:
    """The result of a call: compact JSON as text, and as structured content where no picture goes with it.

    Several clients hand their model the structured content alone where there is any, and a picture beside it would be
    lost. Raises TseaError for an answer that is too long.
    """
    text = answer.text
    # The view draws with all digits, and sets texts as texts.
    meta = {PLOT_META: answer.plot} if with_plot and answer.plot is not None else None
    if answer.picture is None:
        return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=answer.data, _meta=meta)
    image = ImageContent(type="image", data=base64.b64encode(answer.picture).decode(), mime_type="image/png")
    return CallToolResult(content=[TextContent(type="text", text=text), image], _meta=meta)


def error_result(message: str) -> CallToolResult:
    """A call that failed: the line that says what to do next."""
    return CallToolResult(content=[TextContent(type="text", text=str(plain_data(message)))], is_error=True)
