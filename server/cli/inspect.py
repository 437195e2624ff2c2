"""``fourseal-server keys`` and ``records``."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import datetime
from enum import Enum
from typing import Any, Final

from sqlalchemy import Connection

from server.cli.database import in_database
from server.cli.output import show_json, show_line, show_table
from server.errors import OperatorError
from server.journal import OperationRecord, list_operations
from server.root.home import Home
from server.signing.store import Key, list_keys
from server.storage import Page, PageCursor
from server.storage.paging import cut_page

_SEQUENCE: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


def keys(home: Home, agent: str, page_size: int, page_token: str, *, as_json: bool) -> None:
    """List a page of keys."""
    after = PageCursor.from_token(page_token)

    def query(connection: Connection) -> list[Key]:
        return list_keys(connection, agent or None, after, page_size + 1)

    page = cut_page(in_database(home, query), page_size, lambda key: PageCursor(key.create_time, key.key_id))
    if as_json:
        show_json({"keys": [_json(key) for key in page.rows], "next_page_token": page.next_token})
        return
    rows = [
        (key.key_id, key.agent_id, key.purpose.value, str(2 * key.half_bits), key.state.value, _time(key.create_time))
        for key in page.rows
    ]
    show_table("Keys", ("key", "agent", "purpose", "bits", "state", "made"), rows)
    _show_next(page)


def records(home: Home, key: str, page_size: int, page_token: str, *, as_json: bool) -> None:
    """List a page of operation records."""
    if page_token and not _SEQUENCE.fullmatch(page_token):
        raise OperatorError("that is no page token of records", "Start at the first page.")
    after = int(page_token or 0)

    def query(connection: Connection) -> list[OperationRecord]:
        return list_operations(connection, after=after, limit=page_size + 1, key_id=key or None)

    found = in_database(home, query)
    more = str(found[page_size - 1].sequence) if len(found) > page_size else ""
    page = Page(found[:page_size], more)
    if as_json:
        show_json({"records": [_json(record) for record in page.rows], "next_page_token": page.next_token})
        return
    rows = [
        (
            str(record.sequence),
            _time(record.intent_time),
            record.agent_id if record.account is None else f"{record.account} at {record.agent_id}",
            record.method,
            record.key_id,
            record.algorithm or "",
            "" if record.digest is None else record.digest.hex()[:16],
            record.outcome.value if record.reason is None else f"{record.outcome.value}: {record.reason}",
        )
        for record in page.rows
    ]
    columns = ("no.", "asked", "who", "what", "key", "algorithm", "digest begins", "outcome")
    show_table("Operation records", columns, rows)
    _show_next(page)


def _show_next(page: Page[Any]) -> None:
    if page.next_token:
        show_line(f"More: --page-token {page.next_token}")


def _json(row: Key | OperationRecord) -> dict[str, object]:
    return {item.name: _plain(getattr(row, item.name)) for item in fields(row)}


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _time(time: datetime) -> str:
    return time.isoformat(timespec="seconds")
