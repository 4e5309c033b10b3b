"""The agent: a language model that investigates a feature with tools, and ends with a label."""

from __future__ import annotations

import json

from ...tools.errors import TseaError, UsageError
from ...tools.storage.tables import Label
from ...tools.tool import by_name
from ..llm.client import LlmClient
from ..llm.errors import NoToolCallingError
from ..llm.messages import ToolCall
from . import prompts
from .asking import REPAIRS, ModelLabeler
from .briefing import PARTS
from .case import SUBMIT, TOOLS, Case
from .conversation import Conversation, Style
from .model_thread import ModelThread
from .one_shot import OneShot
from .outcome import FailedError, Outcome, Reason
from .replies import arguments_of

STEPS = 12
FUNCTIONS = [
    {"type": "function", "function": {"name": t.name, "description": t.description, "parameters": t.schema}}
    for t in TOOLS
]
_TOOLS = by_name(TOOLS)


class Agent(ModelLabeler):
    """An investigation with tools, at most `steps` replies long, that ends with submit_label."""

    name = "agent"

    def __init__(self, style: Style, thread: ModelThread, steps: int = STEPS) -> None:
        super().__init__(style, thread, prompts.AGENT + json.dumps(FUNCTIONS), steps=steps)
        self._steps = steps
        self._without_tools = OneShot(style, thread, self.name)
        self.calls_tools = True

    async def label(self, case: Case, client: LlmClient) -> Outcome:
        """The feature's label; of a model that cannot call tools, what it says at once."""
        if not self.calls_tools:
            return await self._at_once(case, client)
        talk = Conversation(
            client,
            self._style,
            case.feature,
            prompts.AGENT.replace("{steps}", str(self._steps)),
            await self._shown(case, PARTS),
            tools=FUNCTIONS,
            shorter=self._shorter(case, PARTS),
        )
        try:
            return await self._finished(case, talk, self._investigate(case, talk))
        except NoToolCallingError:
            self.calls_tools = False
            return await self._at_once(case, client)

    async def _at_once(self, case: Case, client: LlmClient) -> Outcome:
        outcome = await self._without_tools.label(case, client)
        outcome.label.provenance["tool_calling"] = False
        return outcome

    async def _investigate(self, case: Case, talk: Conversation) -> Label:
        trouble = _Trouble()
        for step in range(self._steps):
            if step == self._steps - 1:
                talk.say(prompts.LAST)
            reply = await talk.reply()
            if reply.cut_off and not reply.tool_calls:
                trouble.count("malformed reply", prompts.CUT_OFF)
                talk.say(prompts.CUT_OFF)
            elif not reply.tool_calls:
                trouble.count("no label", "The model stopped without a label.")
                talk.say(prompts.NO_CALL)
            for call in reply.tool_calls:
                label = await self._called(case, talk, call, trouble)
                if label is not None:
                    return label
        raise FailedError("too many steps", f"No label after {self._steps} replies: give it more with --steps.")

    async def _called(self, case: Case, talk: Conversation, call: ToolCall, trouble: _Trouble) -> Label | None:
        """Do what the model called for and answer; the label where that was one."""
        submitted = call.name == SUBMIT
        try:
            if call.name not in _TOOLS:
                raise UsageError(f"Unknown tool {call.name[:100]}. Tools: {', '.join(_TOOLS)}.")
            fields = arguments_of(call.arguments)
            if submitted:
                return await self._judged(case, fields)
            arguments = _TOOLS[call.name].parse(fields)
        except TseaError as error:
            talk.answer(call.id, f"Error: {error}")
            trouble.count("malformed label" if submitted else "malformed call", str(error))
            return None
        trouble.over()
        try:
            answer = await self._thread.run(lambda: _TOOLS[call.name].run(case.investigation, arguments))
            talk.answer(call.id, answer.text)
        except TseaError as error:  # what no schema can tell: unknown sets, features that never fire
            talk.answer(call.id, f"Error: {error}")
        return None


class _Trouble:
    """What went wrong in a row: the model may repair each kind of mistake once."""

    def __init__(self) -> None:
        self._counts: dict[Reason, int] = {}

    def count(self, reason: Reason, message: str) -> None:
        """Count a mistake; raises FailedError for one too many."""
        self._counts[reason] = self._counts.get(reason, 0) + 1
        if self._counts[reason] > REPAIRS:
            raise FailedError(reason, message)

    def over(self) -> None:
        """A call that could be read: the model is on its way again."""
        self._counts.pop("malformed call", None)
