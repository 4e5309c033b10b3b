"""A summary laid out as SAEBench's autointerp results (`eval_results/autointerp/*_eval_results.json`).

Source: SAEBench's `AutoInterpEvalOutput`. Labels are not scores: `autointerp_score` and `autointerp_std_dev` are null,
and what a run does know stands beside them under `labels`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ...tools.storage.tables import Label, Run
from .choice import explanations, final_labels
from .export import Destination, Export

_RATES = ("decoy_rate", "decoy_rate_specific", "decoy_rate_input")


def summary(run: Run, labels: Sequence[Label], to: Destination) -> Export:
    """One JSON object; every feature is under `eval_result_unstructured`, with an explanation or with null.

    SAEBench drops features whose labels failed; here they stay and say so in `status`. Raises UsageError for names,
    which follow from the subject.
    """
    to.allow("saebench")
    chosen = final_labels(labels)
    release, _, sae_id = run.subject.partition("/")
    found = {
        "eval_type_id": "autointerp",
        "eval_config": run.config,
        "eval_id": run.config_hash,
        "datetime_epoch_millis": round((run.finished or run.created).timestamp() * 1000),
        "eval_result_metrics": {
            "autointerp": {"autointerp_score": None, "autointerp_std_dev": None},
            "labels": _counts(chosen) | {name: (run.summary or {}).get(name) for name in _RATES},
        },
        "eval_result_details": [],
        "eval_result_unstructured": {str(label.feature): _latent(label) for label in chosen},
        "sae_lens_release_id": release,
        "sae_lens_id": sae_id,
    }
    notes = ["Scores are null: labels alone have none."]
    if without := len(chosen) - len(explanations(chosen)):
        notes.append(f"{without} of {len(chosen)} features have no explanation, and say why in `status`.")
    return Export(f"{json.dumps(found, indent=2, ensure_ascii=False)}\n".encode(), len(chosen), notes)


def _counts(labels: Sequence[Label]) -> dict[str, int]:
    return {
        "features": len(labels),
        **{status: sum(label.status == status for label in labels) for status in ("labelled", "no_claim", "failed")},
        **{claim: sum(label.claim == claim for label in labels) for claim in ("specific", "present")},
    }


def _latent(label: Label) -> dict[str, Any]:
    return {
        "latent": label.feature,
        "status": label.status,
        "explanation": label.text if label.status == "labelled" else None,
        "score": None,
        "claim": label.claim,
        "confidence": label.confidence,
        "q": label.q,
    }
