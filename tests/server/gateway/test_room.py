"""Who waits for room in the gateway's database goes on when there is some, whoever else begins to wait just then."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography import x509
from fourseal.v1 import relay_service_pb2 as pb

from contract.names import new_session_id
from contract.oids import DEFAULT_ARC
from server.clock import system_clock
from server.gateway.guard_line import GuardLine
from server.gateway.histories import Histories
from server.gateway.intake import Intake
from server.gateway.mailboxes import Mailboxes
from server.gateway.store.alarms import AlarmRow, GatewayAlarmState, put_alarm
from server.gateway.store.notices import Mailbox
from server.gateway.traffic import Outcome, Posted, Traffic, TrafficTerms, Verdict
from server.metrics import EventLog, Metrics
from server.storage import Database
from tests.server.harness import silent_log
from tests.server.relay.media import identity_of

RECIPIENTS = ("bob", "carol", "dave")
MAILBOXES = [Mailbox(new_session_id(secrets.token_bytes), name) for name in RECIPIENTS]


class Late(Traffic):
    """Says late that there is no room: something else happens meanwhile.

    Args:
        parts: as of ``Traffic``.
    """

    def __init__(self, *parts: Any) -> None:  # noqa: ANN401  # handed on as they are
        super().__init__(*parts)
        self.full = asyncio.Event()
        self.say = asyncio.Event()

    async def withhold(
        self, posted: Posted, verdict: Verdict, envelope_id: str, position: int, notice: bytes
    ) -> Outcome:
        """As it is, and late."""
        outcome = await super().withhold(posted, verdict, envelope_id, position, notice)
        if outcome is Outcome.FULL:
            self.full.set()
            await self.say.wait()
        return outcome


@pytest.fixture
def database(own_database: Database) -> Database:
    """Of a gateway at which all of Alice's is held."""
    for name in RECIPIENTS:
        row = AlarmRow(name, "alice", name, GatewayAlarmState.BLOCKED, False, b"", b"", system_clock())  # noqa: FBT003
        own_database.write_now(lambda connection, row=row: put_alarm(connection, row))  # type: ignore[misc]
    return own_database


async def notices(recipient: str, dealt_with: asyncio.Queue[str]) -> AsyncIterator[pb.WatchMailboxResponse]:
    """One of Alice's, and then nothing; ``dealt_with`` hears when the gateway has it."""
    yield pb.WatchMailboxResponse(envelope_id=f"envelope-{recipient}", position=1, author="alice")
    dealt_with.put_nowait(recipient)
    await asyncio.Event().wait()


async def test_no_wake_up_is_missed(database: Database) -> None:
    """Carol's stream looks for room between Bob's look and his wait; the room that was made before is for him, too."""
    log, authority = EventLog(silent_log(), Metrics(), "gateway"), identity_of("alice").authority_pem
    histories = Histories(database, 10, 10, system_clock)
    traffic = Late(database, histories, TrafficTerms(2, 2, 2), system_clock, log)
    certificate = x509.load_pem_x509_certificate(authority)
    line = GuardLine("", certificate, authority, DEFAULT_ARC, lambda: (b"", b""), database, system_clock, log)
    mailboxes = Mailboxes(traffic, Intake(traffic, histories, line, system_clock, log))
    dealt_with: asyncio.Queue[str] = asyncio.Queue()

    async def watch(mailbox: Mailbox) -> None:
        async for _ in mailboxes.watch(mailbox, 0, notices(mailbox.recipient, dealt_with)):
            pass

    bob, carol, dave = MAILBOXES
    posted, names = Posted(dave, "alice", "", b"", b""), ["envelope-1", "envelope-2"]
    for position, name in enumerate(names, 1):
        assert await traffic.withhold(posted, Verdict.HOLD, name, position, b"") is Outcome.KEPT
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        tasks = [group.create_task(watch(bob))]
        await traffic.full.wait()
        await traffic.acknowledge(dave, names)
        tasks.append(group.create_task(watch(carol)))
        assert await dealt_with.get() == "carol"
        traffic.say.set()
        assert await dealt_with.get() == "bob"
        for task in tasks:
            task.cancel()
