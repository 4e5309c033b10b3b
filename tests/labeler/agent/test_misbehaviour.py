"""Language models that do not do what they are told: one repair, then a failure with its reason, never a label."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import fake_llm
import pytest
from fake_llm import Call, Says, Status, endless
from players import feature_of, investigation, one_shot, replies_before, the_label

from tsea.labeler.agent import asking
from tsea.labeler.agent.case import Case
from tsea.labeler.agent.transcripts import read_transcript
from tsea.tools.storage.records import Records
from tsea.tools.storage.tables import Label, Run

Labelled = Callable[..., Run]
Play = Callable[[dict[str, Any]], Says]
OVERFLOW = Status(400, {"error": {"message": "This model's maximum context is 10", "code": "context_length_exceeded"}})
NO_TOOLS = Status(400, {"error": {"message": "fake-1 does not support tools", "type": "invalid_request_error"}})


def says(*calls: Call, text: str = "", **more: Any) -> Play:
    return lambda request: Says(text, list(calls), **more)


def only(records: Records, run: Run) -> Label:
    (label,) = [label for label in records.labels(run) if label.batch_key is not None]
    return label


@pytest.mark.parametrize(
    ("play", "reason"),
    [
        (says(refusal="No."), "refused"),
        (says(text="I am sure.", finish="content_filter"), "refused"),
        (says(text="It promotes colours."), "no label"),
        (says(text="It promotes", finish="length"), "malformed reply"),
        (says(Call("test_token_set", '{"specs": ["pos.NN"')), "malformed call"),
        (says(Call("test_token_set", "[1, 2]")), "malformed call"),
        (says(Call("test_token_set", {"specs": ["pos.NN"], "features": "3", "depth": 2})), "malformed call"),
        (says(Call("score_label", {"label": 1})), "malformed call"),
        (says(Call("submit_label", {"text": "It promotes colours."})), "malformed label"),
        (says(Call("submit_label", the_label(3, "no.such.set"))), "malformed label"),
        (endless("test_token_set", {"specs": ["no.such.set"], "features": "3"}), "too many steps"),
        (endless("suggest_sets", {"tokens": ["red", "blue"]}), "too many steps"),
    ],
    ids=[
        *("a refusal", "a content filter", "prose", "a reply cut off", "half of JSON", "a list", "an unknown argument"),
        *("an unknown tool", "half a label", "an unknown set", "an error each time", "the same call for ever"),
    ],
)
def test_what_is_no_label_after_a_repair_is_a_failure(
    labelled: Labelled, records: Records, play: Play, reason: str
) -> None:
    with fake_llm.serve(play) as llm:
        run = labelled(llm, [3], steps=5)
        assert len(llm.seen) <= 5
    label = only(records, run)
    assert (label.status, label.reason, label.text, label.claim) == ("failed", reason, "", "none")
    assert label.hypotheses == [] and label.confidence is None and label.provenance["message"]
    assert read_transcript(run, 3)[0]["role"] == "system"


@pytest.mark.parametrize("labeler", ["one-shot", "best-of-k"])
def test_a_text_that_holds_no_label_is_asked_for_once_more(labelled: Labelled, records: Records, labeler: str) -> None:
    with fake_llm.serve(says(text="It promotes colours.")) as llm:
        assert only(records, labelled(llm, [3], labeler=labeler)).reason == "malformed label"
        asked = len(llm.seen)
    assert asked == (2 if labeler == "one-shot" else 6)


@pytest.mark.parametrize(
    "mistake",
    [
        Says("", [Call("get_feature", "{")]),
        Says("", [Call("no_such_tool")]),
        Says("I think it is clear."),
        Says("", [Call("submit_label", {"text": "Colours."})]),
    ],
    ids=["half of JSON", "an unknown tool", "prose", "half a label"],
)
def test_one_mistake_is_repaired(labelled: Labelled, records: Records, mistake: Says) -> None:
    def play(request: dict[str, Any]) -> Says:
        label = the_label(feature_of(request), "pos.NN")
        return mistake if replies_before(request) == 0 else Says("", [Call("submit_label", label)])

    with fake_llm.serve(play) as llm:
        label = only(records, labelled(llm, [3]))
    assert label.status in ("labelled", "no_claim") and label.text == "Promotes pos.NN."


def test_a_server_without_tool_calling_is_asked_for_a_label_at_once_and_the_label_says_so(
    labelled: Labelled, records: Records
) -> None:
    with fake_llm.serve(one_shot, faults={0: NO_TOOLS, 1: NO_TOOLS}) as llm:
        run = labelled(llm, [3, 24], concurrency=1)
        bodies = [seen.body for seen in llm.seen]
    assert "tools" in bodies[0] and all("tools" not in body for body in bodies[-2:])
    labels = [label for label in records.labels(run) if label.batch_key]
    assert len(labels) == 2 and all(label.provenance["tool_calling"] is False for label in labels)
    assert all(label.status != "failed" for label in labels)


def test_a_context_that_overflows_is_shortened_and_one_that_stays_too_long_is_a_failure(
    labelled: Labelled, records: Records
) -> None:
    with fake_llm.serve(investigation, faults={2: OVERFLOW}) as llm:
        run = labelled(llm, [3])
        roles = [message["role"] for message in llm.seen[-1].body["messages"]]
    assert only(records, run).status != "failed" and roles[:2] == ["system", "user"]
    with fake_llm.serve(investigation, faults=lambda number: OVERFLOW) as llm:
        assert only(records, labelled(llm, [24], "long")).reason == "context overflow"
        assert len(llm.seen) == 3  # as it was, with fewer examples, with none


def test_tools_work_on_a_thread_of_their_own(
    labelled: Labelled, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[str] = set()

    def noted(work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            threads.add(threading.current_thread().name)
            return work(*given)

        return call

    monkeypatch.setattr(asking, "briefing", noted(asking.briefing))
    monkeypatch.setattr(asking, "judged", noted(asking.judged))
    with fake_llm.serve(investigation) as llm:
        labelled(llm, [3])
    assert threads == {"model_0"}


def test_no_labeler_can_score_or_write_past_its_own_label(pocket_bench: Any, records: Records) -> None:
    from tsea.labeler.agent.investigator import FUNCTIONS

    names = {function["function"]["name"] for function in FUNCTIONS}
    assert "submit_label" in names and not names & {"score_label", "label_features", "start_job", "open_subject"}
    run = records.open_run("run", "pocket", pocket_bench.subject.hash, {})
    case = Case(pocket_bench, records, run, 3)
    with pytest.raises(NotImplementedError):
        case.pending.write_block(run, [Label(feature=3, status="labelled", text="", kind="", claim="none")])
