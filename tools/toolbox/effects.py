"""The tool that measures what a feature changes in the model's predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from ..definitions import short_name
from ..tool import MAX_TEXT, Answer, Detail, Feature, SubjectArguments, Tool

if TYPE_CHECKING:
    from ..investigation import Investigation
    from ..results import ChangedToken, EffectResult

_SHOWN = {"concise": 8, "detailed": 20}
_SETTING = ("feature", "operation", "strength", "scale", "tokens", "acting", "random")
_OVERALL = ("kl", "loss_change", "kl_acting", "loss_change_acting")


class MeasureEffect(SubjectArguments):
    """Arguments of measure_effect."""

    feature: Feature
    operation: Literal["steer", "ablate"] = Field(
        "steer", description="steer: add the feature at every token; ablate: take its part out where it fires."
    )
    texts: list[Annotated[str, Field(min_length=1, max_length=4_000)]] = Field(
        [], max_length=16, description="Texts to measure on; none: contexts of the index."
    )
    strength: float = Field(1.0, ge=-100, le=100, description="steer: in units of the feature's largest activation.")
    token_sets: list[Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]] = Field(
        [], max_length=8, description="Token sets to watch, written as for test_token_set."
    )
    detail: Detail = "concise"


def measure_effect(investigation: Investigation, given: MeasureEffect) -> Answer:
    """What steering or ablating a feature changes."""
    from ..token_sets.spec import parse_spec

    workbench = investigation.workbench(given.subject)
    sets = [parse_spec(investigation.spec(written, given.subject)) for written in given.token_sets]
    texts = given.texts or None
    if given.operation == "steer":
        found = workbench.steer(given.feature, texts, strength=given.strength, sets=sets)
    else:
        found = workbench.ablate(given.feature, texts, sets=sets)
    names = {spec.to_json(): short_name(written, spec) for written, spec in zip(given.token_sets, sets, strict=True)}
    return Answer(_effect(found, names, _SHOWN[given.detail]))


def _effect(found: EffectResult, names: Mapping[str, Any], most: int) -> dict[str, Any]:
    overall = {name: getattr(found, name).model_dump() for name in _OVERALL if getattr(found, name) is not None}
    return {
        **{name: getattr(found, name) for name in _SETTING},
        **overall,
        "promoted": [_token(one) for one in found.promoted[:most]],
        "suppressed": [_token(one) for one in found.suppressed[:most]],
        "sets": [one.model_dump() | {"set": names.get(one.set, one.set)} for one in found.sets],
        "notes": found.notes,
        "units": "nats; p: random directions of the same norm that change as much.",
    }


def _token(one: ChangedToken) -> dict[str, Any]:
    return one.model_dump(include={"token", "change", "p", "p_any"})


EFFECT_TOOLS: list[Tool[Any]] = [
    Tool(
        "measure_effect",
        "Measure a causal effect",
        "Steer or ablate a feature in the running model and measure what changes in the next-token predictions, "
        "beside random directions of the same norm: whether what logit weights say is what the model does.",
        MeasureEffect,
        measure_effect,
    )
]
