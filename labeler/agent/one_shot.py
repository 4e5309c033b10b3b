"""Labels from a briefing alone, without tools: one, or the best of several."""

from __future__ import annotations

from ...tools.errors import TseaError, UsageError
from ...tools.storage.tables import Label
from ..llm.client import LlmClient
from . import prompts
from .asking import REPAIRS, LabelerName, ModelLabeler
from .briefing import PARTS, Part
from .case import Case
from .conversation import Conversation, Style
from .model_thread import ModelThread
from .outcome import FailedError, Outcome
from .replies import object_in

CANDIDATES = 3
SHOWN: dict[LabelerName, tuple[Part, ...]] = {
    "one-shot": ("examples",),
    "one-shot-weights": ("examples", "weights"),
    "one-shot-enrichment": ("examples", "sets"),
}
_CLAIMS = ("specific", "present", "none")  # the best first


class OneShot(ModelLabeler):
    """A label from a briefing alone: examples, and what else it is to be shown."""

    def __init__(
        self,
        style: Style,
        thread: ModelThread,
        name: LabelerName = "one-shot",
        seed: int | None = None,
    ) -> None:
        self.name = name
        super().__init__(style, thread, prompts.ONE_SHOT)
        self._seed = seed

    async def label(self, case: Case, client: LlmClient) -> Outcome:
        """The feature's label."""
        parts = SHOWN.get(self.name, PARTS)
        talk = Conversation(
            client,
            self._style,
            case.feature,
            prompts.ONE_SHOT,
            await self._shown(case, parts),
            shorter=self._shorter(case, parts),
            seed=self._seed,
        )
        return await self._finished(case, talk, self._ask(case, talk))

    async def _ask(self, case: Case, talk: Conversation) -> Label:
        for attempt in range(1 + REPAIRS):
            reply = await talk.reply()
            try:
                if reply.cut_off:
                    raise UsageError(prompts.CUT_OFF)
                return await self._judged(case, object_in(reply.text))
            except TseaError as error:
                if attempt == REPAIRS:
                    raise FailedError("malformed label", str(error)) from error
                talk.say(prompts.REPAIR.format(error=error))
        raise AssertionError("unreachable")


class BestOf(ModelLabeler):
    """Of several one-shot labels, the one whose hypotheses claim most on open and confirm data."""

    name = "best-of-k"

    def __init__(self, style: Style, thread: ModelThread, candidates: int = CANDIDATES) -> None:
        super().__init__(style, thread, prompts.ONE_SHOT, candidates=candidates)
        self._each = [OneShot(style, thread, self.name, seed) for seed in range(candidates)]

    async def label(self, case: Case, client: LlmClient) -> Outcome:
        """The best candidate: by claim, then by q; its tests, and those of the others, all count."""
        # In turn: q covers the tests before, which have to be the same whenever this is done again.
        outcomes = [await one.label(case, client) for one in self._each]
        made = [one for one in outcomes if one.label.status != "failed"]
        best = min(made or outcomes, key=lambda one: (_CLAIMS.index(one.label.claim), _q(one.label)))
        return Outcome(best.label, [message for one in outcomes for message in one.messages])


def _q(label: Label) -> float:
    return 1.0 if label.q is None else label.q
