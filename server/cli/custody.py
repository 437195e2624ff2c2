"""``fourseal-server custody``: where key shares live, whether each works, and which there are."""

from __future__ import annotations

import itertools
import sys
from functools import partial

from server.cli.database import settings_of
from server.cli.output import show_json, show_line, show_table
from server.custody import list_besides, list_kept_shares
from server.identity import Authority
from server.organisations import find_broken_keys
from server.root.ground import Ground, open_ground
from server.root.home import Home
from server.root.log import configure_log
from server.sessions import expected_shares as session_shares
from server.signing import expected_shares as key_shares
from server.signing import inspect_shares


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
    damaged = [*found.damaged, *([] if authority else ["authority"]), *broken]
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
    """List a page of shares; after the last one, what is in the token besides."""
    with _ground(home) as ground:
        holder, database = ground.custody.shares.holder, ground.database
        rows = database.read_now(partial(list_kept_shares, after=page_token, limit=page_size + 1))
        objects = holder.objects()
        besides = database.read_now(partial(list_besides, objects=objects))
    rows, more = rows[:page_size], len(rows) > page_size
    next_token = rows[-1].name if more else ""
    listed = [
        {
            "share": row.name,
            "create_time": row.create_time.isoformat(timespec="seconds"),
            "object_id": row.object_id,
            "state": "missing" if row.object_id and row.object_id not in objects else "kept",
        }
        for row in rows
    ]
    if not more:
        listed += [
            {"share": each.name, "create_time": "", "object_id": each.object_id, "state": each.state}
            for each in besides
        ]
    if as_json:
        show_json({"shares": listed, "next_page_token": next_token})
        return
    show_table("Shares", ("share", "made", "object", "state"), [tuple(row.values()) for row in listed])
    if next_token:
        show_line(f"More: --page-token {next_token}")


def _ground(home: Home) -> Ground:
    return open_ground(home, settings_of(home), configure_log("error"))
