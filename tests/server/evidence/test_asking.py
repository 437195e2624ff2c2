"""Requests for permissions: they reach whom the message concerns, and whoever asks learns nothing by it."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import pytest
from fourseal.v1 import evidence_service_pb2 as pb
from sqlalchemy import event
from sqlalchemy.engine import Connection

from contract.log_entry import LogEntry
from server.evidence import asking
from server.evidence.store.requests import list_requests
from server.root.application import Server
from server.storage import PageCursor
from tests.server.evidence.messages import Message, deposited, get, grant, permission, stub
from tests.server.evidence.test_deposits import reason_of
from tests.server.harness import MovableClock, query
from tests.server.sessions.people import HOUR, Session, Signer
from wire.ids import new_request_id
from wire.status import RemoteError


async def ask(person: Signer, digest: bytes, why: str = "A dispute", **changed: Any) -> pb.AskPermissionResponse:  # noqa: ANN401
    """Ask."""
    wanted = {"request_id": new_request_id(), "statement_digest": digest, "why": why}
    answer: pb.AskPermissionResponse = await person.call(
        stub(person).AskPermission, pb.AskPermissionRequest(**(wanted | changed))
    )
    return answer


async def asked(person: Signer, size: int = 0) -> list[tuple[bytes, str, str]]:
    """All pages of what lies before somebody."""
    found: list[tuple[bytes, str, str]] = []
    token = ""
    while True:
        request = pb.ListPermissionRequestsRequest(page_size=size, page_token=token)
        page = await person.call(stub(person).ListPermissionRequests, request)
        found += [(each.statement_digest, each.asker, each.why) for each in page.permission_requests]
        token = page.next_page_token
        if not token:
            return found


async def refuse(person: Signer, digest: bytes, asker: str) -> Any:  # noqa: ANN401
    """Refuse."""
    request = pb.RefusePermissionRequest(request_id=new_request_id(), statement_digest=digest, asker=asker)
    return await person.call(stub(person).RefusePermission, request)


@pytest.fixture
async def message(alice: Signer, bob: Signer, session: Session) -> Message:
    """Alice's, to Bob."""
    return (await deposited(alice, session, bob))[0]


async def test_asked_refused_and_granted(
    alice: Signer, bob: Signer, carol: Signer, mallory: Signer, session: Session, message: Message
) -> None:
    """It lies before author and recipient, until one grants it or each has refused; before nobody else."""
    await carol.join(session.session_id)  # a member, and no recipient
    await ask(mallory, message.digest)
    await ask(mallory, message.digest, "Again, with other words")
    open_request = (message.digest, "mallory", "A dispute")
    assert await asked(alice) == await asked(bob) == [open_request]
    assert await asked(carol) == await asked(mallory) == []
    for person in (carol, mallory):
        assert await reason_of(refuse(person, message.digest, "mallory")) == "PERMISSION_REQUEST_NOT_FOUND"
    await refuse(bob, message.digest, "mallory")
    assert await reason_of(refuse(bob, message.digest, "mallory")) == "PERMISSION_REQUEST_NOT_FOUND"
    assert (await asked(alice), await asked(bob)) == ([open_request], [])
    await ask(carol, message.digest, "I was there")
    entry = LogEntry.from_der((await get(alice, message.digest)).entry_der).leaf_hash
    await grant(bob, permission(bob, mallory, message, entry))
    assert await asked(alice) == await asked(bob) == [(message.digest, "carol", "I was there")]
    assert (await get(mallory, message.digest)).summary.author == "alice"


async def test_whoever_asks_learns_nothing(
    session_server: Server, alice: Signer, bob: Signer, mallory: Signer, session: Session, message: Message
) -> None:
    """Not from answers, nor from what a day has room for, nor from the statements that the database is given.

    That somebody refused or granted gives no room back either.
    """
    other, _ = await deposited(alice, await alice.get(session.session_id), bob, sequence=2)
    statements: list[str] = []
    engine = session_server._ground.database._writer._engine

    def note(_c: Connection, _cursor: Any, statement: str, *_: Any) -> None:  # noqa: ANN401
        statements.append(statement)

    traces = []
    for digest in (message.digest, bytes(32)):
        event.listen(engine, "before_cursor_execute", note)
        answer = await ask(mallory, digest)
        event.remove(engine, "before_cursor_execute", note)
        traces.append((answer.SerializeToString(), [each for each in statements if "permission_" in each]))
        statements.clear()
    assert traces[0] == traces[1]
    assert len(traces[0][1]) > 2
    await refuse(alice, message.digest, "mallory")
    some = [secrets.token_bytes(32) for _ in range(2 * asking.MAX_REQUESTS_PER_DAY)]
    outcomes = await asyncio.gather(*(ask(mallory, digest) for digest in some), return_exceptions=True)
    refused = [each.reason for each in outcomes if isinstance(each, RemoteError)]
    assert set(refused) == {"TOO_MANY_PERMISSION_REQUESTS"}
    assert len(outcomes) - len(refused) == asking.MAX_REQUESTS_PER_DAY - 2
    for digest in (other.digest, secrets.token_bytes(32)):
        assert await reason_of(ask(mallory, digest)) == "TOO_MANY_PERMISSION_REQUESTS"
    for digest in (message.digest, bytes(32)):
        await ask(mallory, digest)  # is there, whatever became of it
    assert await asked(alice) == []
    await ask(bob, other.digest)  # others are not held up
    assert await asked(alice) == [(other.digest, "bob", "A dispute")]


async def test_what_is_no_request(mallory: Signer, message: Message, clock: MovableClock) -> None:
    """Each for its own reason; and a stolen token that has ended asks nothing."""
    for why in ("", " ", "x" * 1025, "\u20ac" * 400, "two\nlines", "\u202eback", "\x1b[31m"):
        assert await reason_of(ask(mallory, message.digest, why)) == "WHY_MALFORMED"
    assert await reason_of(ask(mallory, b"short")) == "FIELD_INVALID"
    assert await reason_of(refuse(mallory, message.digest, "No Name")) == "ACCOUNT_NAME_MALFORMED"
    request_id = new_request_id()
    await ask(mallory, message.digest, request_id=request_id)
    await ask(mallory, message.digest, request_id=request_id)
    assert await reason_of(ask(mallory, bytes(32), request_id=request_id)) == "REQUEST_ID_REUSED"
    clock.move(20 * HOUR)
    assert await reason_of(ask(mallory, message.digest)) == "LOGIN_REQUIRED"
    assert await reason_of(asked(mallory)) == "LOGIN_REQUIRED"


async def test_pages_and_the_end(
    session_server: Server, alice: Signer, bob: Signer, carol: Signer, mallory: Signer, session: Session
) -> None:
    """Lists are cut into pages that miss and repeat nothing; when its time is over nothing of a request stays."""
    wanted = []
    for sequence in range(1, 4):
        message, _ = await deposited(alice, await alice.get(session.session_id), bob, sequence=sequence)
        for person in (carol, mallory):
            await ask(person, message.digest)
            wanted.append((message.digest, person.name, "A dispute"))
    for size in (0, 1, 2, 4, 6):
        assert await asked(bob, size) == wanted
    for name in ("x", "0" * 64 + ":", "0" * 63 + ":bob", "0" * 64 + ":b ob"):
        request = pb.ListPermissionRequestsRequest(page_token=PageCursor(bob.now(), name).to_token())
        assert await reason_of(bob.call(stub(bob).ListPermissionRequests, request)) == "PAGE_TOKEN_INVALID"
    rules = session_server._rules.evidence
    assert await rules.upkeep.run() == 0
    now = rules.asking._clock()
    rules.asking._clock = lambda: now + asking.LIFETIME
    assert await asked(bob) == []
    assert await rules.asking.expire() == len(wanted)
    for table in ("permission_requests", "permission_addressees"):
        assert query(session_server._home, f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608
    assert await rules.upkeep.run() == 0


async def test_lists_scan_nothing(session_server: Server, alice: Signer) -> None:
    """However many requests lie before others, a page costs the same."""
    said: list[tuple[str, Any]] = []

    def look(connection: Connection) -> list[str]:
        event.listen(connection, "before_cursor_execute", lambda _c, _u, sql, values, *_: said.append((sql, values)))
        list_requests(connection, "alice", alice.now(), PageCursor(alice.now(), "0" * 64 + ":bob"), 100)
        ((sql, values),) = (each for each in said if "permission_" in each[0])
        return [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)]

    plan = await session_server._ground.database.read(look)
    assert plan
    assert all(step.startswith("SEARCH") for step in plan), plan
