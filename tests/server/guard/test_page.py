"""The page of the person who decides: what it shows and does, and that strangers come to nothing there."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from contract.announcements.contents import Unblock
from server.cli.guard_page import open_page
from signer_agent.daemon.process import make_log
from tests.server.guard.people import Case, Net
from tests.server.guard.test_flow import state_of
from tests.server.guard.test_operator import answer, undetermined
from tests.signer_agent.refusals import refused
from tests.wire.page_visitor import Answer, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Served(Visitor):
    """A guard's page."""

    log: io.StringIO

    async def look(self, case: Case) -> Answer:
        """At an alarm."""
        return await self.post("look", alarm_id=case.alarm_id)

    async def decide(self, case: Case, **changed: object) -> Answer:
        """As somebody who has seen all of it, and knows whose is whose; but for what is given otherwise."""
        seen = (await self.look(case)).told["alarm"]["seen"]
        genuine, impostors = ([each.fingerprint.hex()] for each in (case.genuine, case.forged))
        content = {"alarm_id": case.alarm_id, "seen": seen, "genuine": genuine, "impostors": impostors}
        return await self.post("decide", **(content | changed))


@asynccontextmanager
async def served(net: Net) -> AsyncIterator[Served]:
    """The page of a net's guard."""
    log = io.StringIO()
    async with open_page(net.server._ground.database, net.server._rules.guard.terms, 0, make_log(log)) as url:
        yield Served(url, log)
    assert log.getvalue() == ""


async def test_a_person_decides(net: Net) -> None:
    """Sees what the commands show, and decides as by the command: gateways hear of it."""
    case = await undetermined(net)
    await net.bob.tell_held((case.alarm_id, 3))
    await net.server._rules.guard.outbox.work()
    async with served(net) as page:
        shown = (await page.look(case)).told
        listed = {each["alarm_id"]: each for each in shown["alarms"]}
        assert (listed[case.alarm_id]["state"], listed[case.alarm_id]["held_notices"]) == ("undetermined", 3)
        assert (shown["gateways"], shown["held"]) == ((await answer(net, "status"))["gateways"], len(listed))
        alarm = shown["alarm"]
        assert alarm["may_decide"]
        assert alarm == alarm | await answer(net, "alarms", case.alarm_id)
        decided = await page.decide(case)
        assert (decided.told["state"], decided.told["decider"]) == ("decided", "operator")
        assert not (await page.look(case)).told["alarm"]["may_decide"]
        again = await page.decide(
            case, genuine=[case.forged.fingerprint.hex()], impostors=[case.genuine.fingerprint.hex()]
        )
        assert (again.status, list(again.told)) == (409, ["problem"])
    await net.server._rules.guard.outbox.work()
    unblock = (await net.bob.next(Unblock, case.alarm_id)).content
    assert unblock == Unblock((case.genuine.fingerprint,), (case.forged.fingerprint,))


async def test_nothing_is_decided_that_was_not_seen(net: Net) -> None:
    """Nor what is no decision; and what cannot be asked is refused."""
    case = await undetermined(net)
    genuine, forged = case.genuine.fingerprint.hex(), case.forged.fingerprint.hex()
    async with served(net) as page:
        seen = (await page.look(case)).told["alarm"]["seen"]
        stale = await page.decide(case, seen=seen - 1)
        assert (stale.status, "Look at it again" in stale.told["problem"]) == (409, True)
        for ours, theirs in (([], []), ([forged], [forged]), ([genuine], []), ([genuine], ["00"]), ([""], [forged])):
            assert (await page.decide(case, genuine=ours, impostors=theirs)).status == 409
        unknown = "alarm-" + 32 * "0"
        assert (await page.post("look", alarm_id=unknown)).status == (await page.decide(case, alarm_id=unknown)).status
        for more in ({"seen": "1"}, {"genuine": genuine}, {"genuine": [1]}, {"more": 1}, {"alarm_id": None}):
            assert (await page.decide(case, **more)).status == 400
        assert (await page.post("look", alarm_id="", more=1)).status == 400
        assert (await page.post("release", alarm_id=case.alarm_id)).status == 404
        for content in (b"", b"{", b"[]", b"\xff", b"[" * 8192):
            assert (await page.ask("POST", page.path + "decide", content)).status == 400
        assert (await page.decide(case, genuine=[genuine] * 200)).status == 413
    assert state_of(net, case) == "undetermined"


async def test_strangers_come_to_nothing(net: Net) -> None:
    """Without the address, by another name of this machine, from another page, by a form: nothing is shown or done."""
    case = await undetermined(net)
    async with served(net) as page:
        seen = (await page.look(case)).told["alarm"]["seen"]
        keys = {"genuine": [case.forged.fingerprint.hex()], "impostors": [case.genuine.fingerprint.hex()]}
        content = json.dumps({"alarm_id": case.alarm_id, "seen": seen} | keys).encode()
        look = json.dumps({"alarm_id": case.alarm_id}).encode()
        assert len(page.token) == 22, "128 bits"
        port = page.host.partition(":")[2]
        for action, sent in (("decide", content), ("look", look)):
            for token in ("", page.token[:-1], page.token.swapcase(), "A" * 22):
                assert (await page.ask("POST", f"/{token}/{action}", sent)).status == 404
            for host in (f"rebound.example:{port}", f"localhost:{port}", f"127.1:{port}"):
                rebound = await page.ask("POST", page.path + action, sent, Host=host, Origin=f"http://{host}")
                assert rebound.status == 421
            for origin in (None, "null", f"http://localhost:{port}", f"https://{page.host}", "http://other.example"):
                assert (await page.ask("POST", page.path + action, sent, Origin=origin)).status == 403
            for kind in (None, "text/plain", "application/x-www-form-urlencoded"):
                assert (await page.ask("POST", page.path + action, sent, Content_Type=kind)).status == 415
            assert (await page.ask("GET", page.path + action)).status == 404
        for name in ("", "page.js", "page.css", "icon.svg"):
            shown = await page.ask("GET", page.path + name)
            assert (shown.status, shown.headers["cache-control"], shown.headers["x-frame-options"]) == (
                200,
                "no-store",
                "DENY",
            )
            assert "default-src 'none'" in shown.headers["content-security-policy"]
            assert not any(header.startswith("access-control") for header in shown.headers)
        with refused("PAGE_PORT_TAKEN"):
            async with open_page(net.server._ground.database, None, int(port), None):  # type: ignore[arg-type]
                pass
    assert state_of(net, case) == "undetermined"


async def test_the_command(net: Net) -> None:
    """It prints the page's address, and ends with Ctrl-C."""
    await asyncio.to_thread(use_the_command, net)


def use_the_command(net: Net) -> None:
    """Start it, come to its page, and end it."""
    command = (sys.executable, "-P", "-c", "from server.cli import main; main()", "guard", "page", "--json")
    home = {"FOURSEAL_SERVER_HOME": str(net.home.folder)}
    with subprocess.Popen(command, env=os.environ | home, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = json.loads("".join(process.stdout.readline() for _ in range(3)))["url"]
        assert urlsplit(url).hostname == "127.0.0.1"
        with urllib.request.urlopen(url, timeout=60) as page:  # noqa: S310  # ours
            assert b"Guard against forged signers" in page.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
