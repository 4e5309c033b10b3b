"""The labels of a run with their texts compiled, as a run of its own: scored and compared like any other.

What labels claimed themselves is left aside, so that every run's texts stand on the same terms, and both kinds of
scores have a place.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from ...labeler.agent.conversation import Style
from ...labeler.agent.outcome import FailedError
from ...labeler.agent.runner import AT_THE_SERVER, RunStoppedError
from ...labeler.llm.client import LlmClient
from ...tools.progress import Progress, silent
from ...tools.storage.records import Records
from ...tools.storage.tables import Label, Run
from ..scores import Statement
from ..scoring import labels_to_score
from .texts import PROMPT_HASH, Check, compile_text

LABELER = "compiled"
CLAIM = "compiled"  # of a hypothesis that nobody tested
_BLOCK = 64  # labels written together


def open_compiled_run(records: Records, run: Run, style: Style, name: str | None = None) -> Run:
    """The run that holds a run's labels compiled by a model, new or taken up again; by default RUN.compiled.

    Raises UsageError where a run of that name has other settings: another model or prompt, or other labels.
    """
    texts = repr([(label.feature, label.status, label.text) for label in _labels(records, run)])
    config = {
        "labeler": LABELER,
        "of": run.name,
        "labels": hashlib.blake2b(texts.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest(),
        "model": style.model,
        "temperature": style.temperature,
        "max_tokens": style.max_tokens,
        "prompt": PROMPT_HASH,
    }
    return records.open_run(name or f"{run.name}.compiled", run.subject, run.subject_hash, config)


async def compile_run(
    records: Records,
    run: Run,
    compiled: Run,
    client: LlmClient,
    style: Style,
    check: Check = lambda statement: None,
    progress: Progress = silent,
) -> Run:
    """Compile the labels of `run` into `compiled` (see `open_compiled_run`) and return that, complete.

    Labels that claim nothing or failed stay what they are; a text that cannot be compiled is a failed label. What an
    earlier call did is not done again. Raises RunStoppedError, LlmError or BudgetError where the run cannot go on.
    """
    done = records.labelled_features(compiled)
    todo = [label for label in _labels(records, run) if label.feature not in done]
    for begin in range(0, len(todo), _BLOCK):
        block = todo[begin : begin + _BLOCK]
        made = await asyncio.gather(*(_compiled(one, client, style, check) for one in block), return_exceptions=True)
        records.write_block(compiled, [one for one in made if isinstance(one, Label)])
        for one in made:
            if isinstance(one, BaseException):
                raise one
        progress("texts", begin + len(block), len(todo))
    records.finish(compiled, _summary(records.labels(compiled)))
    return records.run(compiled.name)


def _labels(records: Records, run: Run) -> list[Label]:
    """The label of each feature that is scored, by feature."""
    return [label for _, label in sorted(labels_to_score(records.labels(run)).items())]


async def _compiled(label: Label, client: LlmClient, style: Style, check: Check) -> Label:
    if label.status != "labelled":
        return _copy(label, style, status=label.status, reason=label.reason)
    try:
        statement = await compile_text(label.text, client, style, check)
    except FailedError as error:
        if error.reason in AT_THE_SERVER:
            raise RunStoppedError(f"{error} What is compiled is kept: the same command goes on with it.") from error
        return _copy(label, style, status="failed", reason=error.reason, message=str(error))
    return _copy(label, style, status="labelled", hypotheses=hypotheses_of(statement))


def hypotheses_of(statement: Statement) -> list[dict[str, Any]]:
    """A statement's specifications as labels hold them, which `Statement.of` reads; none was tested."""
    sets = {"promotes": statement.promotes, "suppresses": statement.suppresses}
    found = [("output", direction, spec.canonical()) for direction, specs in sets.items() for spec in specs]
    found += [("input", "fires", spec.canonical()) for spec in statement.fires]
    return [{"side": side, "direction": to, "spec": spec, "claim": CLAIM} for side, to, spec in found]


def _copy(label: Label, style: Style, *, message: str | None = None, **changed: Any) -> Label:
    """A label with the text and confidence of another, and what is changed."""
    provenance = {
        "labeler": LABELER,
        "version": version("tsea"),
        "subject": label.provenance.get("subject"),
        "model": style.model,
        "prompt": PROMPT_HASH,
        "label": label.id,
    }
    return Label(
        feature=label.feature,
        text=label.text,
        kind=label.kind,
        claim="none",
        confidence=label.confidence,
        provenance=provenance | ({} if message is None else {"message": message}),
        **changed,
    )


def _summary(labels: Sequence[Label]) -> dict[str, Any]:
    statuses = Counter(label.status for label in labels)
    return {
        "features": len(labels),
        **{status: statuses[status] for status in ("labelled", "no_claim", "failed")},
        "without_a_claim": sum(label.status == "labelled" and not label.hypotheses for label in labels),
        "reasons": dict(Counter(label.reason for label in labels if label.reason)),
    }
