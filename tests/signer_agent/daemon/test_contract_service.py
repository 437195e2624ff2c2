"""Contract sessions over the daemon's socket, as a back end in any language meets them."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from fourseal.v1 import account_pb2, agent_service_pb2, contract_session_pb2
from fourseal.v1 import agent_contract_service_pb2 as pb
from fourseal.v1.agent_contract_service_pb2_grpc import AgentContractServiceStub
from fourseal.v1.agent_service_pb2_grpc import AgentServiceStub

from signer_agent.daemon.start import start_daemon, wait_for_end
from signer_agent.home import Home
from tests.signer_agent.contracts.people import PASSWORD, Person, new_person
from tests.signer_agent.real import RealServer, running_daemon
from tests.signer_agent.stores import PASSPHRASE
from wire.convert import timestamp_of
from wire.ids import new_request_id
from wire.status import error_from_rpc

SECONDS = 60.0
WATCH_SECONDS = 120.0  # longer than anybody waits for what ends a watch
MEBIBYTE = 1 << 20
JOINED = contract_session_pb2.MEMBER_STATE_JOINED


@dataclass
class Desk:
    """A back end at somebody's daemon."""

    home: Home
    channel: grpc.aio.Channel

    @property
    def rpc(self) -> Any:  # noqa: ANN401  # grpc gives its stubs no types
        """AgentContractService."""
        return AgentContractServiceStub(self.channel)

    @property
    def agent(self) -> Any:  # noqa: ANN401
        """AgentService."""
        return AgentServiceStub(self.channel)

    async def ask(self, name: str, /, **fields: Any) -> Any:  # noqa: ANN401
        """One call that takes one message and gives one."""
        return await getattr(self.rpc, name)(getattr(pb, f"{name}Request")(**fields), timeout=SECONDS)

    async def send(self, session_id: str, content: bytes, **fields: Any) -> pb.SentAgentMessage:  # noqa: ANN401
        """Send a content whole."""
        start = {"request_id": new_request_id(), "session_id": session_id} | fields
        response = await self.rpc.SendMessage(parts(content, start), timeout=SECONDS)
        sent: pb.SentAgentMessage = response.message
        return sent

    async def content(self, number: int) -> bytes:
        """A content as it comes."""
        request = pb.GetMessageContentRequest(number=number)
        return b"".join([each.piece async for each in self.rpc.GetMessageContent(request, timeout=SECONDS)])

    @asynccontextmanager
    async def watching(self, session_id: str) -> AsyncIterator[Any]:
        """A watch that is under way."""
        call = self.rpc.WatchMessages(pb.WatchMessagesRequest(session_id=session_id), timeout=WATCH_SECONDS)
        try:
            yield call
        finally:
            call.cancel()


def parts(content: bytes, start: dict[str, Any], size: int = MEBIBYTE) -> Iterator[pb.SendMessageRequest]:
    """A content as it is sent."""
    yield pb.SendMessageRequest(start=pb.SendMessageStart(**start))
    for begin in range(0, len(content), size):
        yield pb.SendMessageRequest(piece=content[begin : begin + size])
    finish = pb.SendMessageFinish(content_sha256=hashlib.sha256(content).digest())
    yield pb.SendMessageRequest(finish=finish)


async def reason_of(call: Any) -> str:  # noqa: ANN401
    """Why a call is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await (all_of(call) if hasattr(call, "__aiter__") else call)
    return error_from_rpc(caught.value).reason


async def all_of(stream: AsyncIterator[object]) -> list[object]:
    """A stream to its end."""
    return [each async for each in stream]


@pytest.fixture(scope="session")  # as the server: their names are taken there
def people(server: RealServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Person]:
    """Two who are logged in."""
    folder = tmp_path_factory.mktemp("c")
    return {name: new_person(server, folder, name) for name in ("nina", "otto")}


@pytest.fixture(scope="session")  # as its people
def homes(server: RealServer, people: dict[str, Person]) -> Iterator[dict[str, Home]]:
    """Theirs, each with a daemon; and an agent without an account."""
    with ExitStack() as stack:
        made = {name: person.home for name, person in people.items()}
        made["nobody"] = Home.find(made["nina"].folder.with_name("nobody"))
        server.enrolled(made["nobody"])
        for home in made.values():
            stack.enter_context(running_daemon(home))
        yield made


@pytest.fixture
async def desks(homes: dict[str, Home]) -> AsyncIterator[dict[str, Desk]]:
    """All unlocked."""
    made = {name: Desk(home, grpc.aio.insecure_channel(f"unix:{home.socket}")) for name, home in homes.items()}
    for desk in made.values():
        await desk.agent.UnlockAgent(agent_service_pb2.UnlockAgentRequest(passphrase=PASSPHRASE), timeout=SECONDS)
    yield made
    for desk in made.values():
        await desk.channel.close()


async def meet(nina: Desk, otto: Desk, **fields: Any) -> str:  # noqa: ANN401
    """A session of both."""
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    asked = {
        "request_id": new_request_id(),
        "subject": "A mill",
        "invited": ["otto"],
        "end_time": timestamp_of(end),
        **fields,
    }
    made = (await nina.ask("CreateAgentSession", **asked)).session
    assert (await nina.ask("CreateAgentSession", **asked)).session == made
    assert (made.subject, made.creator, made.end_time.ToDatetime(UTC)) == ("A mill", "nina", end)
    joining = {"request_id": new_request_id(), "session_id": made.session_id}
    joined = (await otto.ask("JoinAgentSession", **joining)).session
    assert [member.state for member in joined.members] == [JOINED, JOINED]
    assert (await otto.ask("JoinAgentSession", **joining)).session == joined
    session_id: str = made.session_id
    return session_id


async def test_a_contract_is_sent_watched_read_and_accepted(desks: dict[str, Desk]) -> None:
    """From the making of a session to its end, by gRPC alone."""
    nina, otto = desks["nina"], desks["otto"]
    session_id = await meet(nina, otto)
    long, request_id = secrets.token_bytes(3 * MEBIBYTE + 7), new_request_id()
    async with otto.watching(session_id) as watch:
        first = await nina.send(session_id, b"hello", content_type="text/plain", request_id=request_id)
        text = (await watch.read()).message
        second = await nina.send(session_id, long, name="contract.pdf", content_type="application/pdf", evidence=False)
        contract = (await watch.read()).message
        assert await reason_of(otto.rpc.WatchMessages(pb.WatchMessagesRequest(session_id=session_id))) == "MAILBOX_BUSY"
    assert await nina.send(session_id, b"", content_type="text/plain", request_id=request_id) == first
    assert (text.statement_sha256, text.verified, text.problem) == (first.statement_sha256, True, "")
    assert (contract.envelope_id, contract.name, contract.content_length) == (
        second.envelope_id,
        "contract.pdf",
        len(long),
    )
    assert contract.content_sha256 == hashlib.sha256(long).digest()
    assert await otto.content(text.number) == b"hello"
    assert await otto.content(contract.number) == long
    accepting = {"request_id": new_request_id(), "number": contract.number, "decision": pb.ANSWER_DECISION_ACCEPT}
    answer = (await otto.ask("AnswerMessage", **accepting)).message
    assert (await otto.ask("AnswerMessage", **accepting)).message == answer
    async with nina.watching(session_id) as watch:
        received = (await watch.read()).message
    assert (received.decision, received.earlier_sha256) == (pb.ANSWER_DECISION_ACCEPT, contract.statement_sha256)
    page = await otto.ask("ListMessages", page_size=1)
    rest = await otto.ask("ListMessages", page_size=5, page_token=page.next_page_token)
    assert [*page.messages, *rest.messages] == [text, contract]
    assert rest.next_page_token == ""
    listed = await nina.ask("ListAgentSessions", page_size=1)
    assert listed.sessions[0].session_id == session_id
    closed = await nina.ask("CloseAgentSession", request_id=new_request_id(), session_id=session_id)
    assert closed.session.state == contract_session_pb2.SESSION_STATE_CLOSED
    assert (await otto.ask("GetAgentSession", session_id=session_id)).session.state == closed.session.state


async def _reason_of_stream(desk: Desk, sent: list[pb.SendMessageRequest]) -> str:
    """Why a stream is refused. gRPC may lose it, if it comes while we send (grpc/grpc issue 36066): then once more."""
    reason = "UNEXPECTED"
    for _ in range(50):
        reason = await reason_of(desk.rpc.SendMessage(iter(sent), timeout=SECONDS))
        if reason != "UNEXPECTED":
            break
    return reason


async def test_what_is_not_whole_is_not_signed(desks: dict[str, Desk]) -> None:
    """Each with its reason, and nothing of it comes."""
    nina, otto = desks["nina"], desks["otto"]
    session_id = await meet(nina, otto)

    def start(**fields: Any) -> dict[str, Any]:  # noqa: ANN401
        return {"request_id": new_request_id(), "session_id": session_id} | fields

    whole = list(parts(bytes(2 * MEBIBYTE), start()))
    short = list(parts(b"x", start()))
    other = pb.SendMessageRequest(finish=pb.SendMessageFinish(content_sha256=bytes(32)))
    digest = pb.SendMessageRequest(finish=pb.SendMessageFinish(content_sha256=b"x"))
    cases: list[tuple[str, list[pb.SendMessageRequest]]] = [
        ("FIELD_INVALID", []),
        ("FIELD_INVALID", short[1:]),
        ("FIELD_INVALID", short[:-1]),
        ("FIELD_INVALID", whole[:-1]),
        ("FIELD_INVALID", [*short[:-1], digest]),
        ("FIELD_INVALID", [short[0], short[0]]),
        ("FIELD_INVALID", [short[0], pb.SendMessageRequest()]),
        ("FIELD_INVALID", list(parts(bytes(2 * MEBIBYTE), start(), MEBIBYTE + 1))),
        ("SOURCE_CHANGED", [*short[:-1], other]),
        ("SOURCE_CHANGED", [*whole[:-1], other]),
        ("REQUEST_ID_MALFORMED", list(parts(b"x", start(request_id="")))),
        ("SESSION_ID_MALFORMED", list(parts(b"x", start(session_id="session-x")))),
        ("CONTENT_TYPE_MALFORMED", list(parts(b"x", start(content_type="nothing")))),
        ("SOURCE_CHANGED", [*list(parts(bytes(2 * MEBIBYTE), start(evidence=True)))[:-1], other]),
        ("FIELD_INVALID", list(parts(bytes(2 * MEBIBYTE), start(evidence=True)))[:-1]),
        ("MESSAGE_NOT_FOUND", list(parts(b"x", start(reply_to=10**6)))),
        ("NOT_A_MEMBER", list(parts(b"x", start(recipients=["nobody"])))),
    ]
    for reason, sent in cases:
        assert await _reason_of_stream(nina, sent) == reason, (reason, len(sent))
    wrong: dict[str, dict[str, Any]] = {
        "CreateAgentSession": {"request_id": new_request_id(), "subject": "x", "invited": ["otto"]},
        "AnswerMessage": {"request_id": new_request_id(), "number": 1},
        "ListMessages": {"page_size": -1},
    }
    for name, fields in wrong.items():
        assert await reason_of(nina.ask(name, **fields)) == "FIELD_INVALID"
    assert await reason_of(nina.ask("ListMessages", page_token="x")) == "PAGE_TOKEN_INVALID"  # noqa: S106
    content = nina.rpc.GetMessageContent(pb.GetMessageContentRequest(number=10**9), timeout=SECONDS)
    assert await reason_of(content) == "MESSAGE_NOT_FOUND"
    deposited = await nina.send(session_id, b"evidence", evidence=True)
    assert deposited.HasField("log_index")
    async with otto.watching(session_id) as watch:
        assert (await watch.read()).message.envelope_id == deposited.envelope_id


async def test_a_stream_that_broke_is_sent_again(desks: dict[str, Desk]) -> None:
    """The back end goes away in the middle; with the same request id it comes once. A reader may go away too."""
    nina, otto = desks["nina"], desks["otto"]
    session_id, request_id = await meet(nina, otto), new_request_id()
    content = secrets.token_bytes(20 * MEBIBYTE)
    written = asyncio.Event()

    async def broken() -> AsyncIterator[pb.SendMessageRequest]:
        for part in list(parts(content, {"request_id": request_id, "session_id": session_id}))[:18]:
            yield part
        written.set()
        await asyncio.Event().wait()

    call = nina.rpc.SendMessage(broken(), timeout=SECONDS)
    await written.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    sent = None
    while sent is None:  # until it is seen that the caller went away
        with contextlib.suppress(grpc.aio.AioRpcError):
            sent = await nina.send(session_id, content, request_id=request_id)
    async with otto.watching(session_id) as watch:
        message = (await watch.read()).message
    assert message.envelope_id == sent.envelope_id
    reading = otto.rpc.GetMessageContent(pb.GetMessageContentRequest(number=message.number), timeout=SECONDS)
    piece = (await reading.read()).piece
    assert piece
    assert content.startswith(piece)
    reading.cancel()
    assert await otto.content(message.number) == content


async def test_locked_and_logged_out(desks: dict[str, Desk]) -> None:
    """A watch ends without an error when the agent is locked, or its time is over; then every call says why not."""
    nina, otto = desks["nina"], desks["otto"]
    session_id = await meet(nina, otto)
    brief = otto.rpc.WatchMessages(pb.WatchMessagesRequest(session_id=session_id), timeout=1.5)
    assert [event async for event in brief] == []
    async with otto.watching(session_id) as watch:
        await nina.send(session_id, b"x")
        await watch.read()
        await otto.agent.LockAgent(agent_service_pb2.LockAgentRequest(), timeout=SECONDS)
        assert await watch.read() is grpc.aio.EOF
    for desk, reason in ((otto, "AGENT_LOCKED"), (desks["nobody"], "LOGIN_REQUIRED")):
        identified = {"request_id": new_request_id(), "session_id": session_id}
        reasons = {
            await reason_of(desk.ask("GetAgentSession", session_id=session_id)),
            await reason_of(desk.ask("ListAgentSessions")),
            await reason_of(desk.ask("JoinAgentSession", **identified)),
            await reason_of(desk.ask("CloseAgentSession", **identified)),
            await reason_of(desk.ask("ListMessages")),
            await reason_of(desk.send(session_id, b"x")),
            await reason_of(desk.rpc.GetMessageContent(pb.GetMessageContentRequest(number=1), timeout=SECONDS)),
            await reason_of(desk.rpc.WatchMessages(pb.WatchMessagesRequest(session_id=session_id), timeout=SECONDS)),
        }
        assert reasons == {reason}


async def test_who_left_comes_back_and_long_evidence_is_opened(desks: dict[str, Desk]) -> None:
    """It is read twice, though it came as a stream once; by the session's rule too. Nothing of it stays beside it."""
    nina, otto, content = desks["nina"], desks["otto"], secrets.token_bytes(3 * MEBIBYTE + 5)
    session_id = await meet(nina, otto, all_is_evidence=True)
    leaving = {"request_id": new_request_id(), "session_id": session_id}
    for _ in range(2):
        await otto.ask("LeaveAgentSession", **leaving)
    inviting = {"request_id": new_request_id(), "session_id": session_id, "names": ["otto"]}
    invited = (await nina.ask("InviteAgentMembers", **inviting)).session
    assert [each.state for each in invited.members] == [JOINED, contract_session_pb2.MEMBER_STATE_INVITED]
    await otto.ask("JoinAgentSession", request_id=new_request_id(), session_id=session_id)
    before = set(nina.home.run.iterdir())
    sent = await nina.send(session_id, content)
    assert set(nina.home.run.iterdir()) == before
    async with otto.watching(session_id) as watch:
        number = (await watch.read()).message.number
    answering = {"request_id": new_request_id(), "number": number, "decision": pb.ANSWER_DECISION_ACCEPT}
    answer = (await otto.ask("AnswerMessage", **answering, text="gladly")).message
    first = await nina.ask("ListAgentEvidence", session_id=session_id, page_size=1)
    rest = await nina.ask("ListAgentEvidence", session_id=session_id, page_token=first.next_page_token)
    assert [(each.statement_sha256, each.answered_sha256) for each in (*first.evidence, *rest.evidence)] == [
        (sent.statement_sha256, b""),
        (answer.statement_sha256, sent.statement_sha256),
    ]

    async def opened(digest: bytes) -> list[Any]:
        request = pb.OpenAgentEvidenceRequest(statement_sha256=digest, with_content=True)
        return await all_of(nina.rpc.OpenAgentEvidence(request, timeout=SECONDS))

    head, *pieces = await opened(answer.statement_sha256)
    found = head.evidence
    assert b"".join(each.piece for each in pieces) == content
    assert (found.outcome, found.statement_sha256, found.content_length, found.log_index) == (
        pb.CHECK_OUTCOME_PASSED,
        sent.statement_sha256,
        len(content),
        sent.log_index,
    )
    (of_otto,) = found.answers
    assert (of_otto.name, of_otto.decision, of_otto.text) == ("otto", pb.ANSWER_DECISION_ACCEPT, "gladly")
    assert {each.outcome for each in (*found.checks, *of_otto.checks)} == {pb.CHECK_OUTCOME_PASSED}
    for digest, reason in ((bytes(32), "EVIDENCE_NOT_FOUND"), (b"x", "FIELD_INVALID")):
        stream = nina.rpc.OpenAgentEvidence(pb.OpenAgentEvidenceRequest(statement_sha256=digest), timeout=SECONDS)
        assert await reason_of(stream) == reason
    nowhere = nina.ask("ListAgentEvidence", session_id="session-" + "a" * 26)
    assert await reason_of(nowhere) == "SESSION_NOT_FOUND"


async def test_a_daemon_that_stops_ends_its_watches(homes: dict[str, Home], tmp_path: Path) -> None:
    """It does not wait for what may never come."""
    home = Home.find(tmp_path / "copy")
    shutil.copytree(homes["nina"].folder, home.folder, ignore=shutil.ignore_patterns("run"))
    await asyncio.to_thread(start_daemon, home)
    async with grpc.aio.insecure_channel(f"unix:{home.socket}") as channel:
        desk = Desk(home, channel)
        await desk.agent.UnlockAgent(agent_service_pb2.UnlockAgentRequest(passphrase=PASSPHRASE), timeout=SECONDS)
        session_id = (await desk.ask("ListAgentSessions")).sessions[0].session_id
        async with desk.watching(session_id) as watch:
            reading = asyncio.create_task(watch.read())
            again = desk.rpc.WatchMessages(pb.WatchMessagesRequest(session_id=session_id), timeout=SECONDS)
            assert await reason_of(again) == "MAILBOX_BUSY"  # so the first one is under way
            await desk.agent.StopAgent(agent_service_pb2.StopAgentRequest(), timeout=SECONDS)
            async with asyncio.timeout(SECONDS):
                assert await reading is grpc.aio.EOF
    await asyncio.to_thread(wait_for_end, home)
    shutil.copy(home.folder / "baton.json", homes["nina"].folder)  # the server must find no copy


async def test_logging_in(desks: dict[str, Desk], people: dict[str, Person]) -> None:
    """With password and second factor. Keys are proved where they are; elsewhere nobody signs in the account's name."""
    nina, nobody = desks["nina"], desks["nobody"]
    assert await reason_of(nobody.ask("BeginAgentLogin", name="nina", password="wrong" * 4)) == "LOGIN_FAILED"

    async def log_in(desk: Desk, code: str) -> Any:  # noqa: ANN401
        begun = await desk.ask("BeginAgentLogin", name="nina", password=PASSWORD)
        (factor,) = begun.second_factors
        assert factor.kind == account_pb2.SECOND_FACTOR_KIND_TOTP
        answer = {"name": "nina", "challenge": begun.challenge, "factor_id": factor.factor_id, "code": code}
        return await desk.ask("FinishAgentLogin", **answer)

    assert await reason_of(log_in(nobody, "000000")) == "LOGIN_FAILED"
    assert not (await log_in(nobody, await asyncio.to_thread(people["nina"].code))).proven
    assert await reason_of(nobody.ask("ListAgentSessions")) == "SIGNER_KEYS_MISSING"
    assert (await log_in(nina, await asyncio.to_thread(people["nina"].code))).proven
    assert (await nina.ask("ListAgentSessions")).sessions
    sending = nina.ask("SendAgentLoginCode", challenge="x", factor_id="y")
    assert await reason_of(sending) == "LOGIN_FAILED"
    await nina.agent.LockAgent(agent_service_pb2.LockAgentRequest(), timeout=SECONDS)
    assert await reason_of(nina.ask("BeginAgentLogin", name="nina", password=PASSWORD)) == "AGENT_LOCKED"
