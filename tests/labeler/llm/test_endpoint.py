from __future__ import annotations

import pytest

from tsea.labeler.llm.endpoint import NO_KEY, Endpoint
from tsea.labeler.llm.errors import NoKeyError
from tsea.tools.errors import UsageError


def test_the_key_is_what_the_environment_holds(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    assert Endpoint().key() == key
    monkeypatch.setenv("ROUTER_KEY", "  another\n")
    assert Endpoint("https://llm.example/v1", "ROUTER_KEY").key() == "another"


@pytest.mark.parametrize("value", ["", "  "])
def test_without_a_key_the_variable_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", value)
    with pytest.raises(NoKeyError, match="api.openai.com.* set the environment variable OPENAI_API_KEY") as error:
        Endpoint().key()
    assert error.value.reason == "no key"
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(NoKeyError):
        Endpoint("http://192.0.2.1:8000/v1").key()


@pytest.mark.parametrize("host", ["localhost:11434", "127.0.0.1:8000", "[::1]:8000"])
def test_a_server_on_this_machine_needs_no_key(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert Endpoint(f"http://{host}/v1").key() == NO_KEY


@pytest.mark.parametrize("value", ["two words", "schlüssel", "a\nb", "a\x7fb"])
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", value)
    with pytest.raises(NoKeyError, match="OPENAI_API_KEY holds is no key") as error:
        Endpoint().key()
    assert value not in str(error.value)


@pytest.mark.parametrize(
    "url", ["", "localhost:8000", "ftp://host/v1", "http://", "http://host:none/v1", "http://[::1/v1"]
)
def test_a_base_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="is no base URL: write one such as https://api.openai.com/v1"):
        Endpoint(url)


@pytest.mark.parametrize("url", ["https://me:hidden@host/v1", "https://host/v1?key=hidden"])
def test_a_base_url_with_a_secret_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(UsageError, match="leave them out") as error:
        Endpoint(url)
    assert "hidden" not in str(error.value)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_timeouts_are_above_zero(seconds: float) -> None:
    with pytest.raises(UsageError, match="above 0"):
        Endpoint(call_seconds=seconds)
