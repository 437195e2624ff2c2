"""Page tokens: each means one place, and nothing else is taken for one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.storage.paging import Page, PageCursor, cut_page, page_limit
from wire.catalogue import ServiceError

TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9000, 1, 1)).map(lambda time: time.replace(tzinfo=UTC))  # noqa: DTZ001
NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)


@given(TIMES, NAMES)
def test_token_comes_back(time: datetime, name: str) -> None:
    """A token is its cursor."""
    cursor = PageCursor(time, name)
    assert PageCursor.from_token(cursor.to_token()) == cursor


@given(st.text(min_size=1, max_size=300))
def test_other_text_is_refused(text: str) -> None:
    """Text either is the token of exactly one cursor, or is refused."""
    try:
        cursor = PageCursor.from_token(text)
    except ServiceError as error:
        assert error.reason == "PAGE_TOKEN_INVALID"  # noqa: PT017
    else:
        assert cursor is not None
        assert cursor.to_token() == text


def test_no_token_is_the_first_page() -> None:
    """An empty token starts at the beginning."""
    assert PageCursor.from_token("") is None


@pytest.mark.parametrize(("asked", "rows"), [(0, 100), (1, 1), (1000, 1000)])
def test_page_size(asked: int, rows: int) -> None:
    """Nothing asked means a hundred."""
    assert page_limit(asked) == rows


def test_last_page_has_no_next() -> None:
    """A page that takes all rows is the last."""
    rows = ["a", "b", "c"]
    time = datetime(2026, 1, 1, tzinfo=UTC)
    assert cut_page(rows, 3, lambda row: PageCursor(time, row)) == Page(rows, "")
    page = cut_page(rows, 2, lambda row: PageCursor(time, row))
    assert page.rows == ["a", "b"]
    assert PageCursor.from_token(page.next_token) == PageCursor(time, "b")
