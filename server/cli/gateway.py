"""``fourseal-server gateway held``."""

from __future__ import annotations

from server.cli.database import from_database
from server.cli.output import show_json, show_table
from server.gateway.store.notices import NoticeRow, list_kept
from server.root.home import Home

_SHOWN_DIGITS = 12
_COLUMNS = ("state", "author", "recipient", "envelope", "agent", "key", "since")


def held(home: Home, *, as_json: bool) -> None:
    """List what is held, and what was put aside as evidence."""
    found = from_database(home, list_kept)
    if as_json:
        show_json([_json(row) for row in found])
        return
    rows = [
        (
            row.state.value,
            row.author,
            row.recipient,
            row.envelope_id,
            row.agent,
            row.key.hex()[:_SHOWN_DIGITS],
            row.create_time.isoformat(timespec="seconds"),
        )
        for row in found
    ]
    show_table("Held and put aside", _COLUMNS, rows)


def _json(row: NoticeRow) -> dict[str, object]:
    return {
        "state": row.state.value,
        "session_id": row.session_id,
        "recipient": row.recipient,
        "author": row.author,
        "envelope_id": row.envelope_id,
        "position": row.position,
        "agent": row.agent,
        "agent_certificate": row.certificate.hex(),
        "key": row.key.hex(),
        "create_time": row.create_time.isoformat(),
        "update_time": row.update_time.isoformat(),
        "notice": row.notice.hex(),
    }
