"""Tools about subjects: what is studied, and what is known about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from ..tool import Answer, Arguments, SubjectArguments, Tool

if TYPE_CHECKING:
    from ..investigation import Investigation
    from ..workbench import Workbench

_QUANTILES = (0.05, 0.5, 0.95)
_MOMENTS = ("std", "skewness", "kurtosis")


class OpenSubject(Arguments):
    """Arguments of open_subject."""

    subject: str = Field(min_length=1, max_length=300, description="One of the names that describe_subject lists.")


def describe(investigation: Investigation, given: SubjectArguments) -> Answer:
    """What is studied, how its features are spread over classes, and what can be asked."""
    workbench = investigation.workbench(given.subject)
    subject, library = workbench.subject, workbench.open_library
    content: dict[str, Any] = {
        "subject": subject.name,
        "served": _served(investigation),
        "features": subject.n_features,
        "alive": int(subject.alive.sum()),
        "read_at": subject.hook_name,
        "written_at": subject.hook_out,
        "d_model": subject.d_model,
        "convention": subject.convention,
        "tokens": {"ranked": len(subject.universe), "open": len(workbench.open_ids)},
        "classes": [row.model_dump(by_alias=True) for row in workbench.class_proportions()],
        "moments_5_50_95_percent": _moments(workbench),
        "token_sets": {
            "sets": len(library.library),
            "testable": len(library.testable),
            "families": {family: sets for family, sets, _ in library.families()},
        },
        "index": _index(workbench),
        "run": investigation.run_name(given.subject),
    }
    return Answer(content)


def open_subject(investigation: Investigation, given: OpenSubject) -> Answer:
    """Load a subject, so that questions about it are quick."""
    subject = investigation.workbench(given.subject).subject
    return Answer({"subject": subject.name, "features": subject.n_features, "served": _served(investigation)})


def _served(investigation: Investigation) -> list[dict[str, str]]:
    return [{"subject": name, "state": investigation.state(name)} for name in investigation.subjects]


def _moments(workbench: Workbench) -> dict[str, list[float]]:
    import numpy as np

    moments, alive = workbench.shapes.dictionary.moments, workbench.subject.alive
    return {name: np.nanquantile(getattr(moments, name)[alive], _QUANTILES).tolist() for name in _MOMENTS}


def _index(workbench: Workbench) -> dict[str, Any] | str:
    from ..activations.indexing import can_open_index, has_index

    subject = workbench.subject
    if subject.encoder is None:
        return "none: these directions do not fire, so nothing can be asked about text"
    if not can_open_index(subject):
        return f"none: somebody must run `tsea index --corpus FILES --subject {subject.name}` where the server runs"
    if not has_index(subject):
        return "not made yet: the first question about text makes it, which takes a minute or more"
    return "ready: what features do on text can be asked"


SUBJECT_TOOLS: list[Tool[Any]] = [
    Tool(
        "describe_subject",
        "Describe the subject",
        "What is studied: model and dictionary, hook points, classes of features beside random directions, token set "
        "families, whether there is an activation index, and the run that counts your tests. Call it first.",
        SubjectArguments,
        describe,
    ),
    Tool(
        "open_subject",
        "Open a subject",
        "Load another of the served subjects, so that later calls with its name are quick. Takes seconds to minutes.",
        OpenSubject,
        open_subject,
    ),
]
