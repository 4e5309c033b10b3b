"""How many tokens a request will take, before the server has counted them."""

from __future__ import annotations

import math
from collections import defaultdict

from .messages import AnyRequest

BYTES_PER_TOKEN = 4.0  # of English text and JSON, before the first reply
_WEIGHT = 1000  # tokens for which that guess stands beside what replies report


class TokenEstimate:
    """Tokens by bytes of JSON in UTF-8, at the rate that the model's replies so far have reported."""

    def __init__(self) -> None:
        self._bytes: dict[str, float] = defaultdict(lambda: _WEIGHT * BYTES_PER_TOKEN)
        self._tokens: dict[str, float] = defaultdict(lambda: float(_WEIGHT))

    def prompt(self, request: AnyRequest) -> int:
        """Tokens that the prompt of a request will take."""
        return self._of(request.model, len(request.data))

    def text(self, model: str, text: str) -> int:
        """Tokens of a text."""
        return self._of(model, len(text.encode("utf-8", "replace")))

    def learn(self, request: AnyRequest, prompt_tokens: int) -> None:
        """Note what the server counted for a prompt."""
        self._bytes[request.model] += len(request.data)
        self._tokens[request.model] += prompt_tokens

    def _of(self, model: str, size: int) -> int:
        return math.ceil(size * self._tokens[model] / self._bytes[model])
