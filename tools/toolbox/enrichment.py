"""Tools that test token sets: all of the library, or hypotheses that somebody writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from ..errors import UsageError
from ..features import require_feature
from ..inert import brief
from ..paging import page
from ..tool import MAX_TEXT, Answer, Cursor, Detail, Feature, SubjectArguments, Tool
from .features import set_line, strongest

if TYPE_CHECKING:
    import numpy as np

    from ..investigation import Investigation
    from ..results import InputTestRow, RankedToken, Rival, SetDetails, SetTestRow
    from ..workbench import Workbench
    from ..written_sets import WrittenSet

NULLS: tuple[Literal["present", "specific"], ...] = ("present", "specific")
_LEGEND = (
    "The mass (nats) and its q decide; q is of p_present, q_specific of p_specific, over all tests of the feature in "
    "the run (tests: p-values, ten or so for each set); at_most: p that are upper bounds, no reference direction goes "
    "further. Tokens are [token, logit weight, rank]. not_elevated: members "
    "in the lower half; missed: top tokens outside. rivals: a is your set, b the rival; a_minus_b is what yours has "
    "beyond it (mean: standardised weight of those tokens, partial: correlation beyond the other set)."
)
_INPUT_LEGEND = (
    "share of the feature's strongest firings (so many, weighed by rank) that fit, base: of all tokens; p against "
    "random encoder directions, q over all tests of the feature in the run."
)
_TOKENS = {"concise": 6, "detailed": 20}
_Specs = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]],
    Field(min_length=1, max_length=8),
]
_Features = Annotated[
    str,
    Field(min_length=1, max_length=300, description="7, 3,9,40-50, class:prediction, or all for the whole dictionary."),
]
_SPEC = (
    'Token sets, each a library name (regex.all_caps) or JSON text: {"words": [" red"], "variants": "all"}, '
    '{"suffix": "ing"}, {"prefix": "un"}, {"contains": "th"}, {"regex": " ?[0-9]+$"}, {"pos": "VBD"}, {"script": '
    '"Greek"}, {"length": [1, 3]}, joined as {"any": [a, b]}, {"all": [a, b]}, {"not": a}, {"minus": [a, b]}. A '
    "leading space counts."
)
_INPUT_SPEC = (
    'Hypotheses as JSON text about where it fires, SET as in test_token_set: {"token": SET}, {"previous": SET, '
    '"within": 5}, {"next": SET}, {"text": "regular expression"}, {"position": [0, 3]}, joined by any, all, not.'
)


class EnrichFeature(SubjectArguments):
    """Arguments of enrich_feature."""

    feature: Feature
    sets: str = Field("*", max_length=200, description="Library sets by name or glob: pos.*, wordnet.*.")
    side: Literal["output", "input"] = Field(
        "output", description="output: sets it promotes or suppresses; input: sets it fires on, behind or before."
    )
    limit: Annotated[int, Field(ge=1, le=60, description="Sets on a page.")] = 10
    cursor: Cursor = ""


class TestTokenSet(SubjectArguments):
    """Arguments of test_token_set."""

    __test__ = False  # pytest: not a test class

    specs: _Specs = Field(description=_SPEC)
    features: _Features
    given: str = Field(
        "", max_length=MAX_TEXT, description="Another token set: also what each adds to this one, and this one to it."
    )
    detail: Detail = "concise"


class TestInputHypothesis(SubjectArguments):
    """Arguments of test_input_hypothesis."""

    __test__ = False  # pytest: not a test class

    specs: _Specs = Field(description=_INPUT_SPEC)
    features: _Features


class SuggestSets(SubjectArguments):
    """Arguments of suggest_sets."""

    tokens: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        min_length=1, max_length=100, description="Tokens as shown, ␣ or a real space in front where there is one."
    )
    limit: Annotated[int, Field(ge=1, le=50, description="Sets to suggest.")] = 10


def enrich_feature(investigation: Investigation, given: EnrichFeature) -> Answer:
    """The library sets that one feature is enriched in."""
    workbench = investigation.workbench(given.subject)
    feature = require_feature(given.feature, workbench.subject.n_features)
    if given.side == "output":
        rows = [set_line(row) for row in strongest(investigation, given.subject, feature, given.sets)]
        note = "mass in nats; q over all library sets of this feature, present null."
    else:
        rows = _reads(investigation, given.subject, feature, given.sets)
        note = (
            "share of the feature's strongest firings on the set (where: at the token, the previous or the next one), "
            "base: of all tokens, matched: of the same tokens wherever they stand; q over all sets."
        )
    shown, more = page(rows, given.limit, given.cursor, given.subject, feature, given.sets, given.side)
    return Answer({"feature": feature, "sets": shown, **more, "note": note})


def test_token_set(investigation: Investigation, given: TestTokenSet) -> Answer:
    """Written sets tested in one feature, or in many."""
    from ..ledger import Made
    from ..token_sets.spec import parse_spec
    from ..written_sets import WrittenSet

    workbench, ledger = investigation.workbench(given.subject), investigation.ledger(given.subject)
    features = _selected(workbench, given.features)

    def read(spec: str) -> WrittenSet:
        return WrittenSet(workbench, parse_spec(investigation.spec(spec, given.subject)))

    sets, other = [read(spec) for spec in given.specs], read(given.given) if given.given else None
    made: list[Made[SetTestRow]] = []
    for one in sets:
        for null in NULLS:
            rows = list(workbench.test_set(features, one, null, other, ledger))
            made.append(Made.of(one.spec, null, rows, None if other is None else other.spec))
            workbench.progress("tests", len(made), len(NULLS) * len(sets))
    found = ledger.settled(made)
    tests = [
        _test(workbench, one, present, specific, given.detail)
        for one, present, specific in zip(sets, found[::2], found[1::2], strict=True)
    ]
    if len(features) == 1:  # its rivals are the best of all sets
        ledger.looked(int(features[0]))
    return Answer({"run": ledger.run.name, "tests": tests, "note": _LEGEND})


def test_input_hypothesis(investigation: Investigation, given: TestInputHypothesis) -> Answer:
    """Written hypotheses about what features fire on."""
    from ..inputs.spec import parse_input_spec
    from ..ledger import Made

    workbench, ledger = investigation.workbench(given.subject), investigation.ledger(given.subject)
    features = _selected(workbench, given.features)
    specs = [parse_input_spec(investigation.spec(spec, given.subject, inputs=True)) for spec in given.specs]
    made: list[Made[InputTestRow]] = []
    for spec in specs:
        rows = ledger.read(workbench.reading, features, spec)
        made.append(Made.of(spec, "specific", [[row] for row in rows]))
        workbench.progress("tests", len(made), len(specs))
    tests = [
        {"spec": brief(spec.canonical())} | _input_result([row for rows in found for row in rows])
        for spec, found in zip(specs, ledger.settled(made), strict=True)
    ]
    return Answer({"run": ledger.run.name, "tests": tests, "note": _INPUT_LEGEND})


def suggest_sets(investigation: Investigation, given: SuggestSets) -> Answer:
    """Library sets that hold surprisingly many of some tokens."""
    library = investigation.workbench(given.subject).open_library
    return Answer(library.suggested(given.tokens, given.limit).model_dump())


def _selected(workbench: Workbench, selector: str) -> np.ndarray:
    features = workbench.select(selector)
    if not len(features):
        raise UsageError(f"No feature fits {selector!r}: find_features shows what there is.")
    return features


def _reads(investigation: Investigation, subject: str, feature: int, sets: str) -> list[dict[str, Any]]:
    import numpy as np

    from ..inputs.rows import reading_rows

    workbench = investigation.workbench(subject)
    names = None if sets == "*" else set(workbench.library.select(sets).names)
    reading = workbench.reading
    rows = investigation.ledger(subject).reading(reading, reading_rows(reading, np.array([feature]))[0])
    tested = [row for row in rows if row.p is not None and (names is None or row.set in names)]
    tested.sort(key=lambda row: (1.0 if row.q is None else row.q, -(row.share or 0) / (row.base or 1)))
    return [row.model_dump(exclude={"feature", "firings", "p", "p_sets"}) for row in tested]


def _test(
    workbench: Workbench,
    one: WrittenSet,
    present: list[list[SetTestRow]],
    specific: list[list[SetTestRow]],
    detail: str,
) -> dict[str, Any]:
    about: dict[str, Any] = {"spec": brief(one.spec.canonical()), "size": len(one.members), "inflation": one.inflation}
    if one.resolved.unmatched:
        about["no_single_token"] = [item.item for item in one.resolved.unmatched[:10]]
    if len(present) > 1:
        return about | _many(present, specific)
    found = about | _single(present[0], specific[0], detail)
    if not found.get("circular"):
        feature = present[0][0].feature
        found["details"] = _details(workbench.set_details(feature, one, found["side"], most=_TOKENS[detail]))
    return found


def _single(present: list[SetTestRow], specific: list[SetTestRow], detail: str) -> dict[str, Any]:
    """One feature: the side on which the set is enriched, with both nulls."""
    masses = {row.side: row for row in present if row.statistic == "mass"}
    side = min(masses, key=lambda s: (1.0 if masses[s].p is None else masses[s].p, -(masses[s].value or 0)))
    mass, same = masses[side], next(r for r in specific if (r.statistic, r.side) == ("mass", side))
    found: dict[str, Any] = {
        "side": side,
        "mass": mass.value,
        "p_present": mass.p,
        "p_specific": same.p,
        "q": mass.q,
        "q_specific": same.q,
        "tests": mass.tests,
        "holds": _held(mass.holds, "tokens"),
    }
    if bounds := [name for name, row in (("p_present", mass), ("p_specific", same)) if row.p and row.error is None]:
        found["at_most"] = bounds
    if mass.circular:
        found["circular"] = True
    others = [r for r in present if r.side == side and r.statistic != "mass"]
    shown = (
        others if detail == "detailed" else [r for r in others if r.statistic in ("mean", "partial", "partial_reverse")]
    )
    return found | {
        "statistics": [{"statistic": r.statistic, "value": r.value, "p_present": r.p, "q": r.q} for r in shown]
    }


def _held(holds: bool | None, what: str) -> bool | str:
    """Whether a test holds where it was not chosen; unknown is said, for what is left out could be overlooked."""
    return f"unknown: too few confirm {what}" if holds is None else holds


def _details(found: SetDetails) -> dict[str, Any]:
    """What stands behind a set and against it; tokens as [token, logit weight, rank from the side's extreme]."""

    def tokens(ranked: list[RankedToken]) -> list[list[Any]]:
        return [[one.token, one.weight, one.rank] for one in ranked]

    return {
        "leading_edge": {"members": found.leading_edge_count, "first": tokens(found.leading_edge)},
        "not_elevated": {
            "members": found.not_elevated_count,
            "share": found.not_elevated_share,
            "first": tokens(found.not_elevated),
        },
        "missed": tokens(found.missed),
        "without_top": {
            "top": found.top_member.token,
            "mass": found.mass_without_top,
            "p_present": found.p_without_top,
        },
        "effective_members": found.effective_members,
        "rivals": [_rival(one) for one in found.rivals],
    }


def _rival(rival: Rival) -> dict[str, Any]:
    """A rival (b) beside the written set (a)."""
    names = {"tokens", "mean", "p_mass", "partial", "p_partial"}
    return rival.model_dump(include={"set", "size", "shared", "mass", "p_present"}) | {
        "a_minus_b": rival.a_minus_b.model_dump(include=names),
        "b_minus_a": rival.b_minus_a.model_dump(include=names),
    }


def _many(present: list[list[SetTestRow]], specific: list[list[SetTestRow]]) -> dict[str, Any]:
    """Many features: how many show the set, and the ten that show it most."""
    typical = {(row.feature, row.side): row for rows in specific for row in rows if row.statistic == "mass"}
    masses = [row for rows in present for row in rows if row.statistic == "mass" and row.p is not None]
    best = sorted(masses, key=lambda row: (row.p, -(row.value or 0)))[:10]
    return {
        "note": "q over all features of this call; the best of many, tested again by itself, is still the best of many",
        "features": len(present),
        "selected_q_05": len({row.feature for row in masses if row.q is not None and row.q <= 0.05}),
        "best": [
            {
                "feature": row.feature,
                "side": row.side,
                "mass": row.value,
                "p_present": row.p,
                "p_specific": typical[row.feature, row.side].p,
                "q": row.q,
                "holds": _held(row.holds, "tokens"),
            }
            for row in best
        ],
    }


def _input_result(rows: list[InputTestRow]) -> dict[str, Any]:
    shown = sorted(rows, key=lambda row: (1.0 if row.p is None else row.p, -(row.share or 0)))[:10]
    found = [
        row.model_dump(exclude={"spec", "circular", "holds"})
        | {"holds": _held(row.holds, "documents")}
        | ({"circular": True} if row.circular else {})
        for row in shown
    ]
    if len(rows) == 1:
        return found[0]
    selected = sum(row.q is not None and row.q <= 0.05 for row in rows)
    return {"features": len(rows), "selected_q_05": selected, "best": found}


ENRICHMENT_TOOLS: list[Tool[Any]] = [
    Tool(
        "enrich_feature",
        "Enrich a feature",
        "Library token sets that a feature promotes or suppresses (side output), or fires on, right behind or before "
        "(side input), smallest q first. All these tests count in the run: what you test of the feature later is held "
        "to more.",
        EnrichFeature,
        enrich_feature,
    ),
    Tool(
        "test_token_set",
        "Test a token set",
        "Test your own token sets in a feature, or in many: mass, p against random directions (p_present) and against "
        "directions typical of this dictionary (p_specific), q over all tests you made of the feature, whether it "
        "holds on confirm tokens. For one feature also what speaks against it: members that are not elevated, top "
        "tokens that the set misses, the effect without its top member, and the best rival sets with what each adds "
        "to the other.",
        TestTokenSet,
        test_token_set,
    ),
    Tool(
        "test_input_hypothesis",
        "Test what a feature fires on",
        "Test your own hypotheses about where features fire: share of the strongest firings that fit beside the share "
        "of all tokens, p against random encoder directions, q over all tests you made, whether it holds on confirm "
        "documents.",
        TestInputHypothesis,
        test_input_hypothesis,
    ),
    Tool(
        "suggest_sets",
        "Suggest token sets",
        "Library sets that hold surprisingly many of some tokens, for example of those a feature promotes most: "
        "ideas, to be tested with test_token_set.",
        SuggestSets,
        suggest_sets,
        heavy=False,
    ),
]
