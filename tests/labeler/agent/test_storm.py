"""Two hundred features through everything that goes wrong on servers and in models, all at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import fake_llm
import pytest
from fake_llm import Call, Says, Silent, Status, Truncated
from players import feature_of, investigation, replies_before, the_label

from tsea.labeler.llm.endpoint import Endpoint
from tsea.labeler.llm.retries import Retries
from tsea.labeler.llm.spending import Budget, BudgetError
from tsea.tools.storage.records import Records
from tsea.tools.storage.tables import Run

Labelled = Callable[..., Run]
FEATURES = range(200)
STEPS = 4
# What models of every tenth feature do, and why it fails then; all others label theirs.
MISDEEDS: dict[int, tuple[Callable[[int], Says], str]] = {
    0: (lambda feature: Says(refusal="I will not."), "refused"),
    1: (lambda feature: Says("It is about colours, I am sure."), "no label"),
    2: (lambda feature: Says("", [Call("get_feature", '{"feature": ')]), "malformed call"),
    3: (lambda feature: Says("", [Call("read_mind", {})]), "malformed call"),
    4: (lambda feature: Says("", [Call("get_feature", {"feature": feature})]), "too many steps"),
    5: (lambda feature: Says("", [Call("submit_label", the_label(feature, "no.such.set"))]), "malformed label"),
}


def play(request: dict[str, Any]) -> Says:
    """What goes wrong depends on the feature alone; one in ten makes one mistake and mends it."""
    feature = feature_of(request)
    kind = feature % 10
    if kind in MISDEEDS:
        return MISDEEDS[kind][0](feature)
    if kind == 6 and replies_before(request) == 0:
        return Says("", [Call("test_token_set", "[")])
    return investigation(request) if kind != 6 else Says("", [Call("submit_label", the_label(feature, "pos.NN"))])


def final(records: Records, run: Run) -> dict[int, tuple[str, str | None]]:
    labels = [label for label in records.labels(run) if label.batch_key is not None]
    assert len({label.feature for label in labels}) == len(labels), "one final label each"
    return {label.feature: (label.status, label.reason) for label in labels}


def assert_as_expected(found: dict[int, tuple[str, str | None]], features: Sequence[int]) -> None:
    assert sorted(found) == list(features)
    for feature, (status, reason) in found.items():
        expected = MISDEEDS.get(feature % 10)
        assert reason == (expected[1] if expected else None), feature
        assert (status == "failed") == (expected is not None), feature


@pytest.mark.large
def test_every_feature_ends_with_one_status_and_the_ledger_with_the_servers_own_count(
    labelled: Labelled, records: Records
) -> None:
    weather = fake_llm.storm(7)
    lost = {50: Silent(), 51: Truncated(), 52: Status(429, retry_after="0.05")}
    with fake_llm.serve(play, faults=lambda number: lost.get(number) or weather(number)) as llm:
        run = labelled(
            llm,
            FEATURES,
            steps=STEPS,
            concurrency=32,
            endpoint=Endpoint(llm.url, connect_seconds=5.0, call_seconds=5.0),
            retries=Retries(attempts=12, first=0.005),
        )
        counted = llm.completed()
        by_feature = {feature: llm.completed(feature) for feature in FEATURES}
        met = Counter(type(one.fault).__name__ for one in llm.seen)
        assert {"Status", "Reset", "Truncated", "Malformed", "Slow", "Silent"} <= set(met)
        assert llm.most_at_once <= 32
    assert_as_expected(final(records, run), FEATURES)
    spent = records.spent(run)
    paid, estimated = spent.total("paid"), spent.total("estimated")
    assert (paid.requests, paid.prompt_tokens, paid.completion_tokens) == (
        counted.replies,
        counted.prompt,
        counted.completion,
    )
    for feature, one in by_feature.items():
        own = spent.by_feature[feature]["paid"]
        assert (own.requests, own.tokens) == (one.replies, one.prompt + one.completion)
    assert 0 < estimated.requests < len(FEATURES) * STEPS and not estimated.cost


def test_a_budget_holds_through_a_storm_and_a_larger_one_ends_the_run(labelled: Labelled, records: Records) -> None:
    features = range(30)
    settings: dict[str, Any] = {"steps": STEPS, "concurrency": 8, "retries": Retries(attempts=12, first=0.005)}
    budget = 400_000
    with fake_llm.serve(play, faults=fake_llm.storm(3)) as llm:
        with pytest.raises(BudgetError, match="budget of 400000 tokens"):
            labelled(llm, features, per_run=Budget(max_tokens=budget), **settings)
        run = records.run("run")
        done, first = final(records, run), llm.completed()
        assert 0 < len(done) < len(features)
        spent = records.spent(run).total("paid", "estimated")
        assert budget / 2 < spent.tokens <= budget
        labelled(llm, features, **settings)
        assert_as_expected(final(records, run), features)
        assert {feature: final(records, run)[feature] for feature in done} == done
        counted = llm.completed()
    paid = records.spent(run).total("paid")
    assert (paid.requests, paid.tokens) == (counted.replies, counted.prompt + counted.completion)
    assert counted.replies > first.replies
