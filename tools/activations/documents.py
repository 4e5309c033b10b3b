"""Documents of a corpus, one at a time: text files, JSON lines (plain or gzip), Hugging Face datasets."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Protocol

from ..errors import TseaError, UsageError

SEPARATOR = "<|endoftext|>"
_SUFFIXES = (".txt", ".txt.gz", ".jsonl", ".jsonl.gz")
_PROBE = 8192
_HUB = "hf:"


class Corpus(Protocol):
    """Something that can be read as documents, again and again in the same order."""

    @property
    def identity(self) -> str:
        """Content hash: the same for the same documents."""
        ...

    def documents(self) -> Iterator[str]:
        """The texts, one at a time; raises UsageError or TseaError where the source cannot be read."""
        ...


def open_corpus(sources: Iterable[str]) -> Corpus:
    """The corpus of files, folders of files, or `hf:NAME[:CONFIG[:SPLIT]]`.

    Text files hold documents separated by a line `<|endoftext|>` (else the file is one document); JSON lines hold one
    document each, in the field `text`. Raises UsageError for what is no corpus.
    """
    parts: list[Corpus] = []
    for source in sources:
        parts += [HubDataset.parse(source)] if source.startswith(_HUB) else [TextFile(p) for p in _files(Path(source))]
    if not parts:
        raise UsageError("No corpus was given: name text files, JSON lines or hf:DATASET.")
    return parts[0] if len(parts) == 1 else _Joined(parts)


class TextFile:
    """A text file or JSON lines, plain or gzip."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def identity(self) -> str:
        """Hash of the file's bytes and of the format that its name says."""
        digest = hashlib.blake2b(_format(self.path).encode(), digest_size=16)
        try:
            with self.path.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
        except OSError as error:
            raise TseaError(f"Cannot read {self.path}: {error.strerror or error}.") from error
        return digest.hexdigest()

    def documents(self) -> Iterator[str]:
        """The documents; bytes that are no UTF-8 become U+FFFD. Raises UsageError for binary data and broken lines."""
        try:
            with self._lines() as lines:
                texts = _json_texts(lines, self.path) if _format(self.path) == ".jsonl" else _separated(lines)
                yield from (text for text in texts if text.strip())
        except (OSError, EOFError) as error:  # a damaged gzip file raises either
            reason = getattr(error, "strerror", None) or error
            raise TseaError(f"Cannot read {self.path}: {reason}.") from error

    def _lines(self) -> IO[str]:
        raw: Any = (gzip.open if self.path.suffix == ".gz" else open)(self.path, "rb")  # noqa: SIM115 (the caller closes)
        buffered = io.BufferedReader(raw, _PROBE)
        if b"\0" in buffered.peek(_PROBE):
            buffered.close()
            raise UsageError(f"{self.path} is binary, no text: give text files or JSON lines.")
        return io.TextIOWrapper(buffered, "utf-8", errors="replace", newline="\n")


class HubDataset:
    """A dataset of the Hugging Face hub, streamed."""

    def __init__(self, name: str, config: str | None = None, split: str = "train") -> None:
        self.name, self.config, self.split = name, config, split

    @classmethod
    def parse(cls, source: str) -> HubDataset:
        """Read `hf:NAME[:CONFIG[:SPLIT]]`; raises UsageError."""
        name, *rest = source.removeprefix(_HUB).split(":")
        if not name or len(rest) > 2:
            raise UsageError(f"Cannot read {source!r}: write hf:NAME, hf:NAME:CONFIG or hf:NAME:CONFIG:SPLIT.")
        return cls(name, rest[0] or None if rest else None, rest[1] if len(rest) > 1 else "train")

    @property
    def identity(self) -> str:
        """Name, configuration, split and the revision that the hub has now."""
        from huggingface_hub import HfApi

        try:
            revision = HfApi().dataset_info(self.name).sha
        except Exception as error:  # the hub's client raises many kinds
            raise self._unreadable(error) from error
        return f"{_HUB}{self.name}:{self.config}:{self.split}@{revision}"

    def documents(self) -> Iterator[str]:
        """The field `text` of every row."""
        from datasets import load_dataset

        try:
            for row in load_dataset(self.name, self.config, split=self.split, streaming=True):
                if isinstance(row.get("text"), str) and row["text"].strip():
                    yield row["text"]
        except Exception as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> TseaError:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        return TseaError(f"Cannot stream the dataset {self.name}: {reason}. Check its name and the network.")


class _Joined:
    """Corpora one after another."""

    def __init__(self, parts: list[Corpus]) -> None:
        self._parts = parts

    @property
    def identity(self) -> str:
        return hashlib.blake2b(" ".join(p.identity for p in self._parts).encode(), digest_size=16).hexdigest()

    def documents(self) -> Iterator[str]:
        for part in self._parts:
            yield from part.documents()


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.is_file() and p.name.endswith(_SUFFIXES))
        if not found:
            raise UsageError(f"No corpus in {path}: expected files that end with {', '.join(_SUFFIXES)}.")
        return found
    if not path.exists():
        raise UsageError(f"No file {path}. A dataset of the hub is written hf:NAME.")
    return [path]


def _format(path: Path) -> str:
    return ".jsonl" if path.name.endswith((".jsonl", ".jsonl.gz")) else ".txt"


def _separated(lines: IO[str]) -> Iterator[str]:
    document: list[str] = []
    for line in lines:
        if line.rstrip("\r\n") == SEPARATOR:
            yield "".join(document).strip("\r\n")
            document = []
        else:
            document.append(line)
    yield "".join(document).strip("\r\n")


def _json_texts(lines: IO[str], path: Path) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            text = row["text"]
            if not isinstance(text, str):
                raise TypeError
        except (ValueError, TypeError, KeyError):
            raise UsageError(f'{path}, line {number}: no JSON object with a "text"; one document a line.') from None
        yield text
