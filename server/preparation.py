"""What the server does while nobody asks: loading the first subject, and what first questions would wait for."""

from __future__ import annotations

import sys
from collections.abc import Callable

from ..tools.investigation import Investigation
from .jobs import Jobs


def prepare(investigation: Investigation, jobs: Jobs) -> None:
    """Queue the steps, each by itself, so that calls come between them.

    What cannot work, as a database that cannot be opened, is said on stderr before anybody asks.
    """
    said: set[str] = set()

    def failed(error: str) -> None:
        if error not in said:  # every step needs the subject
            said.add(error)
            sys.stderr.write(f"tsea serve: {error}\n")
            sys.stderr.flush()

    for name, step in _steps(investigation):
        jobs.prepare(name, step, failed)


def _steps(investigation: Investigation) -> list[tuple[str, Callable[[], object]]]:
    def features() -> None:
        import numpy as np

        workbench = investigation.workbench()
        for _ in workbench.stats(np.array([0])), workbench.enrich(np.array([0])):
            next(iter(_))

    def tests() -> None:
        import numpy as np

        workbench = investigation.workbench()
        for null in ("present", "specific"):
            list(workbench.test_set(np.array([0]), workbench.sets[0].name, null))

    def text() -> None:
        from ..tools.activations.indexing import can_open_index

        workbench = investigation.workbench()
        if can_open_index(workbench.subject):
            workbench.activity.find("a text")

    def inputs() -> None:
        import numpy as np

        from ..tools.activations.indexing import can_open_index
        from ..tools.inputs.rows import reading_rows

        workbench = investigation.workbench()
        if can_open_index(workbench.subject):
            reading_rows(workbench.reading, np.array([0]))

    return [
        ("records", lambda: investigation.records),
        ("loading", investigation.workbench),
        ("features", features),
        ("texts", text),
        ("tests", tests),
        ("inputs", inputs),
    ]
