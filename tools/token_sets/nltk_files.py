"""Reading files of the NLTK data, folders and zip archives alike; what is missing is said in one line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from zipfile import BadZipFile

from ..errors import TseaError

_UNREADABLE = (OSError, ValueError, BadZipFile)


class MissingData(TseaError):
    """A file of the NLTK data is not there, or NLTK does not trust it."""


def find(resource: str) -> Any:
    """NLTK's pointer to a file such as `corpora/names/male.txt`; raises MissingData, saying how to get it."""
    import nltk.data

    try:
        return nltk.data.find(resource)
    except LookupError:
        package = _package(resource)
        get = "run `tsea sets build --download`, or point NLTK_DATA at a folder that has it"
        raise MissingData(f"no NLTK data '{package}': {get}") from None
    except _UNREADABLE as error:
        raise _unreadable(resource, error) from error


def read_bytes(resource: str) -> bytes:
    """The bytes of a file; raises MissingData."""
    pointer = find(resource)
    try:
        with pointer.open() as stream:
            return stream.read()
    except _UNREADABLE as error:
        raise _unreadable(resource, error) from error


def read_texts(corpus: str) -> list[str]:
    """The texts of a corpus such as `state_union`, by file name; raises MissingData."""
    from nltk.corpus.reader import PlaintextCorpusReader

    folder = f"corpora/{corpus}/"
    try:
        names = PlaintextCorpusReader(find(folder), r"(?!\.).*\.txt").fileids()
    except _UNREADABLE as error:
        raise _unreadable(folder, error) from error
    return [read_text(folder + name) for name in names]


def read_text(resource: str) -> str:
    """The text of a file (UTF-8, or Latin-1 where it is not); raises MissingData."""
    data = read_bytes(resource)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read_words(resource: str, comment: str = ";") -> list[str]:
    """The words of a file with one a line, without comments and empty lines; raises MissingData."""
    lines = (line.strip() for line in read_text(resource).splitlines())
    return [line for line in lines if line and not line.startswith(comment)]


def download_missing(resources: Iterable[str]) -> list[str]:
    """Fetch the packages of files that are missing into NLTK's folder; one line for each that was fetched or failed."""
    import nltk

    packages = dict.fromkeys(_package(resource) for resource in resources if not _there(resource))
    lines: list[str] = []
    for package in packages:
        fetched = nltk.download(package, quiet=True)
        lines.append(f"{package}: fetched" if fetched else f"{package}: could not be fetched; check the network")
    return lines


def _there(resource: str) -> bool:
    try:
        find(resource)
    except MissingData:
        return False
    return True


def _package(resource: str) -> str:
    return resource.split("/")[1]


def _unreadable(resource: str, error: Exception) -> MissingData:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return MissingData(f"NLTK data '{_package(resource)}' cannot be read: {reason}")
