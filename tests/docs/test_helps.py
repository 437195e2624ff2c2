"""The helps of the command lines, which people read on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.main import get_command

from server.cli.main import app as server
from signer_agent.cli.main import make_app
from terminal.cli.main import app as terminal


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # typer's, of either kind
    """A command and all below it, by what is typed."""
    yield name, command
    for each, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{name} {each}")


@pytest.mark.parametrize(
    ("app", "name", "least"),
    [(make_app(), "fourseal", 20), (server, "fourseal-server", 20), (terminal, "fourseal-terminal", 6)],
)
def test_helps_have_no_markup(app: typer.Typer, name: str, least: int, capsys: pytest.CaptureFixture[str]) -> None:
    """What is code in a docstring would stand there with its backticks."""
    found = dict(commands(get_command(app), name))
    assert len(found) >= least
    for called, command in found.items():
        command.get_help(typer.Context(command, info_name=called))
        shown = capsys.readouterr().out
        assert "Usage: " in shown
        assert "`" not in shown, called
