"""The life of a session: made, joined, changed, closed; who sees it, and who may do what."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fourseal.v1 import contract_session_pb2
from fourseal.v1 import contract_session_service_pb2 as pb

from contract.chain import check_chain
from contract.oids import DEFAULT_ARC
from contract.relay_pass import read_pass
from contract.session_keys import session_certification_context
from mpc.errors import PeerMisbehaved
from mpc.four_prime_rsa import Purpose
from mpc.four_prime_rsa.certification import check_certification
from server.root.application import Server
from server.root.home import Home
from server.sessions import expected_shares as session_shares
from server.sessions.passes import CLOCKS_DIFFER
from server.signing import inspect_shares
from tests.server.cli.test_cli import answer
from tests.server.harness import MovableClock, database_bytes, database_path, query
from tests.server.sessions.people import (
    HOUR,
    Session,
    Signer,
    encrypt_certificate_of,
    member_of,
    sign_certificate_of,
    signing_share_of,
)
from wire.convert import timestamp_of
from wire.ids import new_request_id
from wire.status import RemoteError

_LAST_TIME = timestamp_of(datetime.max.replace(tzinfo=UTC))
LEFT = contract_session_pb2.MEMBER_STATE_LEFT
CLOSED = contract_session_pb2.SESSION_STATE_CLOSED


async def test_what_a_session_promises(alice: Signer, bob: Signer, session: Session, session_server: Server) -> None:
    """Chain, session info, certifications of both moduli: each for this session and purpose alone."""
    authority = session_server._rules.sessions.reading._authority.certificate
    sign, encrypt = sign_certificate_of(session), encrypt_certificate_of(session)
    check_chain(sign.certificate, authority, DEFAULT_ARC.session_sign, alice.now())
    check_chain(encrypt.certificate, authority, DEFAULT_ARC.session_encrypt, alice.now())
    assert sign.info == encrypt.info
    assert [member.name for member in sign.info.members] == ["alice", "bob"]
    assert sign.info.member("bob").encrypt_certificate == bob.encrypt_certificate.fingerprint
    assert (sign.info.invited, sign.info.revision, sign.info.half_bits) == (("carol",), 2, 2048)
    sign_roots, encrypt_roots = session.sign_certification_roots, session.encrypt_certification_roots
    sign_context = session_certification_context(session.session_id, Purpose.SIGN)
    check_certification(sign.share, sign_context, sign_roots)
    check_certification(
        encrypt.share, session_certification_context(session.session_id, Purpose.DECRYPT), encrypt_roots
    )
    with pytest.raises(PeerMisbehaved):
        check_certification(sign.share, session_certification_context(session.session_id, Purpose.DECRYPT), sign_roots)


async def test_creation_is_idempotent(alice: Signer) -> None:
    """A repeat has the same session; other content under the same request_id is refused."""
    request = alice.creation("bob")
    first, again = [await alice.call(alice.sessions.CreateSession, request) for _ in range(2)]
    assert first.session.session_id == again.session.session_id
    request.subject = "Another"
    with pytest.raises(RemoteError, match="used before"):
        await alice.call(alice.sessions.CreateSession, request)


async def test_joining_a_session_that_outlives_ones_certificates(
    alice: Signer, bob: Signer, session_home: Home
) -> None:
    """Bob's pair ends before the session does: he is refused, and stays invited."""
    session = await alice.create("bob")
    # as if Alice's pair was newer, and she had made it so long
    with closing(sqlite3.connect(database_path(session_home))) as connection, connection:
        connection.execute("UPDATE contract_sessions SET end_time = end_time + ?", (400 * 86400 * 1_000_000,))
    with pytest.raises(RemoteError) as refused:
        await bob.join(session.session_id)
    assert refused.value.reason == "CERTIFICATE_ENDS_EARLY"
    assert member_of(await alice.get(session.session_id), "bob").state == contract_session_pb2.MEMBER_STATE_INVITED


async def test_bad_wishes(alice: Signer) -> None:
    """Each with its own reason, and no share is made."""
    now = alice.now()
    wishes = {
        "SESSION_SIZE_WRONG": alice.creation(*(f"guest{number}" for number in range(50))),
        "ACCOUNT_UNKNOWN": alice.creation("nobody"),
        "ACCOUNT_NAME_MALFORMED": alice.creation("Bob"),
        "FIELD_INVALID": alice.creation("bob", "bob"),
        "SUBJECT_MALFORMED": alice.creation("bob", subject=""),
        "PLACE_MALFORMED": alice.creation("bob", place="here"),
        "SESSION_TIME_WRONG": alice.creation("bob", end_time=timestamp_of(now - HOUR)),
        "CERTIFICATE_ENDS_EARLY": alice.creation(
            "bob", begin_time=timestamp_of(now + timedelta(days=300)), end_time=timestamp_of(now + timedelta(days=400))
        ),
        "SESSION_TIME_WRONG at the end of time": alice.creation("bob", begin_time=_LAST_TIME, end_time=_LAST_TIME),
    }
    for case, wish in wishes.items():
        reason = case.split()[0]
        with pytest.raises(RemoteError) as refused:
            await alice.call(alice.sessions.CreateSession, wish)
        assert refused.value.reason == reason
    listed = await alice.call(alice.sessions.ListSessions, pb.ListSessionsRequest())
    assert list(listed.sessions) == []


async def test_keys_of_another_kind(people: dict[str, Signer], alice: Signer) -> None:
    """The joint scheme wants certified halves, of who creates and of who joins."""
    dave = people["dave"]
    for attempt in (dave.create("bob"), dave.join((await alice.create("dave")).session_id)):
        with pytest.raises(RemoteError) as refused:
            await attempt
        assert refused.value.reason == "SESSION_KEYS_UNSUITABLE"


async def test_strangers_see_nothing(alice: Signer, mallory: Signer, session: Session) -> None:
    """What was never invited hears of no session what a made-up one would be answered."""
    made_up = "session-" + "a" * 26
    for session_id in (session.session_id, made_up):
        attempts = [
            mallory.get(session_id),
            mallory.join(session_id),
            mallory.leave(session_id),
            mallory.invite(session_id, "mallory"),
            mallory.remove(session_id, "bob"),
            mallory.close(session_id),
            mallory.decrypt(session_id, b""),
            mallory.call(mallory.sessions.GetRelayPass, pb.GetRelayPassRequest(session_id=session_id)),
        ]
        reasons = set()
        for attempt in attempts:
            with pytest.raises(RemoteError) as refused:
                await attempt
            reasons.add(refused.value.reason)
        assert reasons == {"SESSION_NOT_FOUND", "KEY_CIPHERTEXT_MALFORMED"}
    assert list((await mallory.call(mallory.sessions.ListSessions, pb.ListSessionsRequest())).sessions) == []
    assert [
        one.session_id for one in (await alice.call(alice.sessions.ListSessions, pb.ListSessionsRequest())).sessions
    ]


async def test_creator_alone(bob: Signer, session: Session) -> None:
    """Invites, removes, closes."""
    for attempt in (
        bob.invite(session.session_id, "mallory"),
        bob.remove(session.session_id, "alice"),
        bob.close(session.session_id),
    ):
        with pytest.raises(RemoteError) as refused:
            await attempt
        assert refused.value.reason == "NOT_THE_CREATOR"


async def test_every_revision_is_kept(alice: Signer, bob: Signer, carol: Signer, session: Session) -> None:
    """By either fingerprint, with its members' certificates; also after they have left, and were invited again."""
    await carol.join(session.session_id)
    await bob.leave(session.session_id)
    now = await alice.get(session.session_id)
    assert (now.revision, member_of(now, "bob").state) == (4, LEFT)
    with pytest.raises(RemoteError) as refused:
        await bob.join(session.session_id)
    assert refused.value.reason == "NOT_INVITED"
    for certificate in (sign_certificate_of(session), encrypt_certificate_of(session)):
        request = pb.GetSessionCertificatesRequest(session_id=session.session_id, fingerprint=certificate.fingerprint)
        old = await carol.call(carol.sessions.GetSessionCertificates, request)
        assert (old.revision, old.sign_certificate_der) == (2, session.sign_certificate_der)
        digests = [sha256(der).digest() for der in old.member_encrypt_certificates_der]
        assert digests == [each.encrypt_certificate for each in certificate.info.members]
    await alice.invite(session.session_id, "bob")
    assert (await bob.join(session.session_id)).revision == 6


async def test_revision_begins_when_it_was_made(
    alice: Signer, carol: Signer, session: Session, clock: MovableClock
) -> None:
    """Not with the session: so the certificates of whoever joined later are valid when it begins."""
    clock.move(timedelta(minutes=20))
    joined = await carol.join(session.session_id)
    begins = sign_certificate_of(joined).certificate.not_valid_before_utc
    assert timedelta(minutes=9) < clock() - begins < timedelta(minutes=11)
    first = sign_certificate_of(session).certificate.not_valid_before_utc
    assert begins - first > timedelta(minutes=15)
    assert (await alice.get(session.session_id)).revision == joined.revision


async def test_last_but_one_leaves(alice: Signer, bob: Signer) -> None:
    """There is no session info of one person: the revision stays, and the next invitation makes the next one."""
    made = await alice.create("bob")
    await bob.leave(made.session_id)
    alone = await alice.get(made.session_id)
    assert (alone.revision, alone.sign_certificate_der) == (1, made.sign_certificate_der)
    assert (await alice.invite(made.session_id, "carol")).revision == 2


async def test_closing_destroys_the_signing_share(
    alice: Signer, bob: Signer, session: Session, session_home: Home, session_server: Server
) -> None:
    """With every client key in hand nothing can be signed; the record proves what was destroyed, when and by whom."""
    await alice.sign(session, alice.statement(session, bob))
    stolen = bob.request(session, bob.statement(session, alice))
    name = signing_share_of(session)
    ((sealed,),) = query(session_home, "SELECT sealed FROM sealed_shares WHERE key_id = ?", name)
    shares = session_server._ground.custody.shares
    assert shares.opened(name) is not None
    closed = await alice.close(session.session_id)
    assert closed.state == CLOSED
    assert shares.opened(name) is None
    assert shares.open(name, sign_certificate_of(session).share) is None
    assert sealed not in database_bytes(session_home)
    with pytest.raises(RemoteError) as refused:
        await bob.send(stolen)
    assert refused.value.reason == "SESSION_CLOSED"
    intents = "SELECT count(*) FROM operations WHERE request_id = ?"
    assert query(session_home, intents, stolen.request_id) == [(0,)]  # refused before anything was tried
    key = sign_certificate_of(session).share.to_cryptography()
    digest = sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    sql = "SELECT account, digest, outcome FROM operations WHERE method = 'CloseSession' AND key_id = ?"
    assert query(session_home, sql, name) == [("alice", digest, "done")]
    for attempt in (alice.close(session.session_id), bob.leave(session.session_id), alice.invite(session.session_id)):
        with pytest.raises(RemoteError) as refused:
            await attempt
        assert refused.value.reason == "SESSION_CLOSED"
    found = inspect_shares(shares, session_shares(session_server._ground.database))
    assert (found.sound, found.damaged, found.left_over) == (1, [], [])


async def test_time_closes(
    alice: Signer, session: Session, session_home: Home, session_server: Server, clock: MovableClock
) -> None:
    """Housekeeping closes a session whose time is over; the record is the server's own."""
    ((sealed,),) = query(session_home, "SELECT sealed FROM sealed_shares WHERE key_id = ?", signing_share_of(session))
    for _ in range(8):
        clock.move(timedelta(minutes=20))
        await alice.get(session.session_id)
    await session_server._keep_house_once()
    assert (await alice.get(session.session_id)).state == CLOSED
    assert sealed not in database_bytes(session_home)
    sql = "SELECT agent_id, account FROM operations WHERE method = 'CloseSession'"
    assert query(session_home, sql) == [("-", None)]


async def test_passes(
    alice: Signer, bob: Signer, carol: Signer, session: Session, session_server: Server, clock: MovableClock
) -> None:
    """Members post and fetch; who left, and everybody after closing, fetches; who never joined gets none."""
    authority = session_server._rules.sessions.reading._authority.certificate

    async def posts(signer: Signer) -> bool:
        request = pb.GetRelayPassRequest(session_id=session.session_id)
        given = await signer.call(signer.sessions.GetRelayPass, request)
        times = [clock() + off for off in (-CLOCKS_DIFFER, timedelta(0), CLOCKS_DIFFER)]  # of a media server
        read, *others = (read_pass(given.pass_der, authority, DEFAULT_ARC, now) for now in times)
        assert others == [read, read]
        assert (read.account, read.session_id) == (signer.name, session.session_id)
        assert "carol" not in read.members
        assert read.may_post or read.members == (signer.name,)
        return read.may_post

    assert await posts(alice)
    with pytest.raises(RemoteError) as refused:
        await posts(carol)
    assert refused.value.reason == "NOT_A_MEMBER"
    await bob.leave(session.session_id)
    assert not await posts(bob)
    await alice.invite(session.session_id, "bob")
    assert not await posts(bob)  # who is invited anew still fetches what was sent before
    await alice.close(session.session_id)
    assert not await posts(alice)


async def test_nothing_without_a_login(alice: Signer, session: Session) -> None:
    """Nor with one that belongs to another agent."""
    for token in ("", "a" * 43):
        alice.token = token
        with pytest.raises(RemoteError) as refused:
            await alice.get(session.session_id)
        assert refused.value.reason == "LOGIN_REQUIRED"


async def test_join_repeats_and_changes_nothing_twice(bob: Signer, session: Session) -> None:
    """Who is a member stays as it is: no new revision."""
    request = pb.JoinSessionRequest(request_id=new_request_id(), session_id=session.session_id)
    for _ in range(2):
        assert (await bob.call(bob.sessions.JoinSession, request)).session.revision == session.revision


async def test_operator_sees_sessions(session: Session, session_home: Home) -> None:
    """Listed and shown beside the running server; the doctor knows their shares."""
    ask = partial(asyncio.to_thread, partial(answer, session_home.folder))
    (listed,) = (await ask("sessions", "list"))["sessions"]
    shown = await ask("sessions", "show", session.session_id)
    assert shown == listed
    states = {member["name"]: member["state"] for member in shown["members"]}
    assert states == {"alice": "joined", "bob": "joined", "carol": "invited"}
    findings = {finding["check"]: finding for finding in (await ask("doctor"))["findings"]}
    assert findings["key shares"]["detail"] == "2 opened"
