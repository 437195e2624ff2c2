"""``fourseal-server custody``: where key shares and named keys live, whether each works, and which there are."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Collection
from functools import partial
from typing import Final

from cryptography import x509
from sqlalchemy import Connection

from server.cli.database import settings_of
from server.cli.output import show_json, show_line, show_table
from server.custody import KeptSecret, find_kept, list_besides, list_kept_shares
from server.guard import GUARD_KEYS
from server.identity import Authority
from server.identity.authority import BACKDATE
from server.organisations import find_broken_keys
from server.organisations.store import all_keys
from server.root.ground import Ground, open_ground
from server.root.home import Home
from server.root.log import configure_log
from server.sessions import expected_shares as session_shares
from server.signing import expected_shares as key_shares
from server.signing import inspect_shares
from server.transactions import BACK_END_KEYS

_AUTHORITY: Final = "authority"
"""What custody calls its key."""
_KEY_SORTS: Final = (BACK_END_KEYS, GUARD_KEYS)


def status(home: Home, *, as_json: bool) -> None:
    """Show where the shares live, and that it can be reached."""
    with _ground(home) as ground:
        facts = ground.custody.shares.holder.describe()
    if as_json:
        show_json(facts)
    else:
        show_table("Custody", ("", ""), list(facts.items()))


def test(home: Home, *, as_json: bool) -> None:
    """Try every share and every named key; exit status 1 if one does not work, or should not be there."""
    with _ground(home) as ground:
        database, keys = ground.database, ground.custody.keys
        found = inspect_shares(ground.custody.shares, itertools.chain(key_shares(database), session_shares(database)))
        authority = database.read_now(lambda connection: Authority.load(connection, keys)).works()
        sound_keys, broken = find_broken_keys(database, keys)
        for sort in _KEY_SORTS:
            working, not_working = sort.find_broken_keys(database, keys)
            sound_keys += working
            broken += not_working
    damaged = [*found.damaged, *([] if authority else [_AUTHORITY]), *broken]
    sound_keys += authority
    if as_json:
        show_json({"sound": found.sound, "sound_keys": sound_keys, "damaged": damaged, "left_over": found.left_over})
    else:
        bad = [(name, "missing or damaged") for name in damaged]
        bad += [(name, "should have been erased") for name in found.left_over]
        if bad:
            show_table("Not as it must be", ("share or key", "problem"), bad)
        show_line(f"{found.sound} shares and {sound_keys} keys work.")
    if damaged or found.left_over:
        sys.exit(1)


def shares(home: Home, page_size: int, page_token: str, *, as_json: bool) -> None:
    """List a page of shares; after the last one, what is in the token besides, and the named keys."""
    with _ground(home) as ground:
        holder, database = ground.custody.shares.holder, ground.database
        rows = database.read_now(partial(list_kept_shares, after=page_token, limit=page_size + 1))
        rows, more = rows[:page_size], len(rows) > page_size
        objects = holder.objects()
        besides = [] if more else database.read_now(partial(list_besides, objects=objects))
        named = [] if more else database.read_now(_named_keys)
    next_token = rows[-1].name if more else ""
    listed = [{"share": row.name, **_where(row, objects)} for row in rows]
    listed += [
        {"share": each.name, "create_time": "", "object_id": each.object_id, "state": each.state} for each in besides
    ]
    keys = [{"key": each.name, **_where(each, objects)} for each in named]
    if as_json:
        show_json({"shares": listed, "named_keys": keys, "next_page_token": next_token})
        return
    show_table("Shares", ("share", "made", "object", "state"), [tuple(row.values()) for row in listed])
    if keys:
        show_table("Named keys", ("key", "made", "object", "state"), [tuple(row.values()) for row in keys])
    if next_token:
        show_line(f"More: --page-token {next_token}")


def _named_keys(connection: Connection) -> list[KeptSecret]:
    """The authority's key, those of organisations, and those that it certified for the server itself: a few."""
    certificate = x509.load_pem_x509_certificate(Authority.find_certificate_pem(connection))
    made = [(_AUTHORITY, certificate.not_valid_before_utc + BACKDATE)]
    made += [(each.key_id, each.create_time) for each in all_keys(connection)]
    made += [each for sort in _KEY_SORTS for each in sort.list_keys(connection)]
    return find_kept(connection, made)


def _where(secret: KeptSecret, objects: Collection[str]) -> dict[str, str]:
    return {
        "create_time": secret.create_time.isoformat(timespec="seconds"),
        "object_id": secret.object_id,
        "state": "missing" if secret.object_id and secret.object_id not in objects else "kept",
    }


def _ground(home: Home) -> Ground:
    return open_ground(home, settings_of(home), configure_log("error"))
