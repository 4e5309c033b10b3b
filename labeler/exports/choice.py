"""Which labels of a run a format holds, and what is said of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ...tools.phrases import listing, number_of
from ...tools.storage.tables import Label
from ...tools.storage.whole_runs import STATUSES
from ..runs import failure_reason

SHOWN_REASONS = 5


def final_labels(labels: Sequence[Label]) -> list[Label]:
    """One label of each feature, by feature: of the best status there, and of several such the last written."""
    ranked = sorted(labels, key=lambda label: (label.feature, -STATUSES.index(label.status)))
    return list({label.feature: label for label in ranked}.values())


def explanations(labels: Iterable[Label]) -> list[Label]:
    """The labels that claim something."""
    return [label for label in labels if label.status == "labelled"]


def left_out(labels: Sequence[Label]) -> list[str]:
    """Lines about the labels that are no explanations, failures with their reasons; none where there are no such."""
    without = sum(label.status == "no_claim" for label in labels)
    failed = Counter(failure_reason(label) for label in labels if label.status == "failed")
    lines = [f"{number_of(without, 'label')} without a claim"] if without else []
    if failed:
        reasons = [f"{reason}: {count}" for reason, count in failed.most_common()]
        lines.append(f"{number_of(failed.total(), 'failed label')} ({listing(reasons, SHOWN_REASONS)})")
    return [f"Left out: {line}." for line in lines]
