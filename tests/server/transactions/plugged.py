"""The server's command line, with the tests' executor built in."""

from __future__ import annotations

from server.cli import main as run
from server.transactions.executors.registry import BUILT_IN
from tests.server.transactions.book import PLACE


def main() -> None:
    """Run it."""
    BUILT_IN["book"] = PLACE
    run()
