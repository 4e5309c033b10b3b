"""Which judge, on which server, within which bounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...labeler.llm.endpoint import Endpoint
from ...labeler.llm.prices import Prices
from ...labeler.llm.retries import Retries
from ...labeler.llm.spending import Budget
from ...tools.errors import UsageError
from ...tools.storage.settings import settings_hash
from .prompts import VERSION

BATCH = 5
CONCURRENCY = 8


@dataclass(frozen=True)
class JudgeSettings:
    """A model on an OpenAI-compatible server; `batch`: items in a prompt, `concurrency`: requests at once.

    Runs of one judge that are to be compared need seeds of their own: equal requests share one reply.
    """

    model: str
    endpoint: Endpoint = field(default_factory=Endpoint)
    batch: int = BATCH
    max_tokens: int = 2048  # of a reply
    seed: int | None = None
    embedding_model: str | None = None
    concurrency: int = CONCURRENCY
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    prices: Prices = field(default_factory=Prices)
    per_run: Budget = field(default_factory=Budget)
    per_feature: Budget = field(default_factory=Budget)
    retries: Retries = field(default_factory=Retries)

    def __post_init__(self) -> None:
        if self.batch < 1 or self.concurrency < 1:
            raise UsageError("A judge is asked about at least 1 item in a prompt, and at least 1 prompt at a time.")

    @property
    def identity(self) -> str:
        """Model, seed and a hash of all that the judge's scores depend on: scores of different ones are never mixed."""
        seed = "" if self.seed is None else f"seed {self.seed} "
        return f"{self.model} {seed}{settings_hash('', self.config)[:8]}"

    @property
    def embedding_identity(self) -> str:
        """The same of the embedding model, whose scores depend on nothing else."""
        return f"{self.embedding_model} {settings_hash('', {'prompts': VERSION})[:8]}"

    @property
    def config(self) -> dict[str, Any]:
        """What scores by this judge depend on, those by its embedding model aside."""
        return {
            "judge": self.model,
            "prompts": VERSION,
            "batch": self.batch,
            "temperature": 0.0,
            "max_tokens": self.max_tokens,
            "seed": self.seed,
        }


def same_model_warning(judge: str, labeler: str | None) -> str | None:
    """What to say where a model judges its own labels; None where it does not. `labeler` None: no model wrote them."""
    if labeler is None or _base_name(judge) != _base_name(labeler):
        return None
    return (
        f"{judge} judges labels that it wrote itself: models favour their own words, so these scores may be too high. "
        "Ask another model as the judge."
    )


def _base_name(model: str) -> str:
    """The name without the provider before it (`openai/gpt-x`), as gateways write it."""
    return model.rsplit("/", 1)[-1].casefold()
