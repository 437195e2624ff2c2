"""``fourseal-server media run`` and ``check``."""

from __future__ import annotations

import sys
from dataclasses import asdict

from server.cli.output import show_json, show_line
from server.cli.run import run_media
from server.config import load_settings
from server.root.home import Home
from server.root.log import configure_log
from server.root.relay import inspect_relay
from server.storage import Database
from server.storage.backend import backend_of


def run(home: Home) -> None:
    """Serve until SIGTERM or SIGINT."""
    run_media(home)


def check(home: Home, *, as_json: bool) -> None:
    """Read all contents; exit status 1 if some are damaged."""
    database = Database(backend_of(home.database_url(load_settings(home.folder))), configure_log("error"))
    try:
        found = inspect_relay(database, home.folder)
    finally:
        database.close()
    if as_json:
        show_json({"well": not found.damaged} | asdict(found))
    else:
        damaged, left_over = len(found.damaged), len(found.left_over)
        show_line(f"{damaged} contents are damaged" if damaged else "All contents are as they were written")
        for envelope_id in found.damaged:
            show_line(envelope_id)
        if left_over:
            show_line(f"{left_over} files that nobody needs could not be deleted; the log says why")
        for name in found.left_over:
            show_line(name)
    if found.damaged:
        sys.exit(1)
