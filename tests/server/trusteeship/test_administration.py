"""Who administers an organisation, and how many must approve: by command, recorded, and never what cannot work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from contract.trusteeship.grants import MAX_ADMINISTRATORS
from server.cli.main import app
from server.errors import OperatorError
from tests.server.harness import query
from tests.server.trusteeship.conftest import change
from tests.server.trusteeship.people import World, copy_home

operator = get_command(app)


def test_by_command(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Added, listed, shown, removed; each once."""
    home = copy_home(world, tmp_path / "server")

    def says(*arguments: str) -> str:
        operator(["organisation", *arguments, "--home", str(home.folder)], standalone_mode=False)
        return capsys.readouterr().out

    def does(*arguments: str) -> Any:  # noqa: ANN401  # JSON
        return json.loads(says(*arguments, "--json"))

    def may_not(why: str, *arguments: str) -> None:
        with pytest.raises(OperatorError, match=why):
            does(*arguments)

    def names(shown: dict[str, Any]) -> list[str]:
        return [each["account"] for each in shown["administrators"]]

    assert names(does("administrator", "list", "acme")) == ["alice", "bob", "carol"]
    assert names(does("administrator", "add", "acme", "mallory")) == ["alice", "bob", "carol", "mallory"]
    before = query(home, "SELECT count(*) FROM account_events")
    assert len(names(does("administrator", "add", "acme", "mallory"))) == 4
    assert query(home, "SELECT count(*) FROM account_events") == before
    may_not("no organisation nowhere", "administrator", "add", "nowhere", "mallory")
    may_not("no active account nobody", "administrator", "add", "acme", "nobody")
    change(home, "UPDATE accounts SET state = 'disabled' WHERE name = 'mallory'")
    does("administrator", "remove", "acme", "mallory")
    may_not("no active account mallory", "administrator", "add", "acme", "mallory")
    may_not("mallory does not administer", "administrator", "remove", "acme", "mallory")
    assert does("policy", "acme", "--approvals", "3")["approvals"] == 3
    for approvals in ("0", "4"):
        may_not("has 3 administrators", "policy", "acme", "--approvals", approvals)
    operator(
        ["organisation", "administrator", "remove", "acme", "carol", "--home", str(home.folder)], standalone_mode=False
    )
    assert "3 must approve a grant, and there are 2" in capsys.readouterr().out
    shown = does("show", "acme")
    assert (shown["administrators"], shown["approvals"]) == (["alice", "bob"], 3)
    operator(["organisation", "show", "acme", "--home", str(home.folder)], standalone_mode=False)
    assert "Administrators: alice, bob; 3 must approve a grant" in capsys.readouterr().out
    events = query(
        home, "SELECT event, detail FROM account_events WHERE account = 'organisation acme' ORDER BY sequence"
    )
    assert events[-4:] == [
        ("administrator_added", "mallory"),
        ("administrator_removed", "mallory"),
        ("approvals_set", "3"),
        ("administrator_removed", "carol"),
    ]
    for number in range(MAX_ADMINISTRATORS - 2):
        change(home, "INSERT INTO organisation_administrators VALUES ('acme', ?, 0)", f"director-{number}")
    may_not("has 64 administrators", "administrator", "add", "acme", "carol")
