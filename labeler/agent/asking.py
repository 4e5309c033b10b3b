"""What labelers that ask a language model share: a thread for tools, and how labels are judged."""

from __future__ import annotations

import functools
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

from ...tools.storage.tables import Label
from ...tools.tool import by_name
from ..llm.client import LlmClient
from ..toolbox import SubmitLabel, judged
from .briefing import EXAMPLES, Part, briefing
from .case import SUBMIT, TOOLS, Case
from .conversation import Conversation, Style
from .model_thread import ModelThread
from .outcome import FailedError, Outcome, failed_label

LabelerName = Literal["agent", "one-shot", "one-shot-weights", "one-shot-enrichment", "best-of-k"]
REPAIRS = 1  # of a call or a label that cannot be read
_SUBMIT = by_name(TOOLS)[SUBMIT]


class ModelLabeler(ABC):
    """Labels one feature after another with a language model; `config` is what a run by it depends on."""

    name: LabelerName

    def __init__(self, style: Style, thread: ModelThread, system: str, **settings: Any) -> None:
        self._style, self._thread = style, thread
        self.config: dict[str, Any] = {
            "labeler": self.name,
            "model": style.model,
            "temperature": style.temperature,
            "max_tokens": style.max_tokens,
            "prompt": hashlib.blake2b(system.encode(), digest_size=8).hexdigest(),
            **settings,
        }

    @abstractmethod
    async def label(self, case: Case, client: LlmClient) -> Outcome:
        """The feature's final label; raises LlmError or BudgetError where no feature can be labelled."""

    async def _shown(self, case: Case, parts: Sequence[Part], examples: int = EXAMPLES) -> str:
        return await self._thread.run(lambda: briefing(case, parts, examples))

    def _shorter(self, case: Case, parts: Sequence[Part]) -> list[Callable[[], Awaitable[str]]]:
        return [functools.partial(self._shown, case, parts, examples) for examples in (EXAMPLES // 3, 0)]

    async def _judged(self, case: Case, fields: dict[str, Any]) -> Label:
        """The label of what the model submitted; raises UsageError where that cannot be read or tested."""
        given = _SUBMIT.parse({**fields, "feature": case.feature, "subject": ""})
        assert isinstance(given, SubmitLabel)
        label, _ = await self._thread.run(lambda: judged(case.investigation, given, self.name))
        label.provenance |= {key: self.config[key] for key in ("model", "prompt", "temperature")}
        return label

    async def _finished(self, case: Case, talk: Conversation, work: Awaitable[Label]) -> Outcome:
        """The label that some work ends with, or the record that it failed."""
        try:
            label = await work
        except FailedError as error:
            subject = case.investigation.workbench().subject.hash
            label = failed_label(case.feature, self.name, subject, error)
            label.provenance |= {key: self.config[key] for key in ("model", "prompt")}
        return Outcome(label, talk.transcript)
