"""What tokens cost, as the user's own file says: prices change too often to be built in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ...tools.errors import UsageError
from .messages import Usage

_MILLION = 1_000_000
_EXAMPLE = '{"MODEL": {"prompt": 0.15, "cached": 0.075, "completion": 0.6}}'


class Price(BaseModel):
    """USD per million tokens of one model; prompt tokens from the server's cache cost `cached`, if given."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0)

    def cost(self, usage: Usage) -> float:
        """USD for these tokens."""
        cached = self.prompt if self.cached is None else self.cached
        fresh = usage.prompt - usage.cached
        return (fresh * self.prompt + usage.cached * cached + usage.completion * self.completion) / _MILLION


_Table = TypeAdapter(dict[str, Price])


class Prices:
    """Prices by the names of models, exactly as requests name them."""

    def __init__(self, table: Mapping[str, Price] | None = None) -> None:
        self._table = dict(table or {})

    @classmethod
    def read(cls, path: Path) -> Prices:
        """The table of a JSON file; raises UsageError for one that is missing or wrong."""
        try:
            return cls(_Table.validate_json(path.read_bytes()))
        except OSError as error:
            raise UsageError(
                f"Cannot read the prices {path}: {error.strerror}. Give a JSON file such as {_EXAMPLE}, in USD per "
                "million tokens."
            ) from None
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            raise UsageError(
                f"Prices {path}: {where}: {first['msg']}. Write them as {_EXAMPLE}, in USD per million tokens."
            ) from None

    def cost(self, model: str, usage: Usage) -> float | None:
        """USD for these tokens, or None for a model without a price."""
        price = self._table.get(model)
        return None if price is None else price.cost(usage)
