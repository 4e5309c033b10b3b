"""The main job on a published subject at full size, through the real loading code, from a hub on loopback."""

from __future__ import annotations

import json
import subprocess
import sys

from hub import Hub

# The command line with its own peak memory as the last line of stderr. A fifth of the reference directions that the
# product draws, and a quarter of those for deep tails, keep the suite quick; memory hardly depends on their number.
LABEL = """
import re, sys
from pathlib import Path
from tsea.server.cli import app
from tsea.tools import nulls
from tsea.tools.statistics import tail_sampling
nulls.DIRECTIONS["mass"] = 4096
tail_sampling._DRAWS = 1024
try:
    app()
finally:
    peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())  # ru_maxrss counts the parent too
    sys.stderr.write(f"{int(peak[1]) / 2**20}\\n")
"""


def test_random_directions_of_gpt2_small_are_hardly_labelled_and_memory_stays_bounded(gpt2_small_hub: Hub) -> None:
    name = "gpt2-small-res-jb/blocks.8.hook_resid_pre"
    # Families that need NLTK's data are left out: half the sets, half the time.
    environment = {**gpt2_small_hub.environment(), "NLTK_DATA": "", "OMP_NUM_THREADS": "2"}
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
