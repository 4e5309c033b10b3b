"""Work that takes turns: every tool call is a job, heavy ones one after another, and whoever asked may stop waiting.

A job outlives the call that started it, so that long work survives a client that gives up or reconnects: its id, which
nobody can guess, fetches the result. Threads are daemons: the process ends at once, whatever they are at.
"""

from __future__ import annotations

import itertools
import logging
import queue
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

from ..tools.errors import TseaError, UsageError
from ..tools.investigation import Investigation
from ..tools.progress import reporting_to
from ..tools.tool import Answer, Tool

State = Literal["queued", "running", "done", "failed", "cancelled"]
WAITING = 32  # heavy jobs in the queue; beyond, callers are asked to come back
LIGHT_WAITING = 512
CONTROL_THREADS = 2
LIGHT_THREADS = 32  # threads of jobs that only read, or wait for another one
KEPT = 256  # jobs whose ids were given out
BUDGET_SECONDS = 3600.0  # a job that runs longer is stopped
# Jobs that were started, and preparations, give way to calls after so many seconds, doubled each time: what resumes
# from its own records gets further between two calls, what begins anew is not interrupted for ever.
FIRST_TURN_SECONDS = 5.0
FIRST_PREPARING_SECONDS = 0.2
Priority = Literal[0, 1, 2]
_CALL: Priority = 0
_BACKGROUND: Priority = 1
_PREPARATION: Priority = 2

_log = logging.getLogger(__name__)


class BusyError(TseaError):
    """Too many jobs wait already."""


class Stopped(BaseException):
    """Raised inside a job's work to end it; no `except Exception` on the way swallows it."""


class Job:
    """One call of a tool: its state, how far it is, and in the end an answer or an error."""

    def __init__(self, name: str, work: Callable[[], Answer | None], budget: float = BUDGET_SECONDS) -> None:
        self.id = secrets.token_urlsafe(16)
        self.name = name
        self.state: State = "queued"
        self.progress: tuple[str, int, int] | None = None
        self.answer: Answer | None = None
        self.error: str | None = None
        self.finished = threading.Event()
        self._work, self._budget = work, budget
        self._stop = threading.Event()
        self.turns = 0  # that ended before it did
        self._clock: tuple[float, float | None] = (0.0, None)  # seconds of these; when the present one began
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    @property
    def seconds(self) -> float:
        """How long it has run, or ran."""
        return sum(self._times())

    @property
    def turn_seconds(self) -> float:
        """How long it has run since it last had to wait."""
        return self._times()[1]

    def _times(self) -> tuple[float, float]:
        before, begun = self._clock
        return before, 0.0 if begun is None else time.monotonic() - begun

    def cancel(self) -> None:
        """Stop it before its next step; what has ended stays as it is."""
        self._stop.set()
        self._end("cancelled", only_from="queued")

    def when_finished(self, listener: Callable[[], None]) -> None:
        """Call `listener`, from whatever thread, once the job has ended."""
        with self._lock:
            if not self.finished.is_set():
                self._listeners.append(listener)
                return
        listener()

    def run(self, interrupted: Callable[[], bool] = lambda: False) -> bool:
        """Do the work on this thread; False where `interrupted` asked for room, and it has to be done again."""
        with self._lock:
            if self.finished.is_set():
                return True
            self.state, self._clock = "running", (self.seconds, time.monotonic())

        def report(what: str, done: int, total: int) -> None:
            self.progress = (what, done, total)
            if self._stop.is_set() or self.seconds > self._budget or interrupted():
                raise Stopped

        try:
            with reporting_to(report):
                self.answer = self._work()
            self._end("done")
        except Stopped:
            if self._stop.is_set():
                self._end("cancelled")
            elif self.seconds > self._budget:
                self.error = f"Stopped after {self._budget:.0f} seconds: ask for less, such as fewer features."
                self._end("failed")
            else:
                with self._lock:
                    self._pause()
                    self.state, self.turns = "queued", self.turns + 1
                if self._stop.is_set():
                    self._end("cancelled")
                return self.finished.is_set()
        except TseaError as error:
            self.error = " ".join((str(error), *error.details))
            self._end("failed")
        except BaseException as error:
            if self._stop.is_set():  # at the end of the process, whatever breaks then
                self._end("cancelled")
                return True
            _log.exception("%s failed", self.name)
            self.error = (
                f"{self.name} failed unexpectedly ({type(error).__name__}): a bug of the server, whose log says more. "
                "Other arguments may work."
            )
            self._end("failed")
        return True

    def _end(self, state: State, only_from: State | None = None) -> None:
        with self._lock:
            if self.finished.is_set() or only_from not in (None, self.state):
                return
            self._pause()
            self.state = state
            self.finished.set()
            listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener()

    def _pause(self) -> None:
        self._clock = (self.seconds, None)


class _Threads:
    """Daemon threads that take jobs from a queue: one is started for a job that finds none idle, up to `most`."""

    def __init__(self, name: str, most: int, run: Callable[[Job, Priority], None]) -> None:
        self._name, self._most, self._run = name, most, run
        self._jobs: queue.PriorityQueue[tuple[int, int, Job | None]] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._idle = threading.Semaphore(0)
        self._started = 0
        self._lock = threading.Lock()

    def put(self, job: Job, priority: Priority) -> None:
        self._jobs.put((priority, next(self._numbers), job))
        with self._lock:
            if not self._idle.acquire(blocking=False) and self._started < self._most:
                self._started += 1
                threading.Thread(target=self._serve, name=f"{self._name}-{self._started}", daemon=True).start()

    def end(self) -> None:
        """Let every thread end once nothing waits."""
        with self._lock:
            for _ in range(self._started):
                self._jobs.put((_PREPARATION + 1, next(self._numbers), None))

    def _serve(self) -> None:
        while True:
            try:
                priority, _, job = self._jobs.get_nowait()
            except queue.Empty:
                self._idle.release()
                priority, _, job = self._jobs.get()
            if job is None:
                return
            self._run(job, cast(Priority, priority))


class _Queue:
    """Jobs in order of priority, done by threads of its own; all but calls make room when a call waits."""

    def __init__(self, name: str, threads: int, most: int) -> None:
        self._name, self._most_threads, self._most = name, threads, most
        # What waits; a job that is cancelled gives its place up at once.
        self._waiting: dict[Priority, set[Job]] = {_CALL: set(), _BACKGROUND: set(), _PREPARATION: set()}
        self._lock = threading.Lock()
        self._threads = _Threads(name, threads, self._run)

    def put(self, job: Job, priority: Priority) -> None:
        """Let a job wait for its turn; raises BusyError where too many of its priority wait."""
        with self._lock:
            waiting = self._waiting[priority]
            if len(waiting) >= self._most:
                raise BusyError(
                    f"The server is busy: {len(waiting)} {'calls' if priority == _CALL else 'jobs'} wait already. Try "
                    "again in some seconds, or with one call at a time."
                )
            waiting.add(job)
        self._enter(job, priority)

    def clear(self) -> None:
        """End its threads, each once it is done; what is put later is done by others."""
        with self._lock:
            self._threads.end()
            self._threads = _Threads(self._name, self._most_threads, self._run)

    def _run(self, job: Job, priority: Priority) -> None:
        self._leave(job, priority)
        if not job.run(self._interruption(job, priority)):
            # What had its place before gets one again, however many wait.
            with self._lock:
                self._waiting[priority].add(job)
            self._enter(job, priority)

    def _enter(self, job: Job, priority: Priority) -> None:
        job.when_finished(lambda: self._leave(job, priority))
        with self._lock:
            self._threads.put(job, priority)

    def _interruption(self, job: Job, priority: Priority) -> Callable[[], bool]:
        first = FIRST_TURN_SECONDS if priority == _BACKGROUND else FIRST_PREPARING_SECONDS
        turn = first * 2**job.turns
        before_it = [waiting for other, waiting in self._waiting.items() if other < priority]
        return lambda: job.turn_seconds >= turn and any(before_it)

    def _leave(self, job: Job, priority: Priority) -> None:
        with self._lock:
            self._waiting[priority].discard(job)


class Jobs:
    """Runs tools on an investigation; `budget` in seconds."""

    def __init__(self, investigation: Investigation, *, waiting: int = WAITING, budget: float = BUDGET_SECONDS) -> None:
        self._investigation, self._budget = investigation, budget
        self._heavy = _Queue("model", 1, waiting)
        self._light = _Queue("light", LIGHT_THREADS, LIGHT_WAITING)
        self._control = _Queue("control", CONTROL_THREADS, LIGHT_WAITING)
        self._known: OrderedDict[str, Job] = OrderedDict()
        self._running: set[Job] = set()
        self._lock = threading.Lock()

    def start(self, tool: Tool[Any], given: Mapping[str, Any], *, background: bool = False) -> Job:
        """Begin a call, or a job in the `background` that gives way to calls.

        Raises UsageError for wrong arguments and BusyError where too many wait.
        """
        arguments = tool.parse(given)
        self._investigation.name(getattr(arguments, "subject", ""))  # no unknown subject waits for its turn
        job = Job(tool.name, lambda: tool.run(self._investigation, arguments), self._budget)
        self._watch(job)
        try:
            self._queue(tool).put(job, _BACKGROUND if background else _CALL)
        except BusyError:
            job.cancel()
            raise
        return job

    def _queue(self, tool: Tool[Any]) -> _Queue:
        """Starting and cancelling jobs never waits behind those who wait for one."""
        if tool.heavy or tool.job_only:
            return self._heavy
        return self._control if tool.writes == "jobs" else self._light

    def prepare(self, what: str, work: Callable[[], object], failed: Callable[[str], object]) -> None:
        """Do something whenever no call waits: it is interrupted by calls and begun again; `failed` is told why."""

        def quiet() -> None:
            work()

        def tell() -> None:
            if job.error:
                failed(job.error)

        job = Job(what, quiet, self._budget)
        job.when_finished(tell)
        self._watch(job)
        self._heavy.put(job, _PREPARATION)

    def keep(self, job: Job) -> str:
        """Let a job be asked about later, and return its id; of those that ended, the oldest are forgotten."""
        with self._lock:
            self._known[job.id] = job
            ended = [one.id for one in self._known.values() if one.finished.is_set() and one is not job]
            for job_id in ended[: max(0, len(self._known) - KEPT)]:
                del self._known[job_id]
        return job.id

    def get(self, job_id: str) -> Job:
        """A kept job; raises UsageError for an id that nobody was given."""
        with self._lock:
            job = self._known.get(job_id)
        if job is None:
            raise UsageError(
                f"No job {job_id[:40]!r}: ids come from start_job or from calls that took long; a restart ends them."
                " Call the tool again."
            )
        return job

    def close(self) -> None:
        """Ask everything that runs or waits to stop, and let the threads go."""
        with self._lock:
            running = list(self._running)
        for job in running:
            job.cancel()
        for one in (self._heavy, self._light, self._control):
            one.clear()

    def _watch(self, job: Job) -> None:
        with self._lock:
            self._running.add(job)
        job.when_finished(lambda: self._running.discard(job))
