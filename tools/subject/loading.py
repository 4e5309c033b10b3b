"""Loading through other people's libraries: their advice silenced, their failures turned into one clear line."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import TseaError


@contextmanager
def loading(what: str) -> Iterator[None]:
    """Turn every failure inside into a TseaError that names `what` and says what to do.

    Warnings are dropped: they advise what this package does already, or repeat each failed attempt to reach the hub.
    """
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (TseaError, MemoryError):
        raise
    except Exception as error:
        raise TseaError(f"{what} could not be loaded: {_reason(error)}") from error
    finally:
        logging.disable(before)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _reason(error: Exception) -> str:
    """What went wrong and what to do; libraries wrap the hub's own error, so the whole chain of causes is read."""
    from huggingface_hub import constants, errors

    for cause in _causes(error):
        if isinstance(cause, errors.GatedRepoError):
            return "its hub page asks for its licence to be accepted; accept it there, then set HF_TOKEN."
        if isinstance(cause, errors.RepositoryNotFoundError):
            return f"the hub {constants.ENDPOINT} has no such repository, or it is private and HF_TOKEN is not set."
        if isinstance(cause, errors.RemoteEntryNotFoundError):
            return f"a file is missing in its hub repository ({_first_line(cause)})."
        if isinstance(cause, errors.HfHubHTTPError):
            return f"the hub {constants.ENDPOINT} answered with an error ({_first_line(cause)}); try again later."
    for cause in _causes(error):
        if isinstance(cause, ConnectionError | TimeoutError | errors.LocalEntryNotFoundError) or _is_transport(cause):
            return (
                f"the hub {constants.ENDPOINT} cannot be reached and the files are not cached; check the network and "
                "HF_ENDPOINT, or use pocket or local:FOLDER."
            )
    return _first_line(error)


def _is_transport(error: BaseException) -> bool:
    """Whether an HTTP client (httpx or its successors) failed to get any answer."""
    return any(kind.__name__ == "TransportError" for kind in type(error).__mro__)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
