"""The main job on a published subject at full size, through the real loading code, from a hub on loopback."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hub import Hub

# The command line with its own peak memory as the last line of stderr. Model, dictionary and blocks of directions have
# their full size. Fewer reference directions than the product draws (they come in batches of the same size) and a
# quarter of the sets keep the suite quick: memory hardly depends on either, and whether random directions are labelled
# on neither.
LABEL = """
import re, sys
from pathlib import Path
from tsea.server.cli import app
from tsea.tools import nulls, shapes
from tsea.tools.statistics import tail_sampling
from tsea.tools.token_sets import build
nulls.DIRECTIONS["mass"] = 4096
tail_sampling._DRAWS = 1024
shapes.NULL_DIRECTIONS = 1024
families = ("regex", "topic", "digit", "punctuation", "shape", "suffix")  # they need no data beside the package
build.FAMILIES = {name: build.FAMILIES[name] for name in families}
try:
    app()
finally:
    peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())  # ru_maxrss counts the parent too
    sys.stderr.write(f"{int(peak[1]) / 2**20}\\n")
"""


@pytest.mark.large
def test_random_directions_of_gpt2_small_are_hardly_labelled_and_memory_stays_bounded(gpt2_small_hub: Hub) -> None:
    name = "gpt2-small-res-jb/blocks.8.hook_resid_pre"
    environment = {**gpt2_small_hub.environment(), "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", LABEL, "label", "0-95", "--subject", name, "--json"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    labels = [json.loads(line) for line in done.stdout.splitlines()]
    assert [label["feature"] for label in labels] == list(range(96))
    assert sum(label["status"] == "labelled" for label in labels) <= 0.05 * 96
    assert all(label["status"] != "failed" for label in labels)
    assert float(done.stderr.splitlines()[-1]) < 6
