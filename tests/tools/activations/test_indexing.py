from __future__ import annotations

from pathlib import Path

import pytest

from tsea.tools.activations import indexing
from tsea.tools.activations.indexing import index_corpus
from tsea.tools.subject import open_subject


def test_of_the_bundled_text_the_first_part_is_read_and_more_where_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSEA_HOME", str(tmp_path))
    monkeypatch.setattr(indexing, "BUNDLED_TOKENS", 2 * 127)
    subject = open_subject("pocket/neurons/0")
    first, more = index_corpus(subject, None), index_corpus(subject, None, 5 * 127)
    assert (first.firsts[-1], more.firsts[-1]) == (2 * 127, 5 * 127)
