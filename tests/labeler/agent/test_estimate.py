"""What a run would take, held against what the server then counts."""

from __future__ import annotations

from collections.abc import Callable

import fake_llm
import numpy as np
import pytest
from fake_llm import MODEL, FakeLLM
from players import one_shot, thorough

from tsea.labeler.agent.asking import LabelerName
from tsea.labeler.agent.conversation import Style
from tsea.labeler.agent.estimate import estimate
from tsea.labeler.agent.run import ModelRun
from tsea.labeler.llm.prices import Price, Prices
from tsea.tools.storage.records import Records
from tsea.tools.storage.tables import Run
from tsea.tools.workbench import Workbench

Labelled = Callable[..., Run]
FEATURES = [24, 3, 700, 1500, 2222, 3100, 40, 41]


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize(
    ("labeler", "play"),
    [
        pytest.param("agent", thorough, marks=pytest.mark.large),
        ("one-shot-enrichment", one_shot),
        pytest.param("best-of-k", one_shot, marks=pytest.mark.large),
    ],
)
def test_the_estimate_is_within_a_fifth_of_what_the_server_counts(
    labelled: Labelled,
    records: Records,
    pocket_bench: Workbench,
    labeler: LabelerName,
    play: Callable[[dict], fake_llm.Says],  # type: ignore[type-arg]
) -> None:
    prices = Prices({MODEL: Price(prompt=1.0, completion=4.0)})
    found = estimate(pocket_bench, records, np.array(FEATURES), ModelRun(labeler, Style(MODEL), prices=prices))
    assert records.runs() == [] and (found.features, found.sampled) == (8, 6)
    with fake_llm.serve(play) as llm:
        assert isinstance(llm, FakeLLM)
        labelled(llm, FEATURES, labeler=labeler)
        counted = llm.completed()
    assert found.requests == counted.replies
    total = counted.prompt + counted.completion
    assert found.prompt_tokens + found.completion_tokens == pytest.approx(total, rel=0.2)
    assert found.prompt_tokens == pytest.approx(counted.prompt, rel=0.2)
    assert found.cost == pytest.approx((found.prompt_tokens + 4 * found.completion_tokens) / 1e6)
