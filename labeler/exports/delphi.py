"""delphi (EleutherAI): `explanations/HOOKPOINT_latentN.txt`, each the explanation as one JSON string.

Source: the explainer's output in `delphi/__main__.py`; the scorers read the same folder.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from ...tools.phrases import number_of
from ...tools.storage.tables import Label, Run
from .choice import explanations, final_labels, left_out
from .export import Destination, Export


def files(run: Run, labels: Sequence[Label], to: Destination) -> Export:
    """A file for every feature with a claim: its last one, for delphi has room for one.

    Files are called after `to.source`, delphi's hookpoint (default: the subject), `/` written as `--`, as delphi does
    for scores. Raises UsageError for other names.
    """
    to.allow("delphi", "source")
    hookpoint = (to.source or run.subject).replace("/", "--")
    chosen = explanations(final_labels(labels))
    content = {
        f"{hookpoint}_latent{label.feature}.txt": json.dumps(label.text, ensure_ascii=False).encode()
        for label in chosen
    }
    notes = left_out(labels)
    if earlier := len(explanations(labels)) - len(chosen):
        notes.append(f"Left out: {number_of(earlier, 'label')} of features that have a later one.")
    return Export(content, len(chosen), notes, "*_latent*.txt")
