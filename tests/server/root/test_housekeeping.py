"""What a server does by itself every minute."""

from __future__ import annotations

import pytest

from server.root.home import Home
from tests.server.harness import running_server
from wire.catalogue import ServiceError


async def test_a_step_that_fails_keeps_no_other_from_being_done(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that is this process's own, nor one that a process does for all."""
    done = list[str]()

    async def fail() -> None:
        raise ServiceError("CUSTODY_UNAVAILABLE")

    async with running_server(home) as server:
        for failing, step in (
            (server._rules.accounts.lists, "current"),
            (server._rules.pins, "spend_overdrawn"),
            (server._rules.trusteeship.upkeep, "run"),
        ):
            monkeypatch.setattr(failing, step, fail)
        monkeypatch.setattr(server._ground.custody.shares.holder, "sweep", lambda: done.append("swept"))
        await server._keep_house_once()
    assert done == ["swept"]
