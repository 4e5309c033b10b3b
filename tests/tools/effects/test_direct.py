"""How far logit weights foretell what steering does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import spearmanr

if TYPE_CHECKING:
    from tsea.tools.inputs.enrichment import ReadingEnrichment
    from tsea.tools.workbench import Workbench


def test_it_agrees_with_what_a_steered_model_says_token_by_token(
    pocket_bench: Workbench, pocket_reading: ReadingEnrichment
) -> None:
    """The same from plain log-probabilities: the row added behind the last block, on the same contexts."""
    import torch

    from tsea.tools.effects.contexts import contexts_to_steer, largest_activation
    from tsea.tools.effects.hooks import logits
    from tsea.tools.effects.writing import as_rows, written_row

    found = pocket_bench.direct_effect(24)
    assert found is not None
    subject, contexts = pocket_bench.subject, contexts_to_steer(pocket_bench.activity, None, None)
    assert found.scale == largest_activation(pocket_bench.activity.part, 24) and found.contexts == len(contexts.windows)
    push = torch.from_numpy(found.scale * written_row(subject, 24))
    sums, count = np.zeros(len(pocket_bench.open_ids)), 0
    for window in contexts.windows:
        rows = as_rows(subject, [window])
        text = np.concatenate([[False], ~np.isin(window, list(subject.vocabulary.special))])
        added = torch.from_numpy(text.astype(np.float32))[None, :, None] * push
        before, after = (
            found_logits.log_softmax(-1)[0] for found_logits in (logits(subject, rows), logits(subject, rows, added))
        )
        sums += (after - before)[text][:, pocket_bench.open_ids].double().sum(0).numpy()
        count += int(text.sum())
    weights = pocket_bench.open_weights(subject.decoder[[24]])[0]
    assert found.spearman == pytest.approx(spearmanr(weights, sums / count).statistic, abs=1e-3)
    top = [set(np.argsort(-values, kind="stable")[: found.top].tolist()) for values in (weights, sums)]
    assert found.shared_top == len(top[0] & top[1])


def test_a_feature_that_never_fires_has_none(pocket_bench: Workbench, pocket_reading: ReadingEnrichment) -> None:
    silent = int(np.flatnonzero(pocket_bench.activity.part.totals.firings == 0)[0])
    assert pocket_bench.direct_effect(silent) is None
