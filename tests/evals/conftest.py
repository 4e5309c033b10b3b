"""The exam of the bundled subject, on the index that the tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tsea.evals.exam.exam import Exam
from tsea.tools.inputs.enrichment import ReadingEnrichment
from tsea.tools.workbench import Workbench


@pytest.fixture(scope="session")
def exam(pocket_bench: Workbench, pocket_reading: ReadingEnrichment, indexed_home: Path) -> Exam:
    """Opened, so that it needs the index no more."""
    made = Exam(pocket_bench)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TSEA_HOME", str(indexed_home))
        assert made.contexts.index and made.tokens.ids.size and made.identity and made.density is not None
    return made
