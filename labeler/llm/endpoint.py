"""Where requests go, and the key for it: from the environment, never kept anywhere else."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from ...tools.errors import UsageError, shortened
from .errors import NoKeyError

OPENAI = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENAI_API_KEY"
NO_KEY = "none"  # what a server on this machine gets, which rarely wants one


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible server, the environment variable that holds its key, and timeouts in seconds.

    Raises UsageError for a base URL that is none, or that holds a password.
    """

    base_url: str = OPENAI
    key_variable: str = KEY_VARIABLE
    connect_seconds: float = 10.0
    call_seconds: float = 180.0

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.base_url)
            valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            parts, valid = None, False
        if parts is not None and (parts.username or parts.password or parts.query):
            raise UsageError(
                f"The base URL holds a name, a password or a query: leave them out, and set {self.key_variable} to the"
                " key."
            )
        if not valid:
            raise UsageError(f"{shortened(self.base_url)} is no base URL: write one such as {OPENAI}.")
        if not (self.connect_seconds > 0 and self.call_seconds > 0):
            raise UsageError("Timeouts must be above 0 seconds.")

    def key(self) -> str:
        """The key as the environment has it; servers on this machine need none. Raises NoKeyError."""
        key = os.environ.get(self.key_variable, "").strip()
        if not key and self._on_this_machine():
            return NO_KEY
        if not key:
            raise NoKeyError(
                f"{self.base_url} needs a key: set the environment variable {self.key_variable} to it (to any text for "
                "a server that wants none)."
            )
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise NoKeyError(
                f"What {self.key_variable} holds is no key: keys are one word of ASCII characters. Set it again."
            )
        return key

    def _on_this_machine(self) -> bool:
        host = urlsplit(self.base_url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"
