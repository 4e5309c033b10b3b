"""Importing the library or the command line stays quick: heavy libraries are imported when they are first used."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"matplotlib", "nltk", "openai", "sae_lens", "sqlalchemy", "torch", "transformer_lens", "transformers"}


@pytest.mark.parametrize("module", ["tsea.tools", "tsea.labeler.llm.client", "tsea.server.cli"])
def test_importing_loads_no_heavy_library(module: str) -> None:
    script = f"import json, sys, {module}; print(json.dumps([name for name in sys.modules if '.' not in name]))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    loaded = set(json.loads(run.stdout))
    assert "json" in loaded
    assert not loaded & HEAVY
