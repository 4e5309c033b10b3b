"""A run with every kind of label, whose texts are as hostile as formats allow, for tests of exports."""

from __future__ import annotations

from typing import Any

from tsea.tools.storage.records import Records
from tsea.tools.storage.tables import Hypothesis, Label, LedgerEntry, Run

SUBJECT = "gpt2-small-res-jb/blocks.0.hook_resid_pre"
HOSTILE = [
    '=HYPERLINK("http://x/?"&A1,"digits")',
    "+1 and -1",
    "-ed endings",
    "@mentions",
    "'=already marked",
    "''@twice",
    "'s and 't",
    'two\nlines, a comma and a "quote"',
    "carriage\r\nreturn\rand\ttab",
    "\tbegins with a tab",
    "␣leading space, Ġ, ünïcode, 日本語, 👩‍💻, \u202eright to left",
    "\uff1dfull width",
    '{"json": [1, 2]}; </script> \\n \\u0000',
    "x" * 513,
    "y" * 512,
]


def label(feature: int, status: str = "labelled", text: str = "Promotes digits.", **more: Any) -> Label:
    """A label of a status with what such labels have."""
    claim = "specific" if status == "labelled" else "none"
    return Label(feature=feature, status=status, text=text, kind="prediction", claim=claim, **more)  # type: ignore[arg-type]


def failure(feature: int, reason: str) -> Label:
    """A failed label as the batch runner writes one."""
    return label(feature, "failed", "", reason=reason, provenance={"labeler": "agent", "model": "m", "tokens": 100})


def hostile_labels() -> list[Label]:
    """A label with a claim for each hostile text, of features from 0."""
    provenance = {"labeler": "agent", "model": "m", "tokens": {"prompt": 900, "completion": 100}, "cost": 0.25}
    return [
        label(n, text=text, confidence=0.75, q=0.004, refute="Refuted by =1+1.", provenance=provenance)
        for n, text in enumerate(HOSTILE)
    ]


def stored_run(records: Records, labels: list[Label], name: str = "first", subject: str = SUBJECT) -> Run:
    """A run with these labels, a count of tests and a hypothesis."""
    run = records.open_run(name, subject, "hash", {"labeler": "agent", "name": name})
    for one in labels:
        records.submit(run, one)
    tested = Hypothesis(feature=0, spec_hash="s", set_name="digits", statistic="mass", null="present", side="promoted")
    records.write_block(run, [], [LedgerEntry(feature=0, library_hash="l", n_tests=500)], [tested])
    records.define(run, "mine", {"suffix": "ing"}, "")
    return run


def mixed_labels() -> list[Label]:
    """Hostile labels, and then: two without a claim, three failures, one retried with success, one labelled twice."""
    return [
        *hostile_labels(),
        *(label(100 + n, "no_claim", "No token set passes.") for n in range(2)),
        *(failure(200 + n, reason) for n, reason in enumerate(("refusal", "budget", "refusal"))),
        failure(300, "timeout"),
        label(300, text="after a retry"),
        label(301, text="first"),
        label(301, text="second"),
        label(301, "no_claim", "third thoughts"),
    ]
