"""How many tokens a request will take, before the server has counted them."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

BYTES_PER_TOKEN = 4.0  # of English text and JSON, before the first reply
_WEIGHT = 1000  # tokens for which that guess stands beside what replies report


class TokenEstimate:
    """Tokens of texts by their UTF-8 bytes, at the rate that the model's replies so far have reported."""

    def __init__(self) -> None:
        self._bytes: dict[str, float] = defaultdict(lambda: _WEIGHT * BYTES_PER_TOKEN)
        self._tokens: dict[str, float] = defaultdict(lambda: float(_WEIGHT))

    def prompt(self, body: Mapping[str, Any]) -> int:
        """Tokens that the prompt of a chat completion's body will take."""
        return self._of(body["model"], _prompt_bytes(body))

    def text(self, model: str, text: str) -> int:
        """Tokens of a text."""
        return self._of(model, _length(text))

    def learn(self, body: Mapping[str, Any], prompt_tokens: int) -> None:
        """Note what the server counted for a prompt."""
        self._bytes[body["model"]] += _prompt_bytes(body)
        self._tokens[body["model"]] += prompt_tokens

    def _of(self, model: str, size: int) -> int:
        return math.ceil(size * self._tokens[model] / self._bytes[model])


def _prompt_bytes(body: Mapping[str, Any]) -> int:
    asked = {name: body[name] for name in ("messages", "tools", "response_format") if name in body}
    return _length(json.dumps(asked, ensure_ascii=False, separators=(",", ":")))


def _length(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
