from __future__ import annotations

import pytest

from tsea.labeler.llm.messages import Request
from tsea.labeler.llm.tokens import TokenEstimate


def request(characters: int, model: str = "m") -> Request:
    return Request(model, [{"role": "user", "content": "x" * characters}])


def test_a_token_is_four_bytes_until_replies_say_otherwise() -> None:
    estimate = TokenEstimate()
    assert estimate.prompt(request(4000)) == -(-len(request(4000).data) // 4)
    assert estimate.text("m", "Ġ" * 10) == 5


def test_the_estimate_comes_to_what_the_server_counts() -> None:
    estimate = TokenEstimate()
    asked = request(8000)
    for _ in range(40):
        estimate.learn(asked, len(asked.data) // 2)  # two bytes a token
    assert estimate.prompt(asked) == pytest.approx(len(asked.data) / 2, rel=0.02)
    assert estimate.text("m", "x" * 1000) == pytest.approx(500, rel=0.02)


def test_one_model_says_nothing_of_another() -> None:
    estimate = TokenEstimate()
    before = estimate.prompt(request(4000, "n"))
    estimate.learn(request(80_000), 80_000)
    assert estimate.prompt(request(4000, "n")) == before
