"""The science tools: what a language model may ask of subjects, token sets, texts and effects. One module a topic."""

from __future__ import annotations

from typing import Any

from ..tool import Tool
from .effects import EFFECT_TOOLS
from .enrichment import ENRICHMENT_TOOLS
from .features import FEATURE_TOOLS
from .pictures import PICTURE_TOOLS
from .sets import SET_TOOLS
from .subjects import SUBJECT_TOOLS
from .text import TEXT_TOOLS

SCIENCE_TOOLS: list[Tool[Any]] = [
    *SUBJECT_TOOLS,
    *FEATURE_TOOLS,
    *ENRICHMENT_TOOLS,
    *PICTURE_TOOLS,
    *TEXT_TOOLS,
    *EFFECT_TOOLS,
    *SET_TOOLS,
]
