from __future__ import annotations

from pathlib import Path

import pytest

from tsea.labeler.llm.messages import Usage
from tsea.labeler.llm.prices import Prices
from tsea.tools.errors import UsageError


def written(folder: Path, text: str) -> Path:
    path = folder / "prices.json"
    path.write_text(text)
    return path


def test_cost_is_usd_per_million_tokens(tmp_path: Path) -> None:
    table = '{"a": {"prompt": 2, "cached": 0.5, "completion": 8}, "b": {"prompt": 1, "completion": 0}}'
    prices = Prices.read(written(tmp_path, table))
    # 600,000 fresh at 2, 400,000 cached at 0.5, 250,000 said at 8
    assert prices.cost("a", Usage(1_000_000, 250_000, 400_000)) == pytest.approx(1.2 + 0.2 + 2.0)
    assert prices.cost("b", Usage(1_000_000, 250_000, 400_000)) == pytest.approx(1.0)


def test_an_unknown_model_has_no_cost(tmp_path: Path) -> None:
    prices = Prices.read(written(tmp_path, '{"a": {"prompt": 2, "completion": 8}}'))
    assert prices.cost("a-mini", Usage(1, 1)) is None
    assert Prices().cost("a", Usage(1, 1)) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "Invalid JSON"),
        ("[]", "the file: .*an object"),
        ('{"a": {"prompt": 1}}', "a.completion: Field required"),
        ('{"a": {"prompt": -1, "completion": 1}}', "a.prompt: .*greater than or equal to 0"),
        ('{"a": {"prompt": "much", "completion": 1}}', "a.prompt: .*valid number"),
        ('{"a": {"prompt": 1, "completion": NaN}}', "finite|Invalid JSON"),
        ('{"a": {"input": 1, "prompt": 1, "completion": 1}}', "a.input: Extra inputs"),
    ],
)
def test_wrong_prices_are_one_clear_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=f"prices.json: .*({says}).* USD per million tokens") as error:
        Prices.read(written(tmp_path, text))
    assert "\n" not in str(error.value)


def test_a_missing_file_says_what_belongs_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match='Cannot read the prices .*none.json: No such file.*"completion"'):
        Prices.read(tmp_path / "none.json")
