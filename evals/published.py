"""Published case studies, through the real loading code: `tsea eval published`.

Bloom & Lin (2024, "Understanding SAE Features with the Logit Lens") on layer 8 of GPT-2 small's `res-jb` SAEs. A case
says which way a feature moves a token set. It holds when the set's mass on that side has p <= .05 (present null) and
the feature stands within the top 1 % of the live features for that set and side; the case of a set that the feature
does not move holds when it stands below them. Nothing is sealed here: masses are over the whole universe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from ..tools.directions import SEED, direction_model
from ..tools.errors import UsageError
from ..tools.libraries import library_of
from ..tools.nulls import BATCH
from ..tools.statistics.projection import blocks, logit_weights, standardise
from ..tools.statistics.reference import collect
from ..tools.storage.cache import ByteCache
from ..tools.subject import Subject, open_subject
from ..tools.token_sets.library import TokenSet, TokenSetLibrary, check_testable
from ..tools.token_sets.resolve import resolve
from ..tools.token_sets.spec import parse_spec
from ..tools.views import View
from .results import Report, markdown_table

SUBJECT = "gpt2-small-res-jb/blocks.8.hook_resid_pre"
LEVEL, TOP_SHARE = 0.05, 0.01
REFERENCES = 20 * BATCH
SIDE = {"promotes": 0, "suppresses": 1, "does not promote": 0}
COMMON_GIRLS_NAMES = (
    "Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Karen Sarah Lisa Nancy Sandra Betty Ashley Emily "
    "Kimberly Margaret Donna Michelle Carol Amanda Melissa Deborah Stephanie Rebecca Sharon Laura Cynthia Dorothy Amy "
    "Kathleen Angela Shirley Emma Brenda Pamela Nicole Anna Samantha Katherine Christine Debra Rachel Carolyn Janet "
    "Maria Olivia Heather Helen Catherine Diane Julie Victoria Joyce Lauren Kelly Christina Ruth Joan Virginia Judith "
    "Evelyn Hannah Andrea Megan Cheryl Jacqueline Madison Teresa Abigail Sophia Martha Sara Gloria Janice Kathryn Ann "
    "Isabella Judy Charlotte Julia Grace Amber Alice Jean Denise Frances Danielle Marilyn Natalie Beverly Diana "
    "Brittany Theresa Kayla Alexis Doris Lori Tiffany"
)


@dataclass(frozen=True)
class Case:
    """What was published about a feature, as a claim about one token set."""

    feature: int
    expectation: str
    way: Literal["promotes", "suppresses", "does not promote"]
    spec: str | dict[str, Any]


CASES = (
    Case(5382, "gerunds, the highest score", "promotes", "pos.VBG"),
    Case(18006, "past tense", "promotes", "pos.VBD"),
    Case(18006, "past participles alike", "promotes", "pos.VBN"),
    Case(89, "all caps", "promotes", "regex.all_caps"),
    Case(89, "all caps of more than two letters too", "promotes", {"regex": " ?[A-Z]{3,}$"}),
    Case(4467, "tokens without leading space", "promotes", {"not": {"regex": " .*"}}),
    Case(
        2896,
        "titles of men",
        "promotes",
        {"words": ["Mr", "Sir", "Lord", "King", "Prince", "Duke"], "variants": "space"},
    ),
    Case(2896, "words for women at the other end", "suppresses", "topic.female"),
    Case(2896, "not a feature of men's names", "does not promote", "names.male_only"),
    Case(18206, "girls' names", "promotes", "names.female_only"),
    Case(
        18206,
        "less common girls' names too",
        "promotes",
        {"minus": [{"library": "names.female_only"}, {"words": COMMON_GIRLS_NAMES.split(), "variants": "space"}]},
    ),
)


@dataclass(frozen=True)
class CaseRow:
    """A case beside what was found: `rank` of the feature among the `of` live ones (1: strongest) for that set.

    p, rank and holds are None where the set cannot be built here; `note` says why.
    """

    feature: int
    expectation: str
    set: str
    statistic: str
    p: float | None
    rank: int | None
    of: int
    holds: bool | None
    note: str = ""


class Masses:
    """Masses of the cases' sets over a subject's universe."""

    def __init__(self, subject: Subject, sets: Sequence[TokenSet]) -> None:
        self._view = View.of(subject.universe, np.ones(len(subject.universe), dtype=bool), sets)
        self._columns = torch.from_numpy(subject.whitened).to(subject.device)

    def __call__(self, directions: torch.Tensor) -> np.ndarray:
        """Promoted and suppressed mass (n, 2, S) of directions (n, D)."""
        parts = (
            self._view.masses(standardise(logit_weights(directions[part], self._columns)))[:, :, :-1]
            for part in blocks(len(directions), len(self._view.tokens))
        )
        return np.concatenate(list(parts))


def published_rows(
    subject: Subject, library: TokenSetLibrary, *, references: int = REFERENCES, compared: int | None = None
) -> list[CaseRow]:
    """Test every case; `references` (a multiple of nulls.BATCH) isotropic directions give p, and at most `compared`
    live features (default: all) the rank. Raises UsageError where the subject has too few features for the cases.
    """
    if subject.n_features <= max(case.feature for case in CASES):
        raise UsageError(f"The published cases are features of {SUBJECT}; {subject.name} has too few features.")
    sets = [_token_set(case, subject, library) for case in CASES]
    built = [one for one in sets if isinstance(one, TokenSet)]
    masses, model = Masses(subject, built), direction_model(subject, "present")
    # An isotropic direction is as likely as its negative, so both sides are draws.
    draws = (masses(model.sample(BATCH, [SEED["present"], batch])) for batch in range(references // BATCH))
    reference = collect((drawn.reshape(2 * BATCH, -1) for drawn in draws), 2 * references)
    of_cases = masses(torch.from_numpy(subject.decoder[[case.feature for case in CASES]]))
    live = subject.decoder[np.flatnonzero(subject.alive)[:compared]]
    of_live = masses(torch.from_numpy(live))
    rows: list[CaseRow] = []
    for number, (case, token_set) in enumerate(zip(CASES, sets, strict=True)):
        name = case.spec if isinstance(case.spec, str) else parse_spec(case.spec).to_json()
        if isinstance(token_set, str):
            rows.append(CaseRow(case.feature, case.expectation, name, "mass", None, None, len(live), None, token_set))
            continue
        side, column = SIDE[case.way], [one is token_set for one in built].index(True)
        p = float(reference.p_values(of_cases[number, side][None])[0, column])
        rank = 1 + int((of_live[:, side, column] > of_cases[number, side, column]).sum())
        strong = p <= LEVEL and rank <= TOP_SHARE * len(live)
        holds = strong != (case.way == "does not promote")
        rows.append(CaseRow(case.feature, case.expectation, name, "mass", p, rank, len(live), holds))
    return rows


def _token_set(case: Case, subject: Subject, library: TokenSetLibrary) -> TokenSet | str:
    """The set of a case within the universe, or why it cannot be built here."""
    try:
        found = resolve(case.spec, subject.vocabulary, library)
        ids = check_testable(found.ids, subject.universe)
    except UsageError as error:
        return str(error)
    return TokenSet(case.expectation, "published", case.expectation, ids, "", "")


def table(rows: Sequence[CaseRow]) -> str:
    """Markdown, one line per case."""
    headers = ("feature", "published", "set", "p (present)", "rank among live features", "holds")
    return markdown_table(headers, [(r.feature, r.expectation, _short(r.set), *_cells(r)) for r in rows])


def _short(name: str) -> str:
    return name if len(name) <= 60 else f"{name[:57]}..."


def _cells(row: CaseRow) -> tuple[str, str, str]:
    if row.p is None:
        return "", "", row.note
    return f"{row.p:.2g}", f"{row.rank:,} of {row.of:,}", "yes" if row.holds else "no"


def report() -> Report:
    """Test the cases; raises TseaError where the weights cannot be had."""
    subject = open_subject(SUBJECT)
    rows = published_rows(subject, library_of(subject.vocabulary, ByteCache(), imported=False)[0])
    return Report.of("published", rows, table(rows))
