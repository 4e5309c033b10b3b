"""One feature to be labelled: its own investigation of the subject, and the tools that may be used on it."""

from __future__ import annotations

from typing import Any

from ...tools.investigation import Investigation
from ...tools.storage.pending import PendingRecords
from ...tools.storage.records import Records
from ...tools.storage.tables import Run
from ...tools.tool import Tool
from ...tools.toolbox import SCIENCE_TOOLS
from ...tools.workbench import Workbench
from ..toolbox import LABEL_TOOLS

SUBMIT = "submit_label"
# Of one subject, which is open; all that write no label, and the one that ends an investigation.
TOOLS: list[Tool[Any]] = [
    tool
    for tool in (*SCIENCE_TOOLS, *LABEL_TOOLS)
    if not tool.job_only and (tool.writes in ("nothing", "sets") or tool.name == SUBMIT) and tool.name != "open_subject"
]


class Case:
    """A feature of a run with an investigation of its own, whose tests are written when its label is."""

    def __init__(self, workbench: Workbench, records: Records, run: Run, feature: int) -> None:
        self.run, self.feature = run, feature
        self.pending = PendingRecords(records, run)
        self.investigation = Investigation(
            [workbench.subject.name], run=run.name, opener=lambda _: workbench, records=self.pending
        )
