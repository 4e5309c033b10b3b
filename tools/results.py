"""Results that every front door returns: the fields here are the documented JSON contract."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, Field

FeatureClass = Literal["local context", "partition", "prediction", "suppression", "unclassified"]
Side = Literal["promoted", "suppressed"]


def finite(value: float) -> float | None:
    """The value as JSON knows it: None for NaN and infinities."""
    return float(value) if math.isfinite(value) else None


class TokenWeight(BaseModel):
    """One token with its logit weight; `token` shows spaces as ␣."""

    token: str
    id: int
    weight: float


class FeatureStats(BaseModel):
    """Moments of a feature's logit weights over the universe, its class, and its most extreme open tokens."""

    feature: int
    mean: float
    std: float
    skewness: float | None
    kurtosis: float | None
    feature_class: FeatureClass = Field(serialization_alias="class")
    top: list[TokenWeight]
    bottom: list[TokenWeight]


class EnrichmentRow(BaseModel):
    """One statistic of one set on one side of one feature, over open tokens.

    `value` is the statistic on that side (mass in nats, mean standardised weight, ES+ or |ES-|), `leading_edge` its 20
    most extreme members up to the peak of the running sum. `nes` and `p_random` exist where an exact random-set null
    does (ES with p = 0); `q` is the level at which the run-wide rule would select the row, from the present null. A
    direction-null p is never below 1 / (reference directions + 1).
    """

    feature: int
    set: str
    size: int
    statistic: Literal["mass", "mean", "es_p0", "es_p1"]
    side: Side
    value: float | None
    es: float | None = None
    es_pos: float | None = None
    es_neg: float | None = None
    nes: float | None = None
    p_random: float | None = None
    p_present: float | None
    p_specific: float | None
    q: float | None
    leading_edge: list[str] | None = None


class ClassProportion(BaseModel):
    """How many features of a dictionary belong to a class, beside the share of matched random directions that do."""

    feature_class: FeatureClass = Field(serialization_alias="class")
    features: int
    share: float
    random_share: float


class ListedSet(BaseModel):
    """A set of the library: its tokens, those of the open universe, and whether these are neither too few nor too
    many."""

    name: str
    family: str
    size: int
    open: int
    testable: bool
    description: str
    source: str
    licence: str
