"""Which weights the mass should be made of: `tsea eval read-outs`.

The whole claim rule (error control, confirmation, trimming, overlap) on the mass of plain logit weights, of whitened
ones and of twice whitened ones, with the controls of `claim_rates`. Features are split by parity: the read-out is
chosen on the even half by claims over the larger control, the odd half is reported.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from ..tools.progress import Progress, silent
from ..tools.statistics.whitening import whitened
from ..tools.subject.subject import Subject
from ..tools.workbench import Workbench
from .claim_rates import groups, held_on_test_tokens, mean_of_known
from .results import Report, markdown_table

# The power of the covariance of the unembedding's columns that multiplies these.
READ_OUTS = {"logit weights": 0.0, "whitened": -0.5, "twice whitened": -1.0}


@dataclass(frozen=True)
class _ReadOut(Subject):
    """A subject whose mass is made of other weights."""

    power: float

    @functools.cached_property
    def whitened(self) -> np.ndarray:
        return whitened(self.unembedding, self.power)


@dataclass(frozen=True)
class ReadOutRow:
    """Shares of claims with one read-out: `selection` is over the larger control on the even half, the others are of
    the odd half (matched random directions: of all); `holds` as in claim_rates."""

    read_out: str
    selection: float
    claimed: float
    specific: float
    random: float
    shuffled: float
    excess_over_both: float
    holds: float | None


def read_out_row(workbench: Workbench, name: str) -> ReadOutRow:
    """The claim rule on a workbench's subject with the mass of another read-out."""
    subject = workbench.subject
    known = {field.name: getattr(subject, field.name) for field in fields(subject)}
    power = READ_OUTS[name]
    other = _ReadOut(**known | {"hash": f"{subject.hash} power {power}", "power": power})
    features, random, shuffled = groups(
        Workbench(other, workbench.library, cache=workbench.cache, progress=workbench.progress)
    )
    chance = float(random.claimed.mean())
    even, odd = (
        features.claimed[half].mean() - max(chance, shuffled.claimed[half].mean())
        for half in (slice(0, None, 2), slice(1, None, 2))
    )
    return ReadOutRow(
        read_out=name,
        selection=float(even),
        claimed=float(features.claimed[1::2].mean()),
        specific=float(features.specific[1::2].mean()),
        random=chance,
        shuffled=float(shuffled.claimed[1::2].mean()),
        excess_over_both=float(odd),
        holds=mean_of_known(held_on_test_tokens(features)[1::2]),
    )


def table(rows: Sequence[ReadOutRow]) -> str:
    """Markdown, one line per read-out."""
    shares = ("selection", "claimed", "specific", "random", "shuffled", "excess_over_both")
    return markdown_table(
        (
            "mass of",
            "selection half: claims over both controls",
            "claimed",
            "claimed as specific",
            "random directions",
            "shuffled sets",
            "claims over both controls",
            "claims that hold on test tokens",
        ),
        [
            (r.read_out, *(f"{getattr(r, name):.1%}" for name in shares), "" if r.holds is None else f"{r.holds:.1%}")
            for r in rows
        ],
    )


def report(progress: Progress = silent) -> Report:
    """Every read-out on the bundled subject."""
    workbench = Workbench.open("pocket", imported=False, progress=progress)
    rows = sorted((read_out_row(workbench, name) for name in READ_OUTS), key=lambda row: -row.selection)
    return Report.of("read_outs", rows, table(rows))
