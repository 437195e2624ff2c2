"""The commands of the guard's operator, and what its black list does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from contract.announcements.contents import Check, Unblock
from server.cli.main import app
from server.errors import OperatorError
from server.guard.store.alarms import count_by_state
from server.root.fsck import fsck
from tests.server.guard.people import SOURCE, Case, Net, Signer
from tests.server.guard.test_flow import state_of
from tests.server.harness import database_path, silent_log
from tests.server.scraping import ask, scrape
from wire.status import RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def run(net: Net, *arguments: str) -> Result:
    """Run a command beside the server."""
    return await asyncio.to_thread(
        CliRunner().invoke, app, ["guard", *arguments, "--home", str(net.home.folder)], env={"COLUMNS": "200"}
    )


async def answer(net: Net, *arguments: str) -> Any:  # noqa: ANN401  # JSON
    """What a command says to programs."""
    result = await run(net, *arguments, "--json")
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout)


async def undetermined(net: Net) -> Case:
    """An alarm that waits for a person; gateways said what they know of Mallory."""
    case = net.case()
    await net.held(case)
    late = case.fact(case.forged, "mallory", net.clock())
    for gateway in net.gateways:
        check = await gateway.next(Check, case.alarm_id)
        sent = [late] if gateway is net.mallory else []
        await gateway.answer(check, sent, [] if gateway is net.bob else None)
    assert state_of(net, case) == "undetermined"
    return case


async def test_metrics(net: Net) -> None:
    """What happens to an alarm is counted and measured, without anybody's name in it."""
    before = await scrape(net.server.serving.metrics_server)
    case = await undetermined(net)
    address = net.server.serving.metrics_server
    after = await scrape(address)
    assert after[("fourseal_guard_gateways",)] == after[("fourseal_guard_gateways_connected",)] == len(net.gateways)
    events, took = "fourseal_events_total", after - before
    happened = {
        (events, "", "announcements_taken", "guard"): 2,
        (events, "", "alarm_raised", "guard"): 1,
        (events, "", "alarm_blocked", "guard"): 1,
        (events, "feedback", "gateway_said", "guard"): 4,
        (events, "none-has-history", "alarm_judged", "guard"): 1,
    }
    assert {name: took[name] for name in happened} == happened
    counts = net.server._ground.database.read_now(count_by_state)
    assert {state: after["fourseal_guard_alarms", state.value] for state in counts} == counts
    assert took["fourseal_event_seconds_count", "alarm_blocked", "guard"] == 1
    assert took["fourseal_call_seconds_count", "OK", "/fourseal.v1.GuardService/ReportAnnouncements"] == 2
    stranger = Signer(case.genuine.account, case.forged.key, case.genuine.certificate, net.clock)
    await net.alice.report(stranger.announce(case.destination))
    refused = await scrape(address) - after
    assert refused[events, "ANNOUNCEMENT_OF_OTHER_CERTIFICATE", "announcements_refused", "guard"] == 1
    _, text = await ask(address)
    names = {case.genuine.account, case.destination, case.alarm_id, SOURCE, *(each.name for each in net.gateways)}
    assert not any(name in text for name in names)
    assert (await ask(address, "/"))[0] == 404


async def test_look_and_decide(net: Net) -> None:
    """What is held is listed; a key may be named by how it begins; both must be; gateways hear of it."""
    case = await undetermined(net)
    status = await answer(net, "status")
    assert {each["gateway"] for each in status["gateways"]} == {each.name for each in net.gateways}
    assert status["alarms"]["undetermined"] >= 1
    assert status["announcements"] >= 2
    (newest, *_) = (await answer(net, "alarms", "--open"))["alarms"]
    assert (newest["alarm_id"], newest["state"], newest["held"]) == (case.alarm_id, "undetermined", True)
    shown = await answer(net, "alarms", case.alarm_id)
    assert [each["key"] for each in shown["keys"]] == [key.hex() for key in case.keys]
    assert [(each["gateway"], each["agent"]) for each in shown["history"]] == [("gateway-m", "mallory")]
    assert {"block", "check", "feedback", "decision"} == {each["kind"] for each in shown["log"]}
    assert {each["delivers"] for each in shown["told"] if each["gateway"] == "gateway-b"} == {True, False}
    for arguments in (["status"], ["alarms"], ["alarms", case.alarm_id]):
        assert "undetermined" in (await run(net, *arguments)).stdout

    genuine, forged = case.genuine.fingerprint.hex(), case.forged.fingerprint.hex()
    for wrong in (["--genuine", genuine], [], ["--genuine", genuine, "--impostor", "no"]):
        assert (await run(net, "decide", case.alarm_id, *wrong)).exit_code == 1
    assert state_of(net, case) == "undetermined"
    decided = await answer(net, "decide", case.alarm_id, "--genuine", genuine[:12], "--impostor", forged)
    assert (decided["state"], decided["decider"], decided["impostors"]) == ("decided", "operator", [forged])
    other = await run(net, "decide", case.alarm_id, "--genuine", forged, "--impostor", genuine)
    assert getattr(other.exception, "reason", None) == "ALARM_JUDGED"

    await net.server._rules.guard.outbox.work()
    for gateway in net.gateways:
        await gateway.acknowledge(await gateway.next(Unblock, case.alarm_id))
    assert state_of(net, case) == "released"
    listed = await answer(net, "blacklist", "list")
    causes = {each["value"]: each["cause"] for each in listed["listed"]}
    assert causes[forged] == case.alarm_id
    assert genuine not in causes


async def test_what_gateways_hold(net: Net) -> None:
    """It is shown by gateway and by alarm, as each has said last, until it has released. What it says binds nobody."""
    case = await undetermined(net)
    for told in (2, 5):
        await net.bob.tell_held((case.alarm_id, told), ("alarm-" + 32 * "0", 7))
    await net.mallory.tell_held((case.alarm_id, 1))
    shown = {each["gateway"]: each for each in (await answer(net, "status"))["gateways"]}
    assert [shown[each.name]["held_notices"] for each in (net.alice, net.bob, net.mallory)] == [0, 5, 1]
    assert shown["gateway-b"]["seen_time"] > shown["gateway-a"]["seen_time"]
    assert (await answer(net, "status"))["held_notices"] == {case.alarm_id: 6}
    (newest, *_) = (await answer(net, "alarms", "--open"))["alarms"]
    one = await answer(net, "alarms", case.alarm_id)
    assert newest["held_notices"] == one["held_notices"] == 6
    assert {each["gateway"]: each["holds"] for each in one["told"] if each["kind"] == "block"} == {
        "gateway-a": 0,
        "gateway-b": 5,
        "gateway-m": 1,
    }
    assert (await scrape(net.server.serving.metrics_server))[("fourseal_guard_held_notices",)] == 6
    assert state_of(net, case) == "undetermined"

    await net.mallory.tell_held((case.alarm_id, 0))
    await answer(net, "decide", case.alarm_id, *(each for key in case.keys for each in ("--genuine", key.hex())))
    await net.server._rules.guard.outbox.work()
    await net.bob.acknowledge(await net.bob.next(Unblock, case.alarm_id))
    assert (await answer(net, "status"))["held_notices"] == {}
    await net.alice.tell_held()  # it is there
    with pytest.raises(RemoteError) as refused:
        await net.alice.tell_held(*((f"alarm-{number:032x}", 1) for number in range(101)))
    assert refused.value.reason == "BATCH_SIZE_WRONG"


async def test_all_may_be_genuine(net: Net) -> None:
    """A person may know that both are Alice's: both are released, nobody is listed."""
    case = await undetermined(net)
    keys = [each for key in case.keys for each in ("--genuine", key.hex())]
    assert (await answer(net, "decide", case.alarm_id, *keys))["impostors"] == []
    await net.server._rules.guard.outbox.work()
    assert (await net.bob.next(Unblock, case.alarm_id)).content == Unblock(tuple(case.keys), ())


async def test_black_list(net: Net) -> None:
    """An operator puts a key on the list, and takes it off: in between its announcements do not count."""
    case = net.case()
    key = case.genuine.fingerprint.hex()
    assert not (await answer(net, "blacklist", "add", "key", key, "--cause", "lost"))["listed_before"]
    assert (await answer(net, "blacklist", "add", "key", key, "--cause", "lost"))["listed_before"]
    assert await net.alice.report(case.genuine.announce(case.destination)) == [("KEY_BLACK_LISTED", "")]
    assert key in (await run(net, "blacklist", "list")).stdout
    await answer(net, "blacklist", "remove", "key", key)
    assert await net.alice.report(case.genuine.announce(case.destination)) == [("", "")]
    assert (await answer(net, "blacklist", "add", "address", "198.51.100.200", "--cause", "a test"))["value"]
    for wrong in (["remove", "key", key], ["add", "address", "nowhere", "--cause", "x"]):
        assert isinstance((await run(net, "blacklist", *wrong)).exception, OperatorError)
    assert isinstance((await run(net, "alarms", "alarm-" + 32 * "0")).exception, OperatorError)


async def test_live_view(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows what is held, again and again, until it is interrupted."""
    case = net.case()
    await net.raised(case)
    rounds = list[float]()

    def next_round(seconds: float) -> None:
        rounds.append(seconds)
        if len(rounds) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("server.cli.guard.sleep", next_round)
    result = await run(net, "status", "--watch")
    assert (result.exit_code, len(rounds)) == (0, 2)
    assert case.alarm_id in result.stdout
    await net.pass_time(timedelta(seconds=11))


def findings(net: Net) -> str:
    """What ``fsck`` finds."""
    return str(fsck(net.home, silent_log(), (), lambda _: lambda *_: None).findings)


async def test_what_the_tables_say_is_compared_with_the_log(net: Net) -> None:
    """A judgement, or a message, that somebody changed in the database."""
    case = await undetermined(net)
    keys = ["--genuine", case.genuine.fingerprint.hex(), "--impostor", case.forged.fingerprint.hex()]
    await answer(net, "decide", case.alarm_id, *keys)
    assert findings(net) == "[]"  # not signed yet
    await net.server._rules.guard.outbox.work()
    assert findings(net) == "[]"
    exchanged = "UPDATE guard_alarms SET genuine = impostors, impostors = genuine WHERE alarm_id = ?"
    renamed = (
        "UPDATE guard_records SET kind = CASE kind WHEN 'block' THEN 'unblock' ELSE 'block' END"
        " WHERE kind IN ('block', 'unblock') AND alarm_id = ?"
    )
    for there_and_back in (exchanged, renamed):
        tamper(net, there_and_back, case.alarm_id)
        assert case.alarm_id in findings(net) or "row of its message" in findings(net)
        tamper(net, there_and_back, case.alarm_id)
        assert findings(net) == "[]"


def tamper(net: Net, sql: str, alarm_id: str) -> None:
    """Change the database from outside."""
    with contextlib.closing(sqlite3.connect(database_path(net.home))) as connection, connection:
        connection.execute(sql, (alarm_id,))
