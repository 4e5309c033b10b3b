"""CSV (RFC 4180, UTF-8): every label a row, safe to open in a spreadsheet.

Source of the rule for cells: OWASP, "CSV Injection".
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import Any

from ...tools.phrases import number_of
from ...tools.storage.tables import Label, Run
from .export import Destination, Export
from .table import COLUMNS, label_row, table_notes

# What a spreadsheet takes for a formula; also behind apostrophes, so that `unmarked` is exact.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_MARKED = re.compile(f"'{_FORMULA.pattern}")


def rows(run: Run, labels: Sequence[Label], to: Destination) -> Export:
    """A header and a row for each label, None as an empty cell.

    Text that a spreadsheet would run as a formula gets one `'` in front: cells that fit `'+[=+-@...]` lose one to be
    the text again (`unmarked`). Raises UsageError for names, which it has no place for.
    """
    to.allow("csv")
    table = [label_row(run, label) for label in labels]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_marked(cell) for cell in row.values()] for row in table)
    notes = table_notes(labels)
    if marked := sum(isinstance(c, str) and bool(_FORMULA.match(c)) for row in table for c in row.values()):
        notes.append(f"{number_of(marked, 'cell')} would be a formula in a spreadsheet: an apostrophe stands in front.")
    return Export(text.getvalue().encode(), len(table), notes)


def unmarked(cell: str) -> str:
    """The text that a cell of this format stands for."""
    return cell[1:] if _MARKED.match(cell) else cell


def _marked(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell
