"""Permissions: whoever is permitted sees one message, for a time, and can open it. Nobody else gets anything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fourseal.v1 import evidence_service_pb2 as pb

from contract.content_key import ContentKey
from contract.log_entry import EntryKind, LogEntry
from contract.permission import SignedPermission
from server.root.application import Server
from tests.server.evidence.messages import (
    Message,
    deposited,
    fetch,
    get,
    grant,
    listed,
    permission,
    stub,
)
from tests.server.evidence.test_deposits import reason_of
from tests.server.harness import MovableClock, query
from tests.server.sessions.people import HOUR, Session, Signer
from wire.ids import new_request_id


@pytest.fixture
async def message(alice: Signer, bob: Signer, session: Session) -> Message:
    """Alice's, to Bob."""
    return (await deposited(alice, session, bob))[0]


@pytest.fixture
async def entry(alice: Signer, message: Message) -> bytes:
    """Leaf hash of its entry."""
    return LogEntry.from_der((await get(alice, message.digest)).entry_der).leaf_hash


async def permissions(person: Signer, size: int = 0) -> list[pb.Permission]:
    """The first page."""
    answer = await person.call(stub(person).ListPermissions, pb.ListPermissionsRequest(page_size=size))
    return list(answer.permissions)


async def revoke(person: Signer, digest: bytes) -> Any:  # noqa: ANN401
    """Revoke."""
    request = pb.RevokePermissionRequest(request_id=new_request_id(), permission_digest=digest)
    return await person.call(stub(person).RevokePermission, request)


@pytest.mark.parametrize("who", ["alice", "bob"])
async def test_a_grantee_sees_and_opens_it(
    people: dict[str, Signer], message: Message, entry: bytes, session: Session, who: str, clock: MovableClock
) -> None:
    """Author and recipients may permit. The grantee opens the key alone; when the time is over it hears no more."""
    grantor, mallory = people[who], people["mallory"]
    assert await reason_of(get(mallory, message.digest)) == "EVIDENCE_NOT_FOUND"
    made = await grant(grantor, permission(grantor, mallory, message, entry))
    found = await get(mallory, message.digest)
    assert (found.permission_der, (await get(grantor, message.digest)).permission_der) == (made.permission_der, b"")
    assert await fetch(mallory, message.digest) == message.sealed
    assert [each.statement_digest for each in await listed(mallory, session.session_id)] == [message.digest]
    (given,) = await permissions(mallory)
    assert given == made
    signed = SignedPermission.from_der(given.permission_der)
    private_key = mallory.known.keys.encrypt
    assert signed.open_key(private_key).to_secret_bytes() == message.content_key.to_secret_bytes()
    assert found.summary.author == "alice"
    clock.move(HOUR)
    assert await reason_of(get(mallory, message.digest)) in {"EVIDENCE_NOT_FOUND", "LOGIN_REQUIRED"}


async def test_it_stands_in_the_log(
    session_server: Server, alice: Signer, mallory: Signer, message: Message, entry: bytes
) -> None:
    """The permission, and the operations that granted and revoked it."""
    made = await grant(alice, permission(alice, mallory, message, entry))
    ((der,),) = query(session_server._home, "SELECT entry FROM log_entries WHERE log_index = ?", made.log_index)
    found = LogEntry.from_der(der)
    assert (found.kind, found.body) == (EntryKind.PERMISSION, made.permission_der)
    await revoke(alice, made.permission_digest)
    methods = query(session_server._home, "SELECT method FROM operations WHERE digest = ?", made.permission_digest)
    assert methods == [("GrantPermission",), ("RevokePermission",)]


async def test_revoked(alice: Signer, bob: Signer, mallory: Signer, message: Message, entry: bytes) -> None:
    """Only who gave it ends it, at once; ending it again changes nothing."""
    made = await grant(alice, permission(alice, mallory, message, entry))
    for person in (bob, mallory):
        assert await reason_of(revoke(person, made.permission_digest)) == "PERMISSION_NOT_FOUND"
    assert await reason_of(revoke(alice, bytes(32))) == "PERMISSION_NOT_FOUND"
    first = await revoke(alice, made.permission_digest)
    assert await reason_of(get(mallory, message.digest)) == "EVIDENCE_NOT_FOUND"
    assert await reason_of(fetch(mallory, message.digest)) == "EVIDENCE_NOT_FOUND"
    assert await revoke(alice, made.permission_digest) == first
    assert (await permissions(alice))[0].revoke_time == first.revoke_time


async def test_the_same_again(alice: Signer, mallory: Signer, message: Message, entry: bytes) -> None:
    """A repeat, by the same request or another one, makes no second one."""
    given = permission(alice, mallory, message, entry)
    request_id = new_request_id()
    answers = [await grant(alice, given, request_id=request_id) for _ in range(2)]
    answers.append(await grant(alice, given))
    assert len({answer.log_index for answer in answers}) == 1
    assert len(await permissions(alice)) == 1


async def test_who_may_not(
    alice: Signer, bob: Signer, carol: Signer, mallory: Signer, message: Message, entry: bytes, session: Session
) -> None:
    """Strangers, other members and grantees permit nothing; nobody permits in another's name."""
    await carol.join(session.session_id)
    await grant(alice, permission(alice, carol, message, entry))
    for person in (carol, mallory):  # a grantee cannot pass it on
        given = permission(person, bob, message, entry)
        assert await reason_of(grant(person, given)) == "EVIDENCE_NOT_FOUND"
    given = permission(alice, mallory, message, entry)
    for person in (bob, mallory):
        assert await reason_of(grant(person, given)) == "NOT_THE_GRANTOR"
    forged = permission(mallory, mallory, message, entry, grantor="alice")
    assert await reason_of(grant(alice, forged)) == "PERMISSION_OF_OTHER_CERTIFICATE"


async def test_what_does_not_hold(alice: Signer, bob: Signer, mallory: Signer, message: Message, entry: bytes) -> None:
    """Another entry, another message, another certificate, a time that is over, a signature of another, garbage."""
    now = alice.now()
    for reason, changed in (
        ("PERMISSION_WRONG", {"entry": bytes(32)}),
        ("EVIDENCE_NOT_FOUND", {"statement": bytes(32)}),
        ("PERMISSION_WRONG", {"begin": now - 2 * HOUR, "end": now - HOUR}),
    ):
        assert await reason_of(grant(alice, permission(alice, mallory, message, entry, **changed))) == reason
    given = permission(alice, mallory, message, entry)
    other = permission(bob, mallory, message, entry)
    assert await reason_of(grant(alice, replace(given, signature=other.signature))) == "SIGNATURE_INVALID"
    assert await reason_of(grant(alice, replace(given, key_ciphertext=other.key_ciphertext))) == "SIGNATURE_INVALID"
    for garbage in (b"", b"\x30\x00", given.to_der() + b"0", bytes(5000)):
        request = pb.GrantPermissionRequest(request_id=new_request_id(), permission_der=garbage)
        assert await reason_of(alice.call(stub(alice).GrantPermission, request)) == "PERMISSION_MALFORMED"
    assert await permissions(alice) == []
    assert await reason_of(get(mallory, message.digest)) == "EVIDENCE_NOT_FOUND"


async def test_a_permission_is_for_one_message(
    alice: Signer, bob: Signer, mallory: Signer, message: Message, entry: bytes, session: Session
) -> None:
    """Of other messages of the same session the grantee learns nothing."""
    await grant(alice, permission(alice, mallory, message, entry))
    other, _ = await deposited(alice, await alice.get(session.session_id), bob, sequence=2)
    assert await reason_of(get(mallory, other.digest)) == "EVIDENCE_NOT_FOUND"
    assert [each.statement_digest for each in await listed(mallory, session.session_id)] == [message.digest]
    assert other.content_key.to_secret_bytes() != message.content_key.to_secret_bytes()
    assert isinstance(other.content_key, ContentKey)
