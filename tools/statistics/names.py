"""Names of statistics, nulls and classes, as results and command lines spell them."""

from __future__ import annotations

from typing import Literal

Statistic = Literal["mass", "mean", "rank_sum", "es_p0", "es_p1"]
Side = Literal["promoted", "suppressed"]
NullChoice = Literal["present", "specific", "random"]
CLASSES = ("local context", "partition", "prediction", "suppression", "unclassified")
