"""Tools about jobs: starting long work, asking how far it is, stopping it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from pydantic import Field

from ..tools.errors import UsageError, nearest
from ..tools.tool import MAX_TEXT, Answer, Arguments, Tool, by_name
from .jobs import Job, Jobs

MAX_WAIT = 20.0  # seconds
JobId = Annotated[
    str, Field(min_length=1, max_length=100, description="job_id that start_job or a long call answered.")
]


class StartJob(Arguments):
    """Arguments of start_job."""

    tool: str = Field(min_length=1, max_length=100, description="label_features, or another tool that may take long.")
    arguments: str = Field(
        "{}", max_length=5 * MAX_TEXT, description='Its arguments as JSON text: {"features": "top:64:skewness"}.'
    )


class GetJob(Arguments):
    """Arguments of get_job."""

    job_id: JobId
    wait_seconds: float = Field(0, ge=0, le=600, description="Wait so long for it to end, 20 at most.")


class CancelJob(Arguments):
    """Arguments of cancel_job."""

    job_id: JobId


def job_state(job: Job) -> dict[str, Any]:
    """Where a job stands, and its result or error."""
    state: dict[str, Any] = {"job_id": job.id, "tool": job.name, "state": job.state, "seconds": round(job.seconds, 1)}
    if job.progress and not job.finished.is_set():
        what, done, total = job.progress
        state["progress"] = {"what": what, "done": done, "total": total}
    if job.error:
        state["error"] = job.error
    if job.answer:
        state["result"] = dict(job.answer.content)
    if not job.finished.is_set():
        state["next"] = "get_job with wait_seconds 20"
    return state


def job_tools(jobs: Callable[[], Jobs], startable: Sequence[Tool[Any]]) -> list[Tool[Any]]:
    """The three tools; `startable` are those that start_job may start."""
    known = by_name(startable)

    def start(_: object, given: StartJob) -> Answer:
        if given.tool not in known:
            raise UsageError(
                f"start_job: no tool {given.tool!r}.{nearest(given.tool, known)} Tools: {', '.join(known)}."
            )
        try:
            arguments = json.loads(given.arguments)
        except (ValueError, RecursionError):
            arguments = None
        if not isinstance(arguments, dict):
            raise UsageError(
                'start_job: arguments is no JSON object. Write for example {"features": "top:64:skewness"}.'
            )
        job = jobs().start(known[given.tool], arguments, background=True)
        jobs().keep(job)
        return Answer(job_state(job))

    def get(_: object, given: GetJob) -> Answer:
        job = jobs().get(given.job_id)
        job.finished.wait(min(given.wait_seconds, MAX_WAIT))
        found = job.answer
        return Answer(job_state(job), found.picture if found else None, found.plot if found else None)

    def cancel(_: object, given: CancelJob) -> Answer:
        job = jobs().get(given.job_id)
        if job.finished.is_set():
            return Answer({**job_state(job), "note": "It had ended already: nothing was cancelled."})
        job.cancel()
        note = {} if job.finished.is_set() else {"note": "It stops before its next step; get_job shows when it has."}
        return Answer(job_state(job) | note)

    names = ", ".join(tool.name for tool in startable if tool.job_only)
    return [
        Tool(
            "start_job",
            "Start a job",
            f"Start long work in the background and get a job_id at once: {names or 'any tool'}, or another tool on "
            "many features. It gives way to calls. Calls that take over 45 seconds become jobs by themselves.",
            StartJob,
            start,
            writes="jobs",
            heavy=False,
        ),
        Tool(
            "get_job",
            "Ask about a job",
            "State, progress and, once done, the result of a job; it survives reconnecting.",
            GetJob,
            get,
            heavy=False,
        ),
        Tool(
            "cancel_job",
            "Cancel a job",
            "Stop a job that was started: before its next step if it runs, at once if it waits.",
            CancelJob,
            cancel,
            writes="jobs",
            heavy=False,
        ),
    ]
