"""``fourseal-server guard gateways``."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import Connection

from server.cli.database import from_database, settings_of
from server.cli.guard_views import GATEWAY_COLUMNS, gateway_view
from server.cli.output import show_json, show_line, show_table
from server.clock import system_clock
from server.guard import guard_status, readmit, shut_out
from server.identity import gateways_shut_out
from server.root.ground import open_ground
from server.root.guard_terms import guard_terms
from server.root.home import Home
from server.root.log import configure_log


def list_all(home: Home, *, as_json: bool) -> None:
    """List gateways."""

    def query(connection: Connection) -> list[dict[str, Any]]:
        out = gateways_shut_out(connection)
        known = [gateway_view(each) for each in guard_status(connection).gateways]
        unseen = out.difference(view["gateway"] for view in known)
        never = {"held_notices": 0, "not_acknowledged": 0, "seen_time": ""}
        views = [*known, *({"gateway": name} | never for name in unseen)]
        return sorted((view | {"shut_out": view["gateway"] in out} for view in views), key=lambda view: view["gateway"])

    found = from_database(home, query)
    if as_json:
        show_json({"gateways": found})
        return
    rows = [(*map(str, list(view.values())[:-1]), "shut out" if view["shut_out"] else "") for view in found]
    show_table("Gateways", (*GATEWAY_COLUMNS, "is"), rows)


def shut_one_out(home: Home, gateway: str, cause: str, *, as_json: bool) -> None:
    """Shut a gateway out."""
    settings = settings_of(home)
    unit = partial(shut_out, terms=guard_terms(settings), gateway=gateway, cause=cause, now=system_clock())
    with open_ground(home, settings, configure_log("error")) as ground:  # it writes in the log
        new = ground.database.write_now(unit)
    if as_json:
        show_json({"gateway": gateway, "shut_out_before": not new})
    else:
        show_line(f"{gateway} is shut out{'' if new else ', as it was before'}.")


def readmit_one(home: Home, gateway: str, *, as_json: bool) -> None:
    """Readmit a gateway."""
    with open_ground(home, settings_of(home), configure_log("error")) as ground:  # it writes in the log
        ground.database.write_now(partial(readmit, gateway=gateway, now=system_clock()))
    if as_json:
        show_json({"gateway": gateway})
    else:
        show_line(f"{gateway} is listened to again.")
