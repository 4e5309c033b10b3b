"""Long lists in pages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsea.tools.errors import UsageError
from tsea.tools.paging import page


@given(st.integers(0, 40), st.integers(1, 15))
def test_pages_together_are_the_list(length: int, limit: int) -> None:
    items, found, cursor = list(range(length)), [], ""
    while True:
        shown, more = page(items, limit, cursor, "query", 3)
        assert len(shown) <= limit and more["total"] == length
        found += shown
        cursor = more.get("next_cursor", "")
        if not cursor:
            break
    assert found == items


def test_a_cursor_goes_on_in_its_own_list_alone() -> None:
    cursor = page(range(10), 3, "", "animals")[1]["next_cursor"]
    assert page(range(10), 3, cursor, "animals")[0] == [3, 4, 5]
    for wrong in ("colours", "x"):
        with pytest.raises(UsageError, match="belongs to another list"):
            page(range(10), 3, cursor, wrong)


@pytest.mark.parametrize("cursor", ["x", "\u00e9", "AAAA", "=" * 20, "A" * 16])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(UsageError, match="leave the cursor out"):
        page(range(10), 3, cursor, "animals")
