"""``fourseal-server init``."""

from __future__ import annotations

from dataclasses import asdict

from server.cli.output import show_json, show_line
from server.clock import system_clock
from server.root.home import Home
from server.root.log import configure_log
from server.root.setup import set_up


def init(home: Home, *, as_json: bool) -> None:
    """Set a server up and say what was done."""
    steps = []
    for step in set_up(home, configure_log("error"), system_clock):
        steps.append(step)
        if not as_json:
            show_line(f"{'made' if step.made else 'kept'}  {step.what}: {step.where}")
    if as_json:
        show_json([asdict(step) for step in steps])
        return
    show_line("")
    show_line("Back up the master key apart from the database: one is worth nothing without the other.")
    show_line(f"Next: fourseal-server run --home {home.folder}")
