"""Neuronpedia's explanations: bulk files, one JSON object a line, and bodies of its upload-batch.

Source: `v1/MODEL/SOURCE/explanations/batch-N.jsonl.gz` of its public data sets; `POST /api/feature/upload-batch`.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, cast

from ...tools.errors import TseaError, UsageError, shortened
from .explanation import Explanation

LONGEST_LINE = 10_000_000  # characters
_ENDINGS = (".jsonl", ".jsonl.gz", ".json", ".json.gz")


def files_of(path: Path) -> list[Path]:
    """The file, or those of a folder; raises UsageError where there is none."""
    if path.is_dir():
        found = sorted(file for file in path.iterdir() if file.name.endswith(_ENDINGS))
        if not found:
            raise UsageError(f"{path} holds no {' or '.join(_ENDINGS[:3])} file: give Neuronpedia's explanations.")
        return found
    if not path.is_file():
        raise UsageError(f"No file or folder {path}: give Neuronpedia's explanations, such as batch-0.jsonl.gz.")
    return [path]


def explanations(file: Path) -> Iterator[Explanation]:
    """The explanations of a file, in its order; one without a description has failed.

    Raises UsageError, with the line, for what is no explanation, and TseaError for a file that cannot be read.
    """
    bodies = file.name.endswith((".json", ".json.gz"))
    try:
        with _opened(file) as lines:
            yield from _uploaded(file, lines) if bodies else _lines(file, lines)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UsageError(f"{file.name} is no whole gzip file ({error}): fetch it again.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file.name} is no text in UTF-8: give Neuronpedia's explanations.") from None
    except OSError as error:
        raise TseaError(f"Cannot read {file}: {error.strerror or error}. Give a file that you can read.") from None


def _opened(file: Path) -> IO[str]:
    return cast(
        "IO[str]", gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8")
    )


def _lines(file: Path, lines: IO[str]) -> Iterator[Explanation]:
    number = 0
    while line := lines.readline(LONGEST_LINE):
        number += 1
        place = f"{file.name}, line {number}"
        if len(line) == LONGEST_LINE:
            raise UsageError(f"{place}: more than {LONGEST_LINE:,} characters, which is no explanation.")
        if line.strip():
            row = _object(line, place)
            source = f"{_text(row, 'modelId', place)}/{_text(row, 'layer', place)}"
            yield _explanation(row, _index(row.get("index"), place), source, place, _BULK)


def _uploaded(file: Path, lines: IO[str]) -> Iterator[Explanation]:
    body = _object(lines.read(), file.name)
    source = f"{_text(body, 'modelId', file.name)}/{_text(body, 'source', file.name)}"
    for number, feature in enumerate(_list(body, "features", file.name)):
        place = f"{file.name}, features[{number}]"
        index = _index(_mapping(feature, place).get("index"), place)
        for position, row in enumerate(_list(feature, "explanations", place)):
            inside = f"{place}.explanations[{position}]"
            yield _explanation(_mapping(row, inside), index, source, inside, _UPLOADED)


# Keys of text, author, method and model.
_BULK = ("description", "authorId", "typeName", "explanationModelName")
_UPLOADED = ("text", "authorId", "methodName", "modelName")


def _explanation(
    row: Mapping[str, Any], feature: int, source: str, place: str, keys: tuple[str, str, str, str]
) -> Explanation:
    if keys[0] not in row:
        raise UsageError(f"{place}: no {keys[0]!r}, which every explanation has. Give Neuronpedia's explanations.")
    texts = [row.get(key) for key in keys]
    if not all(text is None or isinstance(text, str) for text in texts):
        raise UsageError(f"{place}: {', '.join(keys)} must be texts.")
    text, *stated = (text.strip() if isinstance(text, str) else "" for text in texts)
    author, method, model = (one or None for one in stated)
    return Explanation(
        feature, text, source, place, author, method, model, failed=None if text else "no description in the file"
    )


def _object(text: str, place: str) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(text), place)
    except (ValueError, RecursionError):
        raise UsageError(f"{place}: no JSON object. Give Neuronpedia's explanations, one object a line.") from None


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UsageError(f"{place}: no JSON object. Give Neuronpedia's explanations, one object a line.")
    return value


def _list(row: Mapping[str, Any], key: str, place: str) -> list[Any]:
    if not isinstance(row.get(key), list):
        raise UsageError(f"{place}: no list {key!r}. Give bodies of Neuronpedia's upload-batch.")
    return row[key]


def _text(row: Mapping[str, Any], key: str, place: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise UsageError(f"{place}: no {key!r}, which every explanation has. Give Neuronpedia's explanations.")
    return value


def _index(value: Any, place: str) -> int:
    """A feature's number, which bulk files write as text."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not (text.isascii() and text.isdecimal()) or len(text) > 9:
        raise UsageError(f"{place}: 'index' is {shortened(json.dumps(value))}, which is no number of a feature.")
    return int(text)
