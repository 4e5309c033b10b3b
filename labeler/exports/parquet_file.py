"""Apache Parquet: every label a row with typed columns, the run's settings and summary in the file's metadata."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

from ...tools.storage.tables import Label, Run
from .export import Destination, Export
from .table import COLUMNS, label_row, table_notes

_TYPES = {"label": "int64", "feature": "int64", "confidence": "double", "q": "double"}


def rows(run: Run, labels: Sequence[Label], to: Destination) -> Export:
    """A row for each label: the columns of CSV, `created` a moment in UTC; metadata `tsea` describes the run in JSON.

    Raises UsageError for names, which it has no place for.
    """
    import pyarrow
    import pyarrow.parquet

    to.allow("parquet")
    types = _TYPES | {"created": pyarrow.timestamp("us", tz="UTC")}
    about = {name: getattr(run, name) for name in ("name", "subject", "subject_hash", "config", "summary")}
    schema = pyarrow.schema(
        [pyarrow.field(name, types.get(name, "string")) for name in COLUMNS], {"tsea": json.dumps(about)}
    )
    table = pyarrow.Table.from_pylist([label_row(run, label) for label in labels], schema)
    written = io.BytesIO()
    pyarrow.parquet.write_table(table, written)
    return Export(written.getvalue(), len(labels), table_notes(labels))
