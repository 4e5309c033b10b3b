"""How the labeling of a feature ended: always with one label, which says why where there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

from ...tools.storage.tables import Label

Reason = Literal[
    "refused",
    "budget of the feature",
    "context overflow",
    "malformed reply",
    "malformed call",
    "malformed label",
    "no label",
    "too many steps",
    "rate limited",
    "timeout",
    "unreachable",
    "rejected",
    "tool failure",
]


@dataclass(frozen=True)
class Outcome:
    """The final label of a feature and the messages that led to it."""

    label: Label
    messages: Sequence[Mapping[str, Any]]


class FailedError(Exception):
    """The labeling of a feature ended without a label; `reason` is what records keep."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason


def failed_label(feature: int, labeler: str, subject_hash: str, error: FailedError) -> Label:
    """The record of a feature that got no label: it has no text, claims nothing, and says why."""
    return Label(
        feature=feature,
        status="failed",
        text="",
        kind="",
        claim="none",
        reason=error.reason,
        provenance={
            "labeler": labeler,
            "version": version("tsea"),
            "subject": subject_hash,
            "message": str(error),
        },
    )
