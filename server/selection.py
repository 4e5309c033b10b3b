"""Features that an argument selects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..tools.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from ..tools.workbench import Workbench


def selected(workbench: Workbench, features: str) -> np.ndarray:
    """Feature indices; raises UsageError when there is none."""
    chosen = workbench.select(features)
    if len(chosen) == 0:
        raise UsageError(
            f"No feature fits {features!r} on {workbench.subject.name}; `tsea classes` and `tsea stats` show what "
            "there is."
        )
    return chosen
