"""How often features are said to fire on a token set, and how often random directions: `tsea eval input-claims`.

The rule is that of the labeler, on every feature of a subject. Random encoder directions are judged at the thresholds
of the features. `holds` is the share of claims whose leading set is raised on held-out documents too, against random
encoder directions there (p <= .05).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..labeler.reading import RunReading
from ..tools.activations.held_out import HeldOut
from ..tools.activations.indexing import open_index
from ..tools.inputs.enrichment import HOLDS, SLICE_TOKENS, encoder_model
from ..tools.inputs.null import reading_null
from ..tools.inputs.slices import encoder_values, slice_of
from ..tools.inputs.strongest import LEVELS, Strongest
from ..tools.progress import Progress, silent
from ..tools.workbench import Workbench
from .results import Report, markdown_table

SUBJECTS = ("pocket", "pocket-random")
DRAWS = 4096  # directions on held-out documents
SEED = 19


@dataclass(frozen=True)
class InputClaimRate:
    """Of n readers: how many fire often enough to be tested, have a set at q <= .05, and have a claim.

    `holds` is the share of claims that hold on held-out documents, None where none can be asked there.
    """

    subject: str
    readers: str
    n: int
    tested: int
    selected: int
    claimed: int
    holds: float | None


def input_claim_rates(workbench: Workbench) -> list[InputClaimRate]:
    """Rates of a subject's live features and of random encoder directions at their thresholds."""
    live = np.flatnonzero(workbench.subject.alive)
    run = RunReading.of(workbench.reading, live)
    decoys = run.decoys()
    held_out = _HeldOut(workbench, live, decoys.readers.open.level)
    groups = (("features", run, held_out.features), ("random directions", decoys, held_out.decoys))
    return [_rate(workbench.subject.name, name, own, there, held_out) for name, own, there in groups]


class _HeldOut:
    """The columns of a workbench's reading on held-out documents, and where readers fire most there."""

    def __init__(self, workbench: Workbench, features: np.ndarray, levels: np.ndarray) -> None:
        subject, reading = workbench.subject, workbench.reading
        part = HeldOut(open_index(subject), subject.vocabulary.special)
        read = slice_of(subject, part, SLICE_TOKENS)
        self.places = reading.places_on(read)
        values, model = encoder_values(subject, read), encoder_model(subject)
        self.null = reading_null(values, self.places, model, DRAWS, SEED, workbench.progress)
        self.features = Strongest.of_firings(read, [part.firings(feature) for feature in features.tolist()])
        self.decoys = Strongest(self.null.decoys, levels)

    def holds(self, readers: Strongest, reader: int, column: int) -> float:
        """1 or 0, NaN where the reader fires too rarely there or the set does not occur."""
        one = readers.part(slice(reader, reader + 1))
        if one.level[0] < 0 or self.places.base[column] == 0:
            return np.nan
        shares = self.places.shares(one.at, LEVELS)[:, one.level[0]]
        return float(self.null.p_values(shares, one.level)[0, column] <= HOLDS)


def _rate(subject: str, name: str, run: RunReading, there: Strongest, held_out: _HeldOut) -> InputClaimRate:
    claims = [run.claim(reader) for reader in range(len(run.readers))]
    held = [
        held_out.holds(there, reader, int(run.evidence.column[claim.rows[0]]))
        for reader, claim in enumerate(claims)
        if claim is not None
    ]
    known = [one for one in held if not np.isnan(one)]
    return InputClaimRate(
        subject=subject,
        readers=name,
        n=len(claims),
        tested=int(run.evidence.tested.sum()),
        selected=len(np.unique(run.evidence.reader[run.q <= HOLDS])),
        claimed=sum(claim is not None for claim in claims),
        holds=float(np.mean(known)) if known else None,
    )


def table(rows: Sequence[InputClaimRate]) -> str:
    """Markdown, one line per subject and group of readers; shares are of those that fire often enough."""
    return markdown_table(
        (
            "subject",
            "readers",
            "n",
            "fire often enough",
            "a set at q <= .05",
            "claimed",
            "hold on held-out documents",
        ),
        [
            (
                *(r.subject, r.readers, r.n, r.tested),
                *(f"{count / max(1, r.tested):.1%}" for count in (r.selected, r.claimed)),
                "" if r.holds is None else f"{r.holds:.1%}",
            )
            for r in rows
        ],
    )


def report(subjects: Sequence[str] = SUBJECTS, progress: Progress = silent) -> Report:
    """Measure subjects by name, each on its index (see `open_index`)."""
    opened = (Workbench.open(name, imported=False, progress=progress) for name in subjects)
    rows = [rate for workbench in opened for rate in input_claim_rates(workbench)]
    return Report.of("input_claims", rows, table(rows))
