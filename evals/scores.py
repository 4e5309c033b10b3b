"""What is scored and what comes of it: statements about features, and scores with the number of items behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..tools.inputs.spec import InputSpec, parse_input_spec
from ..tools.storage.tables import Label
from ..tools.token_sets.spec import TokenSetSpec, parse_spec


@dataclass(frozen=True)
class Statement:
    """What a label says: its text, and the claims in it that a program can test."""

    text: str = ""
    promotes: tuple[TokenSetSpec, ...] = ()
    suppresses: tuple[TokenSetSpec, ...] = ()
    fires: tuple[InputSpec, ...] = ()

    @classmethod
    def of(cls, label: Label) -> Statement:
        """What a label claims; the empty statement where it claims nothing, or failed.

        Hypotheses that were submitted and did not stand are none of its claims. Raises UsageError for specifications
        that cannot be read.
        """
        if label.status != "labelled":
            return EMPTY
        claimed = [one for one in label.hypotheses if one.get("claim") != "none"]

        def sets(direction: str) -> tuple[TokenSetSpec, ...]:
            return tuple(parse_spec(one["spec"]) for one in claimed if one["direction"] == direction)

        inputs = tuple(parse_input_spec(one["spec"]) for one in claimed if one["side"] == "input")
        return cls(label.text, sets("promotes"), sets("suppresses"), inputs)


EMPTY = Statement()


@dataclass(frozen=True)
class Score:
    """What one statement earned on one feature from `n` items; `value` is None where `unscored` says why not."""

    value: float | None
    n: int = 0
    unscored: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.value is None) == (self.unscored is None):
            raise ValueError("a score has either a value or a reason why there is none")


@dataclass(frozen=True)
class FeatureScores:
    """The score of one feature's label by one scorer, beside those of its controls by name.

    `abstained`: the label claims nothing on the scorer's side, and scores chance.
    """

    feature: int
    label: Score
    controls: Mapping[str, Score]
    abstained: bool
