"""Other people's explanations made into a run, one label for each feature."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...tools.errors import UsageError
from ...tools.phrases import listing
from ...tools.statistics.names import CLASSES
from ...tools.storage.records import Records
from ...tools.storage.tables import Label, Run
from . import delphi, neuronpedia
from .explanation import Explanation, ImportName, of_source

if TYPE_CHECKING:
    from ...tools.workbench import Workbench

LABELER = "imported"


@dataclass(frozen=True)
class _Format:
    files_of: Callable[[Path], list[Path]]
    explanations: Callable[[Path], Iterator[Explanation]]


_FORMATS: dict[ImportName, _Format] = {
    "neuronpedia": _Format(neuronpedia.files_of, neuronpedia.explanations),
    "delphi": _Format(delphi.files_of, delphi.explanations),
}


def import_run(
    workbench: Workbench,
    records: Records,
    path: Path,
    format_name: ImportName,
    run_name: str,
    *,
    source: str | None = None,
    model: str | None = None,
) -> Run:
    """Labels from the explanations of a file or folder, in a run of that name.

    The first explanation of a feature becomes its label, which claims nothing that was tested; `model` takes those by
    one explanation model alone, `source` those of one dictionary. A feature whose explanations all failed gets a failed
    label. The same files again change nothing. Raises UsageError for files of something else, features that the
    subject lacks, a source that is known to be another dictionary, and a run of that name with other settings.
    """
    reader = _FORMATS[format_name]
    files = reader.files_of(path)
    found = of_source((one for file in files for one in reader.explanations(file)), source)
    subject = workbench.subject
    _check_source(format_name, subject.name, found[0].source)
    for one in found:
        if one.feature >= subject.n_features:
            raise UsageError(
                f"{one.place}: feature {one.feature}, but {subject.name} has features 0 to {subject.n_features - 1}. "
                "Give the explanations of that subject."
            )
    chosen = _by_model(found, model)
    digest = _digest(files)
    config = {"labeler": LABELER, "format": format_name, "source": found[0].source, "sha256": digest, "model": model}
    run = records.open_run(run_name, subject.name, subject.hash, config)
    if run.finished is None:
        labels = [_label(workbench, one, format_name, path.name, digest) for one in _one_each(chosen)]
        records.write_block(run, labels)
        records.finish(run, _summary(found, chosen, labels))
    return records.run(run_name)


def _check_source(format_name: ImportName, subject: str, source: str) -> None:
    """Raise UsageError where the registry knows the subject under another name than the file does."""
    if format_name == "neuronpedia":
        from ...tools.subject.registry import neuronpedia_names

        known = neuronpedia_names(subject)
        if known is not None and "/".join(known) != source:
            raise UsageError(
                f"The explanations are of {source}, and {subject} is {'/'.join(known)} there: give the subject that "
                "they are of."
            )


def _by_model(found: Sequence[Explanation], model: str | None) -> list[Explanation]:
    chosen = [one for one in found if model is None or one.model == model]
    if not chosen:
        models = listing(sorted({one.model or "no model" for one in found}), 5)
        raise UsageError(f"No explanation by {model} there, only by {models}: give another --explanation-model.")
    return chosen


def _one_each(chosen: Iterable[Explanation]) -> list[Explanation]:
    """The first explanation of each feature, failed ones behind all others."""
    first: dict[int, Explanation] = {}
    for one in chosen:
        if one.feature not in first or (first[one.feature].failed and not one.failed):
            first[one.feature] = one
    return [first[feature] for feature in sorted(first)]


def _label(workbench: Workbench, one: Explanation, format_name: ImportName, file: str, digest: str) -> Label:
    return Label(
        feature=one.feature,
        status="failed" if one.failed else "labelled",
        text=one.text,
        kind=CLASSES[workbench.shapes.dictionary_classes[one.feature]],
        claim="none",
        reason=one.failed,
        provenance={
            "labeler": LABELER,
            "version": version("tsea"),
            "subject": workbench.subject.hash,
            "format": format_name,
            "source": one.source,
            "author": one.author,
            "method": one.method,
            "model": one.model,
            "file": file,
            "place": one.place,
            "sha256": digest,
        },
    )


def _summary(found: Sequence[Explanation], chosen: Sequence[Explanation], labels: Sequence[Label]) -> dict[str, Any]:
    labelled = sum(label.status == "labelled" for label in labels)
    failed = sum(one.failed is not None for one in chosen)
    return {
        "features": len(labels),
        "labelled": labelled,
        "failed": len(labels) - labelled,
        "explanations": len(found),
        "failed_explanations": failed,
        "further_explanations": len(chosen) - failed - labelled,
        "by_other_models": len(found) - len(chosen),
    }


def _digest(files: Iterable[Path]) -> str:
    """SHA-256 of the files: of one file that of its bytes, of several that of their names and digests."""
    digests = []
    for file in files:
        with file.open("rb") as opened:
            digests.append((file.name, hashlib.file_digest(opened, "sha256").hexdigest()))
    if len(digests) == 1:
        return digests[0][1]
    return hashlib.sha256("".join(f"{digest}  {name}\n" for name, digest in digests).encode()).hexdigest()
