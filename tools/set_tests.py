"""Rows of written-set tests, with q-values that cover every test made of a feature."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .errors import UsageError
from .results import SetTestRow, finite
from .statistics.earlier import Earlier, q_after
from .statistics.mass import SIDES
from .statistics.names import NullChoice
from .written_sets import Tested, WrittenSet


@dataclass(frozen=True)
class SetTests:
    """A written set in F features: statistics, q (F, 2 x statistics), confirmation (F, 2), tests counted (F,).

    Where the set that a statistic speaks for was made from the feature (`circular`, F x statistics) there is no p.
    """

    tested: list[Tested]
    q: np.ndarray
    holds: np.ndarray
    tests: np.ndarray
    circular: np.ndarray


def set_tests(
    written: WrittenSet,
    null: NullChoice,
    features: np.ndarray,
    given: WrittenSet | None = None,
    earlier: dict[int, Earlier] | None = None,
) -> SetTests:
    """Every statistic of a written set; q covers all of these features and their earlier tests.

    Beside a `given` set, which needs a direction null, what each adds to the other.
    """
    if null == "random" and given is not None:
        raise UsageError("A set given another one is judged by reference directions: add --null present or specific.")
    if given is not None and np.array_equal(given.members, written.members):
        raise UsageError("The set and the given one have the same open tokens: neither can add to the other.")
    tested = written.under(null, features)
    holds = np.full((len(features), len(SIDES)), np.nan)
    if null != "random":
        if given is not None:
            tested += written.beyond(given, null, features)
        holds = written.holds(null, features)
    circular = np.repeat(written.circular(features)[:, None], len(tested), axis=1)
    holds[circular[:, 0]] = np.nan
    if given is not None:
        circular[:, -1] = given.circular(features)  # the last statistic is what the given set adds
    for place, one in enumerate(tested):
        one.p.p[circular[:, place]] = one.p.log10_error[circular[:, place]] = np.nan
    before = [(earlier or {}).get(int(feature), Earlier()) for feature in features]
    p = np.stack([one.p.p for one in tested], axis=1).reshape(len(features), -1)
    tests = (~np.isnan(p)).sum(axis=1) + np.array([one.tests for one in before], dtype=np.int64)
    return SetTests(tested, q_after(p, before), holds, tests, circular)


def set_test_rows(
    written: WrittenSet,
    null: NullChoice,
    features: np.ndarray,
    given: WrittenSet | None = None,
    earlier: dict[int, Earlier] | None = None,
) -> Iterator[list[SetTestRow]]:
    """The results of `set_tests`, one list of rows per feature; all is computed before the first one."""
    return _rows(set_tests(written, null, features, given, earlier), written, null, features, given)


def _rows(
    found: SetTests, written: WrittenSet, null: NullChoice, features: np.ndarray, given: WrittenSet | None
) -> Iterator[list[SetTestRow]]:
    spec = written.spec.canonical()
    for row, feature in enumerate(features):
        yield [
            SetTestRow.model_validate(
                {
                    "feature": int(feature),
                    "spec": spec,
                    "size": len(written.members),
                    "inflation": written.inflation,
                    "given": None if given is None else given.spec.to_json(),
                    "statistic": one.statistic,
                    "side": SIDES[side],
                    "value": finite(one.values[row, side]),
                    "null": null,
                    "p": finite(one.p.p[row, side]),
                    "error": finite(one.p.log10_error[row, side]),
                    "q": finite(found.q[row, 2 * place + side]),
                    "tests": int(found.tests[row]),
                    "holds": _held(one, found.holds[row, side]),
                    "circular": bool(found.circular[row, place]),
                }
            )
            for place, one in enumerate(found.tested)
            for side in range(len(SIDES))
        ]


def _held(tested: Tested, holds: float) -> bool | None:
    return None if tested.statistic != "mass" or np.isnan(holds) else bool(holds)
