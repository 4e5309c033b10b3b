"""A process of its own that labels features of the bundled subject in the run called `run` of a database.

It knows few sets, the same ones each time, so that what the first such process makes takes seconds.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from fake_llm import MODEL, FakeLLM

from tsea.labeler.agent.conversation import Style
from tsea.labeler.agent.run import ModelRun, label_by_model
from tsea.labeler.llm.endpoint import Endpoint
from tsea.tools.libraries import library_of
from tsea.tools.storage.cache import ByteCache
from tsea.tools.storage.records import Records
from tsea.tools.subject import open_subject
from tsea.tools.token_sets.library import TokenSetLibrary
from tsea.tools.workbench import Workbench


def start(llm: FakeLLM, database: str, features: range, concurrency: int) -> subprocess.Popen[bytes]:
    """Start one."""
    arguments = [llm.url, database, str(features.start), str(features.stop), str(concurrency)]
    return subprocess.Popen([sys.executable, __file__, *arguments])


def _label(url: str, database: str, first: int, last: int, concurrency: int) -> None:
    cache, subject = ByteCache(), open_subject("pocket")
    library, _ = library_of(subject.vocabulary, cache)
    few = [s for family in ("regex", "suffix") for s in library.select(f"{family}.*")]
    workbench = Workbench(subject, TokenSetLibrary(few, subject.vocabulary.hash), cache=cache)
    asked = ModelRun("agent", Style(MODEL), Endpoint(url), concurrency=concurrency)
    with Records(database) as records:
        label_by_model(workbench, records, np.arange(first, last), asked, run_name="run")


if __name__ == "__main__":
    url, database, *numbers = sys.argv[1:]
    first, last, concurrency = map(int, numbers)
    _label(url, database, first, last, concurrency)
