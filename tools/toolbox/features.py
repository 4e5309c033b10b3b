"""Tools that find features and say what is known of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ..errors import UsageError
from ..features import require_feature
from ..paging import page
from ..tool import MAX_TEXT, Answer, Cursor, Detail, Feature, SubjectArguments, Tool

if TYPE_CHECKING:
    from ..investigation import Investigation
    from ..results import EnrichmentRow, FeatureStats, TokenWeight
    from ..storage.tables import Label
    from ..workbench import Workbench

_FOUND = 500  # features that a search lists, over all pages
_SEVERAL = {"concise": 5, "detailed": 15}
_NOTE = (
    "tokens with their centred logit weights; percentile: live features with less; sets: mass in nats, q over all sets "
    "(present null); density: firings per token of the open documents."
)
_MOMENTS = ("std", "skewness", "kurtosis")  # the mean is 0 by the convention


class FindFeatures(SubjectArguments):
    """Arguments of find_features."""

    text: str = Field("", max_length=MAX_TEXT, description="Features that this text makes fire, strongest first.")
    token: str = Field("", max_length=200, description="With text: at this token of it alone, ' red' with its space.")
    select: str = Field(
        "",
        max_length=300,
        description="Features by number or statistic: 7, 0-63, top:20:skewness (or mean, std, kurtosis, bimodality, "
        "density), class:prediction, density:1e-4..1e-2.",
    )
    token_set: str = Field(
        "", max_length=MAX_TEXT, description="Features that promote this token set most: a library name, or JSON."
    )
    limit: Annotated[int, Field(ge=1, le=100, description="Features on a page.")] = 20
    cursor: Cursor = ""


class GetFeature(SubjectArguments):
    """Arguments of get_feature."""

    feature: Feature
    detail: Detail = "concise"


def find_features(investigation: Investigation, given: FindFeatures) -> Answer:
    """Features by text, by selector or by a set that they promote."""
    if sum(map(bool, (given.text, given.select, given.token_set))) != 1:
        raise UsageError(
            'find_features: give exactly one of text, select and token_set, as in {"text": "a red car"} or '
            '{"select": "top:20:skewness"}.'
        )
    workbench = investigation.workbench(given.subject)
    if given.text:
        found = workbench.activity.find(given.text, given.token or None, _FOUND)
        rows: list[Any] = [row.model_dump(exclude={"subject"}) for row in found]
    elif given.select:
        rows = workbench.select(given.select).tolist()
    else:
        rows = _promoting(workbench, investigation.spec(given.token_set, given.subject))
    shown, more = page(
        rows, given.limit, given.cursor, given.subject, given.text, given.token, given.select, given.token_set
    )
    if given.select and shown:
        import numpy as np

        shown = [_brief(stats) for stats in workbench.stats(np.array(shown))]
    return Answer({"features": shown, **more} | _what_is_shown(given))


def get_feature(investigation: Investigation, given: GetFeature) -> Answer:
    """All that is known of one feature at a glance."""
    import numpy as np

    workbench = investigation.workbench(given.subject)
    feature = require_feature(given.feature, workbench.subject.n_features)
    most, chosen = _SEVERAL[given.detail], np.array([feature])
    stats = next(workbench.stats(chosen))
    content: dict[str, Any] = {
        "feature": feature,
        "class": stats.feature_class,
        "alive": bool(workbench.subject.alive[feature]),
        "moments": _moments(workbench, stats),
        "promotes": _tokens(stats.top, given.detail),
        "suppresses": _tokens(stats.bottom, given.detail),
        "sets": [set_line(row) for row in strongest(investigation, given.subject, feature)[:most]],
    }
    if workbench.subject.encoder is not None:
        content |= _firing(workbench, feature)
    content["neighbours"] = _neighbours(investigation, workbench, feature, given)
    content["labels"] = [_label(*one) for one in _labels(investigation, workbench, [feature])[:3]]
    content["note"] = _NOTE
    if given.detail == "detailed":
        content["direct_effect"] = workbench.direct_effect(feature) or "unknown: it never fires on the open documents"
    return Answer(content)


def strongest(investigation: Investigation, subject: str, feature: int, sets: str = "*") -> list[EnrichmentRow]:
    """Rows of the mass of one feature's sets, smallest q first, those that a stronger one explains last.

    They count in the run's ledger: who looks at all sets, and then tests the best of them, has made all these tests.
    """
    import numpy as np

    found = investigation.workbench(subject).enrich(np.array([feature]), sets, mass_only=True)
    rows = [row for row in next(investigation.ledger(subject).library(found)) if row.value is not None]
    return sorted(rows, key=lambda r: (r.explained_by is not None, 1.0 if r.q is None else r.q, -(r.value or 0)))


def set_line(row: EnrichmentRow) -> dict[str, Any]:
    """A row of enrichment as tools give it."""
    names = ("set", "side", "size", "p_present", "p_specific", "q", "explained_by")
    return (
        {"mass": row.value}
        | {name: getattr(row, name) for name in names}
        | ({"circular": True} if row.circular else {})
    )


def token_list(tokens: list[TokenWeight]) -> list[list[Any]]:
    """Tokens with their weights, in order."""
    return [[token.token, token.weight] for token in tokens]


def _tokens(tokens: list[TokenWeight], detail: str) -> list[list[Any]]:
    return token_list(tokens if detail == "detailed" else tokens[:8])


def _brief(stats: FeatureStats) -> dict[str, Any]:
    return {
        "feature": stats.feature,
        "class": stats.feature_class,
        "std": stats.std,
        "skewness": stats.skewness,
        "kurtosis": stats.kurtosis,
        "promotes": [token.token for token in stats.top[:5]],
    }


def _moments(workbench: Workbench, stats: FeatureStats) -> dict[str, dict[str, float | None]]:
    """Moments, and the percentage of live features that have a smaller one."""
    import numpy as np

    alive, dictionary = workbench.subject.alive, workbench.shapes.dictionary.moments

    def percentile(name: str, value: float | None) -> float | None:
        return None if value is None else float(100 * np.mean(getattr(dictionary, name)[alive] < value))

    values = {name: getattr(stats, name) for name in _MOMENTS}
    return {name: {"value": value, "percentile": percentile(name, value)} for name, value in values.items()}


def _firing(workbench: Workbench, feature: int) -> dict[str, Any]:
    """How often it fires, where an index says so; nobody who asks what it promotes waits for one."""
    from ..activations.indexing import can_open_index, has_index

    if not has_index(workbench.subject):
        made = "get_examples makes it" if can_open_index(workbench.subject) else "describe_subject says how to make it"
        return {"fires": f"unknown: there is no activation index yet ({made})"}
    return {"fires": workbench.activity.summary(feature).model_dump(exclude={"feature", "histogram"})}


def _neighbours(
    investigation: Investigation, workbench: Workbench, feature: int, given: GetFeature
) -> list[dict[str, Any]]:
    """The nearest features by decoder row, each with the newest label that it has."""
    from ..statistics.directions import nearest_to

    others, cosines = nearest_to(workbench.subject.decoder, feature, _SEVERAL[given.detail])
    labels: dict[int, str] = {}
    for label, _ in _labels(investigation, workbench, others.tolist()):
        labels.setdefault(label.feature, label.text)
    return [
        {"feature": int(other), "cosine": float(cosine), "label": labels.get(int(other))}
        for other, cosine in zip(others, cosines, strict=True)
    ]


def _labels(investigation: Investigation, workbench: Workbench, features: list[int]) -> list[tuple[Label, str]]:
    return investigation.records.labels_about(workbench.subject.hash, features=features)


def _label(label: Label, run: str) -> dict[str, Any]:
    return {"id": label.id, "run": run, "text": label.text, "claim": label.claim, "status": label.status}


def _promoting(workbench: Workbench, spec: Any) -> list[dict[str, Any]]:
    """Features by how unlikely the mass of a set is in them under the present null."""
    import numpy as np

    tested = workbench.test_set(np.arange(workbench.subject.n_features), spec)
    masses = [row for rows in tested for row in rows if row.statistic == "mass" and row.p is not None]
    best = sorted(masses, key=lambda row: (row.p, -(row.value or 0)))[:_FOUND]
    return [{"feature": row.feature, "side": row.side, "mass": row.value} for row in best]


def _what_is_shown(given: FindFeatures) -> dict[str, str]:
    if given.text:
        return {"note": "normalised: activation over the feature's maximum on the index; strongest in this first."}
    if given.token_set:
        return {"note": "most unlikely mass first; a search is no test: test_token_set is."}
    return {}


FEATURE_TOOLS: list[Tool[Any]] = [
    Tool(
        "find_features",
        "Find features",
        "Features that fire in a text, that a statistic or class selects, or that promote a token set most. Give one "
        "of text, select and token_set.",
        FindFeatures,
        find_features,
    ),
    Tool(
        "get_feature",
        "Look at a feature",
        "One feature at a glance: moments of its logit weights with their percentiles in the dictionary, class, the "
        "tokens it promotes and suppresses most (open ones), its strongest token sets, how often it fires, nearest "
        "features with their labels, labels it has. detailed adds how far logit weights foretell the measured effect.",
        GetFeature,
        get_feature,
    ),
]
