"""Page tokens: each means one place, and nothing else is taken for one."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, event

from server.identity.store.accounts import list_accounts
from server.registration.store import RequestState, list_requests
from server.sessions.store.sessions import list_sessions, list_sessions_of
from server.signing.store import list_keys
from server.storage import metadata
from server.storage.paging import MAX_PAGE_BYTES, Page, PageCursor, cut_page, page_limit, take_fitting
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


def test_page_begins_where_the_last_one_ended() -> None:
    """By the index: what lies before is not read again. SQLite's own plan."""
    after = PageCursor(datetime(2026, 1, 1, tzinfo=UTC), "name")
    asked: list[tuple[str, Any]] = []
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.connect() as connection:
        event.listen(engine, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
        list_accounts(connection, after, 10)
        list_sessions(connection, after, 10)
        list_sessions_of(connection, "alice", after, 10)
        list_keys(connection, "laptop", after, 10)
        list_keys(connection, None, after, 10)
        list_requests(connection, after, 10)
        list_requests(connection, after, 10, account="alice")
        list_requests(connection, after, 10, state=RequestState.WAITING)
        for statement, parameters in asked.copy():
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            assert re.search(r"^SEARCH .*\)[<>]\(\?,\?\)\)$", plan[0][-1]), plan
    assert len(asked) == 16


def test_pages_of_large_rows_are_shorter() -> None:
    """As many as fit, one at least, and no row is read that is not needed to know that there is another page."""
    half = MAX_PAGE_BYTES // 2
    assert take_fitting([1, 2, 3], 3, lambda _: 1) == ([1, 2, 3], 3)
    assert take_fitting([1, 2, 3], 2, lambda _: 1) == ([1, 2, 3], 2)
    assert take_fitting([1, 2, 3], 3, lambda _: half) == ([1, 2, 3], 2)
    endless = itertools.count()
    assert take_fitting(endless, 100, lambda _: MAX_PAGE_BYTES + 1) == ([0, 1], 1)
    assert next(endless) == 2
    assert take_fitting([], 3, lambda _: half) == ([], 3)
