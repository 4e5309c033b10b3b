"""delphi's explanations: a folder of `HOOKPOINT_latentN.txt`, each one JSON string.

Source: the explainer's output in `delphi/__main__.py`. Where delphi could not read its explainer's answer, it writes a
sentence that says so in place of an explanation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from ...tools.errors import TseaError, UsageError
from .explanation import Explanation

FAILURES = ("Explanation could not be parsed.", "No explanation found")
CONFIG = "run_config.json"  # of the run that wrote them, beside the folder
_NAME = re.compile(r"(?P<hookpoint>.+)_latent(?P<index>[0-9]{1,9})\.txt")
LARGEST = 1_000_000  # bytes


def files_of(path: Path) -> list[Path]:
    """The explanation files of a folder, by hookpoint and feature; raises UsageError where there is none."""
    if not path.is_dir():
        raise UsageError(f"No folder {path}: give the folder `explanations` of a run of delphi.")
    found = [(match["hookpoint"], int(match["index"]), file) for file in path.iterdir() if (match := _matched(file))]
    if not found:
        raise UsageError(f"{path} holds no file HOOKPOINT_latentN.txt: give the folder `explanations` of a delphi run.")
    return [file for *_, file in sorted(found)]


def explanations(file: Path) -> Iterator[Explanation]:
    """The explanation of a file; raises UsageError for one that is no JSON string, TseaError for an unreadable one."""
    match = _matched(file)
    assert match is not None, "files_of lists no others"
    try:
        if file.stat().st_size > LARGEST:
            raise UsageError(f"{file.name}: more than {LARGEST:,} bytes, which is no explanation.")
        text = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise TseaError(f"Cannot read {file}: {error.strerror or error}. Give files that you can read.") from None
    except (ValueError, RecursionError):
        text = None
    if not isinstance(text, str):
        raise UsageError(f"{file.name}, line 1: no JSON string, which each of delphi's explanations is.")
    said = text.strip()
    failed = said if said in FAILURES else None if said else "an empty explanation"
    yield Explanation(
        int(match["index"]),
        "" if failed else said,
        match["hookpoint"],
        file.name,
        author="delphi",
        model=_model(file.parent),
        failed=failed,
    )


def _matched(file: Path) -> re.Match[str] | None:
    return _NAME.fullmatch(file.name)


def _model(folder: Path) -> str | None:
    """The explainer that the configuration of the run names, where it lies beside the folder."""
    try:
        stated = json.loads((folder.parent / CONFIG).read_bytes())["explainer_model"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return stated if isinstance(stated, str) else None
