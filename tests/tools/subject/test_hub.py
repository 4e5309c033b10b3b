"""The real loading code at full size, from a hub on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hub import Hub, serve
from huggingface_hub import constants

from tsea.tools.errors import TseaError
from tsea.tools.subject import open_subject

NAME = "gpt2-small-res-jb/blocks.8.hook_resid_pre"
OPEN = f"""
import json, re, time
from pathlib import Path
began = time.monotonic()
from tsea.tools.subject import open_subject
subject = open_subject({NAME!r}, device="cpu")
# ru_maxrss would count the process that started this one.
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())
print(json.dumps({{
    "seconds": time.monotonic() - began,
    "peak_gb": int(peak[1]) / 2**20,
    "decoder": subject.decoder.shape, "encoder": subject.encoder.shape, "unembedding": subject.unembedding.shape,
    "hook": subject.hook_name, "stated": [subject.stated.l0, subject.stated.variance_explained],
    "density": float(subject.density.min()), "residual_mean": float(subject.model.W_E.detach().mean(1).abs().max()),
}}))
"""


@pytest.mark.large
def test_gpt2_small_opens_through_the_hub_within_its_memory(gpt2_small_hub: Hub) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OPEN], env=gpt2_small_hub.environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    print(f"opened in {report['seconds']:.1f} s, peak {report['peak_gb']:.2f} GB")
    assert report["decoder"] == report["encoder"] == [24576, 768]
    assert report["unembedding"] == [768, 50256]  # all but <|endoftext|>
    assert report["hook"] == "blocks.8.hook_resid_pre"
    assert report["stated"] == [60.0, 0.9]
    assert 1e-6 <= report["density"] < 1e-4
    assert report["residual_mean"] < 1e-6  # res-jb asks for centred writing weights
    assert report["peak_gb"] < 3
    assert "DEPRECATED" not in done.stderr and "Warning" not in done.stderr


def test_a_repository_the_hub_does_not_have_is_answered_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(tmp_path) as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
        template = hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        with pytest.raises(TseaError, match="has no such repository") as caught:
            open_subject(NAME)
    assert hub.requests
    assert "\n" not in str(caught.value)


def test_a_hub_out_of_reach_is_answered_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)  # else each file is tried for 20 seconds
    with pytest.raises(TseaError, match="cannot be reached and the files are not cached") as caught:
        open_subject(NAME)
    assert "\n" not in str(caught.value)
