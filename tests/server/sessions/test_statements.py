"""Statements: signed when everything is right, and refused, each for its own reason, when anything is not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fourseal.v1 import account_service_pb2, certificate_service_pb2, contract_session_pb2
from fourseal.v1.contract_session_service_pb2 import SignStatementRequest

from contract.certificates import joint_key
from contract.signatures import JOINT_ALGORITHM, JointSignature, SeparateSignature, verify_signature
from contract.signer_keys import algorithm_of
from contract.statement import Answer, Decision, Recipient
from tests.server.harness import MovableClock
from tests.server.sessions.people import HOUR, Session, Signer, member_of, sign_certificate_of
from wire.convert import timestamp_of
from wire.ids import new_request_id
from wire.status import RemoteError


async def reason_of(signer: Signer, request: SignStatementRequest) -> str:
    """Why a request is refused."""
    with pytest.raises(RemoteError) as refused:
        await signer.send(request)
    return refused.value.reason


async def test_joint_signature_holds_for_openssl(alice: Signer, bob: Signer, session: Session) -> None:
    """It is an ordinary RSASSA-PSS signature under N_author * N_session; the numbers show it."""
    statement = alice.statement(session, bob)
    signature = await alice.sign(session, statement)
    certificate = sign_certificate_of(session)
    key = joint_key(alice.sign_certificate, certificate).to_cryptography()
    hashed = JOINT_ALGORITHM.hash.to_cryptography()
    key.verify(signature, statement.to_der(), JOINT_ALGORITHM.to_cryptography_padding(), hashed)
    verify_signature(statement.to_der(), JointSignature(signature), alice.sign_certificate, certificate)
    seen = await bob.get(session.session_id)
    assert (member_of(seen, "alice").messages_to_caller, member_of(seen, "alice").last_sequence) == (1, 1)
    assert member_of(await alice.get(session.session_id), "bob").messages_from_caller == 1


async def test_separate_signatures_hold(people: dict[str, Signer]) -> None:
    """Ed25519 and P-256 signers: the session's half signs beside them."""
    dave, erin = people["dave"], people["erin"]
    made = await dave.create("erin", scheme=contract_session_pb2.SESSION_SCHEME_SEPARATE)
    session = await erin.join(made.session_id)
    for author, other in ((dave, erin), (erin, dave)):
        statement = author.statement(session, other)
        request = author.request(session, statement)
        signature = SeparateSignature(
            algorithm_of(author.sign_certificate.public_key), request.author_signature, await author.send(request)
        )
        verify_signature(statement.to_der(), signature, author.sign_certificate, sign_certificate_of(session))
        again = author.request(session, statement)  # Erin's own signature is another one, as ECDSA is
        again.request_id = request.request_id
        assert await author.send(again) == signature.session
    spoilt = dave.request(session, dave.statement(session, erin, sequence=2, time=dave.now()))
    spoilt.author_signature = bytes(64)
    assert await reason_of(dave, spoilt) == "SIGNATURE_INVALID"


async def test_repeat_has_the_same_answer(alice: Signer, bob: Signer, session: Session) -> None:
    """By request_id; another request_id with the same statement repeats its sequence number."""
    request = alice.request(session, alice.statement(session, bob))
    assert await alice.send(request) == await alice.send(request)
    request.request_id = new_request_id()
    assert await reason_of(alice, request) == "SEQUENCE_REPEATED"


async def test_of_twenty_with_one_number_one_is_signed(alice: Signer, bob: Signer, session: Session) -> None:
    """In parallel: the transaction decides."""
    requests = [alice.request(session, alice.statement(session, bob)) for _ in range(20)]
    answers = await asyncio.gather(*map(alice.send, requests), return_exceptions=True)
    assert sum(isinstance(answer, bytes) for answer in answers) == 1
    refused = {answer.reason for answer in answers if isinstance(answer, RemoteError)}
    assert refused <= {"SEQUENCE_REPEATED"}


Spoil = Callable[[Signer, Signer, Signer, Session], dict[str, Any]]
_REFUSED: dict[str, Spoil] = {
    "RECIPIENT_UNKNOWN": lambda _a, _b, c, _s: {
        "recipients": (Recipient("carol", c.encrypt_certificate.fingerprint, 1),)
    },
    "RECIPIENT_CERTIFICATE_WRONG": lambda _a, _b, c, _s: {
        "recipients": (Recipient("bob", c.encrypt_certificate.fingerprint, 1),)
    },
    "RECIPIENT_NUMBER_WRONG": lambda _a, b, _c, _s: {
        "recipients": (Recipient("bob", b.encrypt_certificate.fingerprint, 2),)
    },
    "STATEMENT_TIME_OFF": lambda a, _b, _c, _s: {"time": a.now() - timedelta(seconds=125)},
}


@pytest.mark.parametrize("reason", _REFUSED)
async def test_refused(alice: Signer, bob: Signer, carol: Signer, session: Session, reason: str) -> None:
    """Each with its own reason, and the next right statement is signed: nothing was counted."""
    spoilt = replace(alice.statement(session, bob), **_REFUSED[reason](alice, bob, carol, session))
    assert await reason_of(alice, alice.request(session, spoilt)) == reason
    await alice.sign(session, alice.statement(session, bob))


async def test_clock_ahead_is_refused_too(alice: Signer, bob: Signer, session: Session) -> None:
    """Two minutes to either side."""
    ahead = alice.statement(session, bob, time=alice.now() + timedelta(seconds=125))
    assert await reason_of(alice, alice.request(session, ahead)) == "STATEMENT_TIME_OFF"
    await alice.sign(session, alice.statement(session, bob, time=alice.now() + timedelta(seconds=100)))


async def test_partial_of_another_statement_or_session(alice: Signer, bob: Signer, session: Session) -> None:
    """A partial is worth nothing for anything but its statement, in its session: also to the server's operator."""
    one, two = (alice.request(session, alice.statement(session, bob)) for _ in range(2))
    one.author_signature = two.author_signature
    assert await reason_of(alice, one) == "PARTIAL_SIGNATURE_INVALID"
    other = await alice.create("bob")
    await bob.join(other.session_id)
    other = await alice.get(other.session_id)
    statement = alice.statement(session, bob)
    request = alice.request(session, statement)
    moved = replace(statement, session_id=other.session_id, session_certificate=sign_certificate_of(other).fingerprint)
    request.statement_der = moved.to_der()
    assert await reason_of(alice, request) == "PARTIAL_SIGNATURE_INVALID"
    mixed = replace(statement, session_id=other.session_id)
    request.statement_der = mixed.to_der()
    assert await reason_of(alice, request) == "SESSION_CHANGED"


async def test_only_the_author(alice: Signer, bob: Signer, mallory: Signer, carol: Signer, session: Session) -> None:
    """Not another member, not an outsider, not somebody who was invited and did not join."""
    request = alice.request(session, alice.statement(session, bob))
    assert await reason_of(bob, request) == "NOT_THE_AUTHOR"
    assert await reason_of(mallory, request) == "NOT_THE_AUTHOR"
    forged = alice.statement(session, bob, author="mallory", author_certificate=mallory.sign_certificate.fingerprint)
    request.statement_der = forged.to_der()
    assert await reason_of(mallory, request) == "SESSION_NOT_FOUND"
    request.statement_der = replace(
        forged, author="carol", author_certificate=carol.sign_certificate.fingerprint
    ).to_der()
    assert await reason_of(carol, request) == "NOT_A_MEMBER"


async def test_older_revision(alice: Signer, bob: Signer, carol: Signer, session: Session) -> None:
    """Somebody joined meanwhile: the author has to look again, and is told which revision it is."""
    request = alice.request(session, alice.statement(session, bob))
    await carol.join(session.session_id)
    with pytest.raises(RemoteError) as refused:
        await alice.send(request)
    assert (refused.value.reason, refused.value.metadata["revision"]) == ("SESSION_CHANGED", str(session.revision + 1))
    session = await alice.get(session.session_id)
    await alice.sign(session, alice.statement(session, bob, carol))


async def test_removed_member(alice: Signer, bob: Signer, carol: Signer, session: Session) -> None:
    """Signs nothing any more, under whatever revision, and is no recipient."""
    await carol.join(session.session_id)
    old = await bob.get(session.session_id)
    session = await alice.remove(session.session_id, "bob")
    assert await reason_of(bob, bob.request(old, bob.statement(old, alice))) == "NOT_A_MEMBER"
    assert await reason_of(alice, alice.request(session, alice.statement(session, bob))) == "RECIPIENT_UNKNOWN"


async def test_time_of_the_session(alice: Signer, bob: Signer, clock: MovableClock) -> None:
    """Before it begins and after it ends nothing is signed, also before housekeeping has closed it."""
    begin = timestamp_of(alice.now() + 2 * HOUR)
    made = await alice.create("bob", begin_time=begin, end_time=timestamp_of(alice.now() + 3 * HOUR))
    session = await bob.join(made.session_id)
    assert sign_certificate_of(session).certificate.not_valid_before_utc < alice.now()  # members look at it before
    assert await reason_of(alice, alice.request(session, alice.statement(session, bob))) == "SESSION_NOT_BEGUN"
    for _ in range(6):  # a login that is used lives on
        clock.move(HOUR / 3)
        await alice.get(session.session_id)
        await bob.get(session.session_id)
    minute = timedelta(minutes=1)
    early = alice.statement(session, bob, time=alice.now() - minute)  # signed, it would never hold
    assert await reason_of(alice, alice.request(session, early)) == "SESSION_NOT_BEGUN"
    await alice.sign(session, alice.statement(session, bob))
    for part in (HOUR / 3, HOUR / 3, HOUR / 3 - minute):
        clock.move(part)
        session = await alice.get(session.session_id)
        await bob.get(session.session_id)
    ahead = alice.statement(session, bob, sequence=2, time=alice.now() + minute)
    assert await reason_of(alice, alice.request(session, ahead)) == "SESSION_ENDED"
    clock.move(minute)
    session = await alice.get(session.session_id)
    assert session.state == contract_session_pb2.SESSION_STATE_OPEN
    late = alice.statement(session, bob, sequence=2)
    assert await reason_of(alice, alice.request(session, late)) == "SESSION_ENDED"
    clock.move(HOUR / 4)
    with pytest.raises(RemoteError) as refused:
        await alice.invite(session.session_id, "carol")
    assert refused.value.reason == "SESSION_ENDED"
    await bob.leave(session.session_id)
    left = await alice.get(session.session_id)
    assert left.revision == session.revision  # a further one would end before it began


async def test_answers(alice: Signer, bob: Signer, session: Session) -> None:
    """To what was signed here, by its recipient, once."""
    statement = alice.statement(session, bob)
    answer = Answer(Decision.ACCEPT, statement)
    request = bob.request(session, bob.statement(session, alice, answer=answer))
    assert await reason_of(bob, request) == "ANSWERED_UNKNOWN"
    await alice.sign(session, statement)
    await bob.send(request)
    again = Answer(Decision.REJECT, statement)
    session = await bob.get(session.session_id)
    second = bob.statement(session, alice, sequence=2, answer=again)
    assert await reason_of(bob, bob.request(session, second)) == "ANSWERED_BEFORE"


async def test_of_two_answers_at_once_one_is_signed(alice: Signer, bob: Signer, session: Session) -> None:
    """Whoever wants to hold an acceptance and a rejection, to show the one that suits: no way gets both, in any order.

    Not in parallel, not with numbers that would fit if both were signed, not with the request id of the first.
    """
    statement = alice.statement(session, bob)
    await alice.sign(session, statement)
    session = await bob.get(session.session_id)
    requests = [
        bob.request(
            session, bob.statement(session, alice, sequence=sequence, answer=Answer(decision, statement), **changed)
        )
        for sequence, decision in enumerate([Decision.ACCEPT, Decision.REJECT] * 10, start=1)
        for changed in ({}, {"recipients": (Recipient("alice", alice.encrypt_certificate.fingerprint, 2),)})
    ]
    answers = await asyncio.gather(*map(bob.send, requests), return_exceptions=True)
    (signed,) = (index for index, answer in enumerate(answers) if isinstance(answer, bytes))
    assert await bob.send(requests[signed]) == answers[signed]
    session = await bob.get(session.session_id)
    for decision in Decision:
        late = bob.request(session, bob.statement(session, alice, sequence=50, answer=Answer(decision, statement)))
        assert await reason_of(bob, late) == "ANSWERED_BEFORE"
        late.request_id = requests[signed].request_id
        assert await reason_of(bob, late) == "REQUEST_ID_REUSED"


async def test_login_revoked(alice: Signer, bob: Signer, session: Session) -> None:
    """Whoever has keys and a token that was revoked signs nothing."""
    request = alice.request(session, alice.statement(session, bob))
    await alice.call(alice.accounts.RevokeLogin, account_service_pb2.RevokeLoginRequest())
    assert await reason_of(alice, request) == "LOGIN_REQUIRED"


async def test_token_of_another(alice: Signer, bob: Signer, mallory: Signer, session: Session) -> None:
    """Stolen keys and a stolen token: from another agent they are worth nothing, nor are keys with one's own login."""
    request = alice.request(session, alice.statement(session, bob))
    own, mallory.token = mallory.token, alice.token
    assert await reason_of(mallory, request) == "LOGIN_REQUIRED"
    mallory.token = own
    assert await reason_of(mallory, request) == "NOT_THE_AUTHOR"


async def test_certificate_revoked(alice: Signer, bob: Signer, session: Session) -> None:
    """Nothing is signed with it any more; others go on."""
    request = alice.request(session, alice.statement(session, bob))
    revocation = certificate_service_pb2.RevokeSignerCertificatesRequest(
        request_id=new_request_id(), reason=certificate_service_pb2.REVOCATION_REASON_KEY_COMPROMISE
    )
    await alice.call(alice.certificates.RevokeSignerCertificates, revocation)
    assert await reason_of(alice, request) == "PROOF_REQUIRED"
    await bob.sign(session, bob.statement(session, alice))


@pytest.mark.parametrize("spoil", ["empty", "cut", "appended"])
async def test_malformed_statement(alice: Signer, bob: Signer, session: Session, spoil: str) -> None:
    """Not the one encoding of a statement: refused before anything else is looked at."""
    request = alice.request(session, alice.statement(session, bob))
    der = request.statement_der
    request.statement_der = {"empty": b"", "cut": der[:-1], "appended": der + b"\0"}[spoil]
    assert await reason_of(alice, request) == "STATEMENT_MALFORMED"
