"""Neuronpedia: explanations as in its bulk files, and payloads for uploading features with explanations.

Sources: the bulk files `v1/MODEL/SOURCE/explanations/batch-N.jsonl.gz` of Neuronpedia's public data sets (one
explanation a line, `index` as a string), and the bodies of `POST /api/feature/upload-batch`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from ...tools.errors import UsageError
from ...tools.storage.tables import Label, Run
from .choice import explanations, left_out
from .dashboards import Dashboards
from .export import Destination, Export

MOST_FEATURES = 128  # in one body
LONGEST_TEXT = 512  # characters of an explanation in a body
NO_MODEL = "none"


def bulk(run: Run, labels: Sequence[Label], to: Destination) -> Export:
    """One JSON object a line for every label with a claim; claim, q, confidence and refutation stand in `notes`.

    `authorId` is empty: it is the account of whoever imports them. Raises UsageError where Neuronpedia's names of
    model and source neither are given nor follow from the subject.
    """
    to.allow("neuronpedia", "model", "source")
    model, source = _names(run, to)
    rows = [_row(run, label, model, source) for label in explanations(labels)]
    text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    return Export(text.encode(), len(rows), left_out(labels))


def upload(run: Run, labels: Sequence[Label], to: Destination) -> Export:
    """Bodies of 128 features at most, a file each, with explanations of 512 characters at most.

    A run knows explanations alone: density, logits and activations come from `to.dashboards`, for the features that
    are there. Longer explanations end in `...`; both are counted. Raises UsageError like `bulk`, and for dashboards of
    another dictionary.
    """
    chosen = sorted(explanations(labels), key=lambda label: label.feature)
    dashboards = None if to.dashboards is None else Dashboards.read(to.dashboards, {x.feature for x in chosen})
    model, source = _names(run, to, dashboards)
    known = {} if dashboards is None else dashboards.features
    features = [
        {"index": feature, **known.get(feature, {}), "explanations": [_explanation(label) for label in of_feature]}
        for feature, of_feature in groupby(chosen, key=lambda label: label.feature)
    ]
    blocks = [features[i : i + MOST_FEATURES] for i in range(0, len(features), MOST_FEATURES)]
    files = {
        f"batch-{number}.json": json.dumps(
            {"modelId": model, "source": source, "features": block}, ensure_ascii=False
        ).encode()
        for number, block in enumerate(blocks)
    }
    notes = []
    if bare := sum(feature["index"] not in known for feature in features):
        notes.append(
            f"Without density, logits and activations, for no --dashboards have them: {bare} of {len(features)} "
            "features. Neuronpedia may ask for them."
        )
    if cut := sum(len(label.text) > LONGEST_TEXT for label in chosen):
        notes.append(f"Cut to {LONGEST_TEXT} characters: {cut} of {len(chosen)} texts.")
    return Export(files, len(chosen), [*left_out(labels), *notes], "batch-*.json")


def _names(run: Run, to: Destination, dashboards: Dashboards | None = None) -> tuple[str, str]:
    from ...tools.subject.registry import neuronpedia_names

    shown = None if dashboards is None else (dashboards.model, dashboards.source)
    # Reading the registry takes seconds.
    known = None if to.model and to.source else neuronpedia_names(run.subject)
    model, source = known or shown or (None, None)
    model, source = to.model or model, to.source or source
    if shown not in (None, (model, source)):
        raise UsageError(f"The dashboards are of {'/'.join(shown)} and the labels of {model}/{source}: give others.")
    if model is None or source is None:
        raise UsageError(
            f"Neuronpedia's names of {run.subject} are not known: give both, such as --model gpt2-small "
            "--source 8-res-jb."
        )
    return model, source


def _row(run: Run, label: Label, model: str, source: str) -> dict[str, Any]:
    return {
        "id": f"tsea-{run.config_hash[:12]}-{label.id}",
        "modelId": model,
        "layer": source,
        "index": str(label.feature),
        "description": label.text,
        "authorId": "",
        "typeName": _method(label),
        "explanationModelName": label.provenance.get("model"),
        "notes": _notes(label),
        "createdAt": label.created.isoformat(timespec="milliseconds"),
    }


def _explanation(label: Label) -> dict[str, str]:
    text = label.text if len(label.text) <= LONGEST_TEXT else f"{label.text[: LONGEST_TEXT - 3]}..."
    return {"text": text, "methodName": _method(label), "modelName": label.provenance.get("model") or NO_MODEL}


def _method(label: Label) -> str:
    return f"tsea_{label.provenance.get('labeler', 'unknown')}"


def _notes(label: Label) -> str:
    figures = [
        f"{name} {value:.3g}" for name, value in (("q", label.q), ("confidence", label.confidence)) if value is not None
    ]
    return " ".join([f"Claim: {', '.join([label.claim, *figures])}.", label.refute]).strip()
