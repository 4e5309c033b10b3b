"""What was said about each feature of a run: JSON lines, one message each, and the same for people."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...tools.errors import UsageError
from ...tools.files import atomic_write
from ...tools.inert import inert
from ...tools.storage.home import home
from ...tools.storage.tables import Run

_LONGEST = 20_000


def transcript_path(run: Run, feature: int) -> Path:
    """Where the transcript of a feature is."""
    return home() / "runs" / run.config_hash / "transcripts" / f"{feature}.jsonl"


def keep_transcript(run: Run, feature: int, messages: Sequence[Mapping[str, Any]]) -> None:
    """Write the messages about a feature, in place of those of an attempt before."""
    lines = "".join(f"{json.dumps(message, ensure_ascii=False)}\n" for message in messages)
    atomic_write(transcript_path(run, feature), lines.encode("utf-8", "replace"))


def read_transcript(run: Run, feature: int) -> list[dict[str, Any]]:
    """The messages about a feature; raises UsageError where there are none."""
    path = transcript_path(run, feature)
    if not path.exists():
        raise UsageError(
            f"Run {run.name} has no transcript of feature {feature}: `tsea runs show {run.name}` says how it was made."
        )
    return [json.loads(line) for line in path.read_text().splitlines()]


def delete_transcripts(run: Run) -> None:
    """Delete what was said about all features of a run."""
    shutil.rmtree(transcript_path(run, 0).parent, ignore_errors=True)


def as_markdown(messages: Sequence[Mapping[str, Any]]) -> str:
    """The messages as Markdown: who spoke, what was said, and which tools were called with what."""
    parts: list[str] = []
    for message in messages:
        said = [inert(str(message["content"]), _LONGEST)] if message.get("content") else []
        for call in message.get("tool_calls", ()):
            function = call["function"]
            said.append(f"**{inert(function['name'])}** {_code(inert(function['arguments'], _LONGEST))}")
        body = "\n\n".join(_code(text) if message["role"] == "tool" else text for text in said)
        parts.append(f"## {message['role']}\n\n{body or '(nothing)'}\n")
    return "\n".join(parts)


def _code(text: str) -> str:
    """Text as it stands, in a fence longer than any in it."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"\n{fence}\n{text}\n{fence}"
