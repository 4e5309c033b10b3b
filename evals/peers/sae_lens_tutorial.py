"""The enrichment function of sae-lens' tutorial: unweighted, without sign or p-value."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..workload import Workload


def prepare(workload: Workload) -> Callable[[], np.ndarray]:
    """Work that gives |ES| (features, sets); sets are padded with -1, as the function asks, before the clock runs."""
    import torch
    from sae_lens.tutorial.tsea import calculate_batch_enrichment_scores

    weights = torch.from_numpy(workload.weights())
    members = [torch.from_numpy(one) for one in workload.sets()]
    padded = torch.nn.utils.rnn.pad_sequence(members, batch_first=True, padding_value=-1)
    return lambda: calculate_batch_enrichment_scores(weights, padded).T.numpy()
