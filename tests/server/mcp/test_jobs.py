"""Jobs: turns, cancellation, budgets, and ids that fetch results later."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tsea.server.jobs import KEPT, BusyError, Job, Jobs
from tsea.tools.errors import TseaError, UsageError
from tsea.tools.investigation import Investigation
from tsea.tools.progress import to_current
from tsea.tools.tool import Answer, Arguments, Tool

WAIT = 20.0  # seconds after which a test gives up


class Nothing(Arguments):
    """No argument."""


def tool(work: Callable[[], Any], *, heavy: bool = True) -> Tool[Nothing]:
    return Tool("work", "Work", "Works.", Nothing, lambda _, __: Answer({"done": work()}), heavy=heavy)


class Gate:
    """Work that says when it has begun and goes on reporting progress until it is opened."""

    def __init__(self) -> None:
        self.begun, self.opened = threading.Event(), threading.Event()
        self.steps = 0

    def __call__(self) -> str:
        self.begun.set()
        while not self.opened.wait(0.002):
            self.steps += 1
            to_current("steps", self.steps, 0)
        return "through"


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    made = Jobs(Investigation(), waiting=2, budget=WAIT)
    yield made
    made.close()


def ended(job: Job) -> Job:
    assert job.finished.wait(WAIT)
    return job


def test_a_job_answers_and_its_id_fetches_the_answer_later(jobs: Jobs) -> None:
    job = ended(jobs.start(tool(lambda: 7), {}))
    assert (job.state, job.answer) == ("done", Answer({"done": 7}))
    assert jobs.get(jobs.keep(job)) is job


def test_heavy_jobs_take_turns_and_light_ones_do_not_wait_for_them(jobs: Jobs) -> None:
    gate = Gate()
    first, second = jobs.start(tool(gate), {}), jobs.start(tool(lambda: "second"), {})
    assert gate.begun.wait(WAIT)
    assert ended(jobs.start(tool(lambda: "light", heavy=False), {})).state == "done"
    assert (first.state, second.state) == ("running", "queued")
    gate.opened.set()
    assert ended(second).state == "done" and first.state == "done"


def test_a_full_queue_asks_to_come_back_and_keeps_nothing_of_the_call(jobs: Jobs) -> None:
    gate = Gate()
    jobs.start(tool(gate), {})
    assert gate.begun.wait(WAIT)
    waiting = [jobs.start(tool(lambda: 1), {}) for _ in range(2)]
    with pytest.raises(BusyError, match="Try again in some seconds"):
        jobs.start(tool(lambda: 1), {})
    gate.opened.set()
    assert [ended(job).state for job in waiting] == ["done", "done"]
    assert ended(jobs.start(tool(lambda: 1), {})).state == "done"


def test_a_cancelled_job_stops_at_its_next_step_and_the_next_one_begins(jobs: Jobs) -> None:
    gate = Gate()
    job = jobs.start(tool(gate), {})
    assert gate.begun.wait(WAIT)
    job.cancel()
    assert ended(job).state == "cancelled" and job.answer is None
    steps = gate.steps
    assert ended(jobs.start(tool(lambda: 1), {})).state == "done"
    assert gate.steps == steps


def test_a_job_that_waits_is_cancelled_without_ever_running(jobs: Jobs) -> None:
    gate, ran = Gate(), threading.Event()
    jobs.start(tool(gate), {})
    assert gate.begun.wait(WAIT)
    job = jobs.start(tool(ran.set), {})
    job.cancel()
    assert job.state == "cancelled"
    gate.opened.set()
    ended(jobs.start(tool(lambda: 1), {}))
    assert not ran.is_set()


def test_a_job_beyond_its_budget_fails_and_says_to_ask_for_less() -> None:
    job = ended(Jobs(Investigation(), budget=0.01).start(tool(Gate()), {}))
    assert job.state == "failed" and job.error is not None and "ask for less" in job.error


def test_expected_errors_are_told_and_bugs_are_logged_not_told(jobs: Jobs, caplog: pytest.LogCaptureFixture) -> None:
    def fail(error: Exception) -> Callable[[], None]:
        def work() -> None:
            raise error

        return work

    job = ended(jobs.start(tool(fail(TseaError("No room: free some.", ["a detail"]))), {}))
    assert (job.state, job.error) == ("failed", "No room: free some. a detail")
    job = ended(jobs.start(tool(fail(KeyError("a secret path"))), {}))
    assert job.state == "failed" and job.error is not None
    assert "KeyError" in job.error and "secret" not in job.error
    assert "a secret path" in caplog.text


def test_progress_of_a_running_job_is_its_own(jobs: Jobs) -> None:
    gate = Gate()
    job = jobs.start(tool(gate), {})
    assert gate.begun.wait(WAIT)
    other = ended(jobs.start(tool(lambda: to_current("light", 1, 2), heavy=False), {}))
    assert other.progress == ("light", 1, 2)
    gate.opened.set()
    assert ended(job).progress is None or job.progress is not None and job.progress[0] == "steps"


def test_preparation_makes_room_for_a_call_and_is_done_again(jobs: Jobs) -> None:
    rounds: list[Gate] = []
    done = threading.Event()

    def prepared() -> None:
        rounds.append(Gate())
        if len(rounds) == 1:
            rounds[0]()
        done.set()

    jobs.prepare("preparing", prepared, pytest.fail)
    while not rounds:
        pass
    assert ended(jobs.start(tool(lambda: 1), {})).state == "done"
    assert done.wait(WAIT)
    assert len(rounds) == 2 and not rounds[0].opened.is_set()


def test_preparation_that_fails_says_why(jobs: Jobs) -> None:
    said: list[str] = []
    jobs.prepare("preparing", Investigation(["pocket", "none"]).close, said.append)
    jobs.prepare("preparing", lambda: Investigation().name("nowhere"), said.append)
    assert ended(jobs.start(tool(lambda: 1), {})).state == "done"
    while not said:
        time.sleep(0.001)
    assert len(said) == 1 and "nowhere" in said[0]


def test_a_job_in_the_background_gives_way_to_calls_and_gets_longer_turns(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tsea.server.jobs.FIRST_TURN_SECONDS", 0.05)
    rounds: list[Gate] = []

    def again() -> str:
        rounds.append(Gate())
        return rounds[-1]()

    background = jobs.start(tool(again), {}, background=True)
    for turn in (1, 2, 3):
        while len(rounds) < turn:
            time.sleep(0.001)
        began = time.monotonic()
        assert rounds[-1].begun.wait(WAIT)
        assert ended(jobs.start(tool(lambda: "call"), {})).state == "done"
        assert time.monotonic() - began > 0.04 * 2 ** (turn - 1)
        assert not background.finished.is_set()
    while len(rounds) < 4:
        time.sleep(0.001)
    rounds[-1].opened.set()
    assert ended(background).answer == Answer({"done": "through"}) and background.turns == 3
    assert background.seconds > 0.05 + 0.1 + 0.2


def test_a_job_that_gave_way_can_be_cancelled_while_it_waits(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsea.server.jobs.FIRST_TURN_SECONDS", 0.0)
    first, call = Gate(), Gate()
    background = jobs.start(tool(first), {}, background=True)
    assert first.begun.wait(WAIT)
    waiting_for = jobs.start(tool(call), {})
    assert call.begun.wait(WAIT)
    assert background.state == "queued"
    background.cancel()
    assert ended(background).state == "cancelled"
    call.opened.set()
    assert ended(waiting_for).state == "done"


def test_ids_cannot_be_guessed_and_the_oldest_are_forgotten(jobs: Jobs) -> None:
    first = Job("work", lambda: None)
    first.cancel()
    running = jobs.keep(Job("work", lambda: None))
    kept = [jobs.keep(first), *(jobs.keep(Job("work", lambda: None)) for _ in range(KEPT))]
    assert len(set(kept)) == len(kept) and all(len(job_id) >= 22 for job_id in kept)
    assert jobs.get(kept[-1]).id == kept[-1] and jobs.get(running).id == running
    for job_id in (kept[0], "1", ""):
        with pytest.raises(UsageError, match="Call the tool again"):
            jobs.get(job_id)


def test_closing_stops_what_runs_and_what_waits(jobs: Jobs) -> None:
    gate = Gate()
    running, waiting = jobs.start(tool(gate), {}), jobs.start(tool(lambda: 1), {})
    assert gate.begun.wait(WAIT)
    jobs.close()
    assert {ended(running).state, ended(waiting).state} == {"cancelled"}


def test_threads_are_started_when_needed_and_go_when_all_is_closed(jobs: Jobs) -> None:
    """The engine of regular expressions gets slower with every thread of the process."""
    before = set(threading.enumerate())
    gates = [Gate() for _ in range(5)]
    waiting = [jobs.start(tool(gate, heavy=False), {}) for gate in gates]
    assert all(gate.begun.wait(WAIT) for gate in gates)
    assert ended(jobs.start(tool(lambda: 1), {})).state == "done"
    mine = set(threading.enumerate()) - before
    assert len(mine) == len(gates) + 1
    jobs.close()
    assert {ended(job).state for job in waiting} == {"cancelled"}
    for thread in mine:
        thread.join(WAIT)
        assert not thread.is_alive()
    assert ended(jobs.start(tool(lambda: 2), {})).answer == Answer({"done": 2})


def test_calls_that_are_cancelled_while_they_wait_give_their_place_up(jobs: Jobs) -> None:
    gate = Gate()
    jobs.start(tool(gate), {})
    assert gate.begun.wait(WAIT)
    for job in [jobs.start(tool(lambda: 1), {}) for _ in range(2)]:
        job.cancel()
    again = [jobs.start(tool(lambda: 2), {}) for _ in range(2)]
    gate.opened.set()
    assert [ended(job).answer for job in again] == [Answer({"done": 2})] * 2
