"""A permission lets one account open one message, for a time; everybody else, and everything else, stays closed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fourseal.v1 import certificate_service_pb2

from contract.permission import SignedPermission
from contract.report import Outcome
from signer_agent.contracts.messages import BytesSource
from signer_agent.contracts.sources import TEXT_TYPE
from signer_agent.evidence.evidence import Evidence
from tests.signer_agent.contracts.company import Company, Person
from tests.signer_agent.evidence import lying
from tests.signer_agent.refusals import refused

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def evidence_of(person: Person) -> Evidence:
    """What concerns somebody."""
    return await Evidence.of(person.signer, person.store)


def in_an_hour() -> datetime:
    """A time."""
    return (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)


async def test_third_party_asks_opens_and_is_shut_out_again(company: Company) -> None:
    """Carol is no member. She asks; Bob, a recipient, permits; she opens and verifies the message, not its answers."""
    alice, bob, carol = (company.people[name] for name in ("alice", "bob", "carol"))
    session_id = await company.session(("alice", "bob"))
    sent = await alice.messages.send(session_id, BytesSource(b"I sell my house", TEXT_TYPE), evidence=True)
    other = await alice.messages.send(session_id, BytesSource(b"something else", TEXT_TYPE), evidence=True)
    message, _ = await bob.received_messages(session_id)
    await bob.messages.accept(message.number, "gladly")
    digest = sent.statement.digest
    granting, seeing = await evidence_of(bob), await evidence_of(carol)
    with refused("EVIDENCE_NOT_FOUND"):
        await seeing.open(digest)
    await seeing.permissions.ask(digest, "I am the notary")
    (request,) = await granting.permissions.requests()
    assert (request.statement, request.asker, request.why) == (digest, "carol", "I am the notary")
    described = (await granting.describe(digest)).disclosure
    assert described is not None
    assert described.description.length == len(b"I sell my house")
    permission = await granting.permit(digest, "carol", in_an_hour())
    assert await granting.permissions.requests() == []
    assert await granting.permissions.all() == await seeing.permissions.all() == [permission]
    pieces: list[bytes] = []
    opened = await seeing.open(digest, pieces.append)
    assert b"".join(pieces) == b"I sell my house"
    assert opened.report.outcome is Outcome.PASSED
    assert [(each.name, each.decision) for each in opened.report.answers] == [("bob", None)]
    assert [each.digest for each in await seeing.list(session_id)] == [digest]
    with refused("EVIDENCE_NOT_FOUND"):
        await seeing.open(other.statement.digest)
    with refused("PERMISSION_NOT_FOUND"):
        await seeing.permissions.revoke(permission.digest)
    revoke_time = await granting.permissions.revoke(permission.digest)
    assert [each.revoke_time for each in await seeing.permissions.all()] == [revoke_time]
    with refused("EVIDENCE_NOT_FOUND"):
        await seeing.open(digest)
    await seeing.permissions.ask(other.statement.digest, "And this one")
    await granting.permissions.refuse(other.statement.digest, "carol")
    assert await granting.permissions.requests() == []


async def test_keys_and_permissions_that_a_server_makes_up(company: Company, session_id: str) -> None:
    """Another key in the grantee's name waits for a person; a permission of another message opens nothing."""
    alice, bob, carol = (company.people[name] for name in ("alice", "bob", "carol"))
    granting, seeing = await evidence_of(alice), await evidence_of(carol)
    digests: list[bytes] = []
    for text in (b"one", b"another"):
        sent = await alice.messages.send(session_id, BytesSource(text, TEXT_TYPE), ["bob"], evidence=True)
        digests.append(sent.statement.digest)
    mine: Any = await alice.line.certificates.GetSignerCertificates(
        certificate_service_pb2.GetSignerCertificatesRequest(name="bob"), metadata=await lying.token(alice)
    )

    def anothers(answer: lying.Answer) -> None:
        answer.CopyFrom(mine)

    with (
        lying.lying(alice, "GetSignerCertificates", anothers, "certificates"),
        refused("MEMBER_CERTIFICATE_WRONG", culprit="server"),
    ):
        await granting.permit(digests[0], "carol", in_an_hour())
    later = in_an_hour()
    for reason, problem, name, end, begin in (
        ("ACCOUNT_UNKNOWN", None, "nobody", later, None),
        ("ACCOUNT_NAME_MALFORMED", None, "No Name", later, None),
        ("PERMISSION_WRONG", "its end is in the past", "carol", datetime(2020, 1, 1, tzinfo=UTC), None),
        ("PERMISSION_WRONG", "it ends before it begins", "carol", later, later),
        ("PERMISSION_WRONG", "it is for yourself", "alice", later, None),
        ("PERMISSION_WRONG", "bob is author or recipient, and needs none", "bob", later, None),
    ):
        with refused(reason, **({"problem": problem} if problem else {})):
            await granting.permit(digests[0], name, end, begin)
    assert not {each.core.statement for each in await seeing.permissions.all()}.intersection(digests)
    for digest in digests:
        await granting.permit(digest, "carol", in_an_hour())
    asked = lying.get_evidence(digests[1])
    other = (await carol.line.evidence.GetEvidence(asked, metadata=await lying.token(carol))).permission_der

    def other_permission(answer: lying.Answer) -> None:
        answer.permission_der = other

    def other_key(answer: lying.Answer) -> None:
        given, wanted = SignedPermission.from_der(answer.permission_der), SignedPermission.from_der(other)
        answer.permission_der = SignedPermission(given.core, wanted.key_ciphertext, given.signature).to_der()

    with lying.lying(carol, "GetEvidence", other_permission), refused("PERMISSION_WRONG", culprit="server"):
        await seeing.open(digests[0])
    with lying.lying(carol, "GetEvidence", other_key), refused("DECRYPTION_FAILED"):
        await seeing.open(digests[0])
    assert (await seeing.open(digests[0])).report.outcome is Outcome.PASSED
    await bob.received(session_id)
