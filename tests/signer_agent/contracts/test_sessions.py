"""Sessions of real people at a real server."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from contract.content_key import ContentKey
from contract.description import ContentDescription
from contract.envelope import EnvelopeCore, EnvelopeHeader, RecipientKey
from contract.key_sealing import seal_key
from contract.names import new_envelope_id
from contract.session_info import Scheme
from contract.signatures import JointSignature, SeparateSignature, verify_signature
from contract.statement import Recipient, Statement
from signer_agent.contracts.model import MemberState, SessionState, VerifiedSession
from signer_agent.contracts.sessions import Sessions
from signer_agent.contracts.signer import Signer
from signer_agent.contracts.signer_keys import EncryptKind, KeyChoice, SignKind
from tests.signer_agent.contracts.people import Person, log_in, new_person
from tests.signer_agent.real import RealServer
from tests.signer_agent.refusals import refused

OTHER_KEYS = KeyChoice(SignKind.ED25519, EncryptKind.X25519)


@pytest.fixture(scope="session")  # as the server: their names are taken there
def people(server: RealServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Person]:
    """Alice and Bob with halves, Carol with other keys."""
    folder = tmp_path_factory.mktemp("people")
    choices = {"alice": None, "bob": None, "carol": OTHER_KEYS}
    return {
        name: new_person(server, folder, name, choice) if choice else new_person(server, folder, name)
        for name, choice in choices.items()
    }


@dataclass
class Room:
    """Everybody's signer."""

    alice: Signer
    bob: Signer
    carol: Signer


@pytest.fixture
async def room(people: dict[str, Person]) -> AsyncIterator[Room]:
    """Three people who are logged in."""
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(person.contracts()) for person in people.values()]
        yield Room(*[await contracts.signer() for contracts in opened])


def soon() -> datetime:
    """In an hour."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)


async def meet(room: Room, scheme: Scheme = Scheme.JOINT) -> tuple[VerifiedSession, VerifiedSession]:
    """Alice makes a session, Bob joins."""
    made = await Sessions(room.alice).create("A house", ["bob"], soon(), place="https://meet.example/1", scheme=scheme)
    joined = await Sessions(room.bob).join(made.session_id)
    return await room.alice.session(made.session_id, refresh=True), joined


async def test_a_session_is_made_joined_changed_and_closed(room: Room) -> None:
    """Each sees the same revision, the same certificates."""
    made, joined = await meet(room)
    assert made.sign_certificate == joined.sign_certificate
    assert (joined.revision, sorted(joined.members), joined.info.creator) == (2, ["alice", "bob"], "alice")
    sessions = Sessions(room.alice)
    invited = await sessions.invite(made.session_id, ["carol"])
    assert invited.info.invited == ("carol",)
    removed = await sessions.remove(made.session_id, "carol")
    assert removed.people["carol"] is MemberState.LEFT
    await Sessions(room.bob).leave(made.session_id)
    alone = await room.alice.session(made.session_id, refresh=True)
    assert list(alone.members) == ["alice"]
    closed = await sessions.close(made.session_id)
    assert closed.state is SessionState.CLOSED
    assert closed.close_time is not None
    (first, *_) = await sessions.list()
    assert (first.session_id, first.state) == (made.session_id, SessionState.CLOSED)


def statement_of(signer: Signer, session: VerifiedSession, description: ContentDescription) -> Statement:
    """A statement to everybody else."""
    recipients = tuple(
        Recipient(name, each.encrypt_certificate.fingerprint, session.counters.number_to(name) + 1)
        for name, each in sorted(session.members.items())
        if name != signer.name
    )
    return Statement(
        session.session_id,
        session.sign_certificate.fingerprint,
        signer.name,
        signer.sign_certificate.fingerprint,
        datetime.now(UTC).replace(microsecond=0),
        session.counters.last_sequence + 1,
        recipients,
        description.commitment,
    )


@pytest.mark.parametrize("scheme", list(Scheme))
async def test_a_statement_is_signed_and_a_key_opened_together_with_the_session(room: Room, scheme: Scheme) -> None:
    """In both schemes; also after the session went on to another revision."""
    made, joined = await meet(room, scheme)
    description = ContentDescription(secrets.token_bytes(32), "text/plain", "", 1, secrets.token_bytes(32))
    statement = statement_of(room.alice, made, description)
    signature = await room.alice.sign_statement(statement)
    assert isinstance(signature, JointSignature if scheme is Scheme.JOINT else SeparateSignature)
    author = joined.member("alice").sign_certificate
    verify_signature(statement.to_der(), signature, author, joined.sign_certificate)
    key, certificate = ContentKey.new(secrets.token_bytes), made.encrypt_certificate
    core = EnvelopeCore(
        new_envelope_id(secrets.token_bytes), made.session_id, "alice", certificate.fingerprint, ("bob",)
    )
    bob = made.member("bob").encrypt_certificate
    sealed = seal_key(key, core.label("bob"), bob, certificate, secrets.token_bytes)
    header = EnvelopeHeader(
        core.envelope_id, core.session_id, "alice", core.session_certificate, (RecipientKey("bob", sealed),)
    )
    await Sessions(room.alice).invite(made.session_id, ["carol"])
    await room.bob.session(made.session_id, refresh=True)
    assert (await room.bob.decrypt_key(header)).to_secret_bytes() == key.to_secret_bytes()
    after = await room.alice.session(made.session_id, refresh=True)
    assert (after.counters.last_sequence, after.counters.number_to("bob")) == (1, 1)


async def test_other_keys_meet_in_the_separate_scheme_alone(room: Room) -> None:
    """Carol has no halves."""
    made = await Sessions(room.alice).create("A house", ["carol"], soon(), scheme=Scheme.SEPARATE)
    joined = await Sessions(room.carol).join(made.session_id)
    description = ContentDescription(secrets.token_bytes(32), "text/plain", "", 1, secrets.token_bytes(32))
    signature = await room.carol.sign_statement(statement_of(room.carol, joined, description))
    assert isinstance(signature, SeparateSignature)
    joint = await Sessions(room.alice).create("A house", ["carol"], soon())
    with refused("SESSION_KEYS_UNSUITABLE"):
        await Sessions(room.carol).join(joint.session_id)


async def test_who_logged_out_is_told_to_log_in(people: dict[str, Person]) -> None:
    """And nothing of the login stays."""
    bob = people["bob"]
    async with bob.contracts() as contracts:
        signer = await contracts.signer()
        await contracts.logins.end()
        with refused("LOGIN_REQUIRED"):
            await signer.relay_pass("session-" + "a" * 26)
        with refused("LOGIN_REQUIRED"):
            await contracts.signer()
        await log_in(contracts, bob)
        assert (await contracts.signer()).name == "bob"


async def test_a_known_session_is_told_while_the_server_is_silent(server: RealServer, room: Room) -> None:
    """Who asks for news of it waits, and nobody behind them: what is sent would wait for a server that is away."""
    made = await Sessions(room.alice).create("A mill", ["bob"], soon())
    server.process.process.send_signal(signal.SIGSTOP)
    try:
        asking = asyncio.create_task(room.alice.session(made.session_id, refresh=True))
        await asyncio.sleep(0)  # it begins
        assert await room.alice.session(made.session_id) == made
        assert not asking.done()
    finally:
        server.process.process.send_signal(signal.SIGCONT)
    assert (await asking).info == made.info
