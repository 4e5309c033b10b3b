from __future__ import annotations

import numpy as np
import pytest

from tsea.tools.errors import UsageError
from tsea.tools.features import select_features

COLUMNS = {
    "skewness": np.array([0.5, np.nan, 3.0, -1.0, 3.0, 0.0]),
    "density": np.array([1e-5, 1e-4, 1e-3, 1e-2, 0.5, np.nan]),
    "class": np.array(["prediction", "partition", "local context", "prediction", "unclassified", "unclassified"]),
}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("4", [4]),
        ("0-2", [0, 1, 2]),
        ("5, 1,2-3", [1, 2, 3, 5]),
        ("1,1-2", [1, 2]),
        ("all", [0, 1, 2, 3, 4, 5]),
        ("top:3:skewness", [2, 4, 0]),
        ("top:99:skewness", [2, 4, 0, 5, 3]),
        ("class:prediction", [0, 3]),
        ("class:local_context", [2]),
        ("density:1e-4..1e-2", [1, 2, 3]),
    ],
)
def test_selectors_name_features(selector: str, expected: list[int]) -> None:
    assert select_features(selector, 6, COLUMNS.__getitem__).tolist() == expected


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("6", "features 0 to 5"),
        ("0-99999", "features 0 to 5"),
        ("3-1", "write 1-3"),
        ("", "Use a number"),
        ("-1", "Use a number"),
        ("1.5", "Use a number"),
        ("top:skewness", "top:COUNT:STATISTIC"),
        ("top:0:skewness", "top:COUNT:STATISTIC"),
        ("top:5:skewnes", "Did you mean skewness"),
        ("class:predicton", "Did you mean prediction"),
        ("density:0.1", "density:LOW..HIGH"),
        ("density:a..b", "density:LOW..HIGH"),
    ],
)
def test_malformed_selectors_say_what_to_write(selector: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        select_features(selector, 6, COLUMNS.__getitem__)
