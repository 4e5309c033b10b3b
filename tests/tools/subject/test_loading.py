from __future__ import annotations

import logging
import warnings

import pytest

from tsea.tools.errors import TseaError, UsageError
from tsea.tools.subject.loading import loading


def _http_error(kind: type[Exception]) -> Exception:
    import httpx2

    response = httpx2.Response(403, request=httpx2.Request("HEAD", "http://127.0.0.1:9/x"))
    return kind("403 Client Error\nmore", response=response)  # type: ignore[call-arg]


def _raised(error: BaseException, cause: BaseException | None = None) -> str:
    with pytest.raises(TseaError) as caught, loading("Model m"):
        raise error from cause
    assert caught.value.__cause__ is error
    message = str(caught.value)
    assert message.startswith("Model m could not be loaded: ") and "\n" not in message
    return message


def test_each_answer_of_the_hub_becomes_one_line_that_says_what_to_do() -> None:
    from huggingface_hub import errors

    assert "licence" in _raised(_http_error(errors.GatedRepoError))
    assert "no such repository" in _raised(_http_error(errors.RepositoryNotFoundError))
    assert "a file is missing" in _raised(_http_error(errors.RemoteEntryNotFoundError))
    assert "try again later" in _raised(_http_error(errors.HfHubHTTPError))


def test_a_hub_out_of_reach_is_recognised_behind_the_libraries_own_errors() -> None:
    import httpx2

    wrapped = _raised(OSError("We couldn't connect"), httpx2.ConnectError("refused"))
    assert "cannot be reached" in wrapped and "pocket" in wrapped


def test_other_failures_keep_their_first_line() -> None:
    assert _raised(RuntimeError("\n size mismatch for x\nand much more")).endswith("size mismatch for x")
    assert _raised(ValueError()).endswith("ValueError")


def test_our_own_errors_pass_unchanged() -> None:
    with pytest.raises(UsageError, match="^as it is$"), loading("Model m"):
        raise UsageError("as it is")


def test_advice_is_silenced_inside_and_only_there() -> None:
    logger = logging.getLogger("huggingface_hub")
    with loading("Model m"):
        warnings.warn("do what tsea does already", UserWarning, stacklevel=1)
        assert not logger.isEnabledFor(logging.WARNING)
    assert logger.isEnabledFor(logging.WARNING)
    with pytest.warns(UserWarning, match="seen"):
        warnings.warn("seen", UserWarning, stacklevel=1)
