"""The list of revoked certificates: whole whenever it is handed out, and nobody's wait but its own."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, x25519

from mpc.four_prime_rsa import Purpose
from server.identity import Authority
from server.identity.certificates.list_encoding import encode_entry, encode_unsigned_list
from server.identity.certificates.revocation import REASONS, RevocationLists
from server.root.application import Server
from server.root.home import Home
from tests.server.harness import Client, MovableClock, call, database_path, enrolled, query, running_server
from tests.server.identity.accounts.people import Person, certificate_pb, pair_of
from wire.ids import new_request_id
from wire.status import RemoteError

NOW = datetime(2026, 5, 4, 9, 30, 0, tzinfo=UTC)
LIMIT = 10
"""The default of ``certificate_pairs_per_day``."""


class HeldAuthority(Authority):
    """Signs lists only when it is let."""

    def __init__(self, authority: Authority) -> None:
        super().__init__(authority.certificate, authority._key, authority.arc)
        self.asked = threading.Event()
        self.let = threading.Event()

    def issue_revocation_list(self, entries: Iterable[bytes], number: int, now: datetime, lifetime: timedelta) -> bytes:
        """As always, later."""
        self.asked.set()
        assert self.let.wait(60)
        return super().issue_revocation_list(entries, number, now, lifetime)


def renew_keys(person: Person) -> None:
    """Other keys: each stands in one certificate."""
    person.sign_key = ec.generate_private_key(ec.SECP256R1())
    person.encrypt_key = x25519.X25519PrivateKey.generate().public_key()


def revocation() -> certificate_pb.RevokeSignerCertificatesRequest:
    """A request to revoke."""
    return certificate_pb.RevokeSignerCertificatesRequest(
        request_id=new_request_id(), reason=certificate_pb.REVOCATION_REASON_KEY_COMPROMISE
    )


async def fetch(person: Person) -> x509.CertificateRevocationList:
    """The list as the server hands it out."""
    response = await call(person.certificates.GetRevocationList, certificate_pb.GetRevocationListRequest())
    return x509.load_der_x509_crl(response.revocation_list_der)


def number_of(revoked: x509.CertificateRevocationList) -> int:
    """Its number."""
    return revoked.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def revoke_beside(home: Home) -> None:
    """Mark every certificate as revoked, as a server does that ends before it has made the list."""
    with closing(sqlite3.connect(database_path(home))) as connection, connection:
        connection.execute(
            "UPDATE signer_certificates SET revoke_time = create_time, revocation_reason = 'superseded', revocation ="
            " (SELECT coalesce(max(revocation), 0) + 1 FROM signer_certificates)"
        )


@pytest.mark.parametrize("when", [NOW, NOW.replace(year=2051)])
@pytest.mark.parametrize("count", [0, 1, 300])
def test_encoding_is_that_of_other_software(when: datetime, count: int) -> None:
    """Byte by byte what ``cryptography`` makes of the same entries."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "An authority")])
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    reasons = list(REASONS.values())
    wanted = [(1 << index % 159 | 1, when + timedelta(hours=index), reasons[index % 4]) for index in range(count)]
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer)
        .last_update(when)
        .next_update(when + timedelta(days=7))
        .add_extension(identifier, critical=False)
        .add_extension(x509.CRLNumber(70_000), critical=False)
    )
    for serial_number, time, reason in wanted:
        entry = x509.RevokedCertificateBuilder().serial_number(serial_number).revocation_date(time)
        entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    in_the_second_before = [timedelta(microseconds=us) for us in (0, 1, 999_999)]  # rounded up to the time wanted
    entries = [
        encode_entry(number, time - in_the_second_before[index % 3], reason)
        for index, (number, time, reason) in enumerate(wanted)
    ]
    made = encode_unsigned_list(issuer, identifier, 70_000, when, when + timedelta(days=7), entries)
    assert made == builder.sign(key, hashes.SHA256()).tbs_certlist_bytes


async def test_revocation_holds_at_once_and_returns_with_the_list(
    logged_in: Person, mallory: Person, account_server: Server
) -> None:
    """While the list is made nobody is shown the pair, others can write, and the call has not returned."""
    pair = await logged_in.get_certificates()
    await fetch(mallory)
    lists = account_server._rules.accounts.lists
    held = lists._authority = HeldAuthority(lists._authority)
    revoking = asyncio.create_task(logged_in.call(logged_in.certificates.RevokeSignerCertificates, revocation()))
    assert await asyncio.to_thread(held.asked.wait, 60)
    asked = certificate_pb.GetSignerCertificatesRequest(name="alice")
    shown = await mallory.call(mallory.certificates.GetSignerCertificates, asked)
    assert not shown.HasField("sign_certificate")
    await mallory.log_in()  # writes
    fetching = asyncio.create_task(fetch(mallory))
    assert not revoking.done()
    held.let.set()
    await revoking
    revoked = await fetching
    assert revoked.get_revoked_certificate_by_serial_number(pair[Purpose.SIGN].serial_number) is not None
    assert await fetch(mallory) == revoked


async def test_a_crash_before_the_list_leaves_none_that_lacks_it(account_home: Home, clock: MovableClock) -> None:
    """Neither the running server, beside which somebody revoked, nor one that is started after it, hands out such."""
    async with (
        running_server(account_home, clock=clock) as server,
        await enrolled(account_home, server, "laptop") as client,
    ):
        alice = Person("alice", client, clock)
        await alice.register()
        first = await alice.get_certificates()
        before = await fetch(alice)
        assert len(before) == 0
        revoke_beside(account_home)
        during = await fetch(alice)
        assert during.get_revoked_certificate_by_serial_number(first[Purpose.DECRYPT].serial_number) is not None
        renew_keys(alice)
        second = await alice.get_certificates()
        identity = client.identity
    revoke_beside(account_home)
    async with running_server(account_home, clock=clock) as server:
        assert server._rules.accounts.lists._known is not None  # made at start
        async with type(client)(server.serving, identity) as client:
            after = await fetch(Person("alice", client, clock))
    assert after.get_revoked_certificate_by_serial_number(second[Purpose.SIGN].serial_number) is not None
    assert number_of(before) < number_of(during) < number_of(after)


async def test_many_share_one_list(account_server: Server, account_home: Home) -> None:
    """Whoever comes while one is made is content with the next; of two makers, the higher number knows as much."""
    lists = account_server._rules.accounts.lists
    held = lists._authority = HeldAuthority(lists._authority)
    (before,) = query(account_home, "SELECT number FROM revocation_lists")[0]
    first = asyncio.create_task(lists.covering(1))
    assert await asyncio.to_thread(held.asked.wait, 60)
    with closing(sqlite3.connect(database_path(account_home))) as connection, connection:
        connection.execute(
            "INSERT INTO signer_certificates VALUES (x'01', 'bob', 'sign', '5', x'02', 0, x'03', 0, 0, 1,"
            " 'superseded', 7, 'signer', '')"
        )
    others = [asyncio.create_task(lists.current()) for _ in range(50)]
    beside = RevocationLists(
        account_server._ground.database, Authority(held.certificate, held._key), lists._clock, lifetime=lists._lifetime
    )
    elsewhere = await beside.current()
    held.let.set()
    made = [await first, *await asyncio.gather(*others)]
    assert [each.newest for each in made] == [0] + [7] * 50
    assert {each.number for each in made} == {before + 1, before + 3}
    assert (elsewhere.number, elsewhere.newest) == (before + 2, 7)


async def issue_anew(person: Person) -> str:
    """A pair for new keys; or why not."""
    renew_keys(person)
    try:
        await person.call(person.certificates.IssueSignerCertificates, person.signer_request())
    except RemoteError as error:
        return error.metadata["retry_seconds"] if error.reason == "TOO_MANY_CERTIFICATES" else error.reason
    return ""


async def test_parallel_requests_get_no_more_pairs_than_a_day_has(account_home: Home, clock: MovableClock) -> None:
    """Mallory wants to make the list grow: by requests at once, from two logins, after a restart."""
    async with (
        running_server(account_home, clock=clock) as server,
        await enrolled(account_home, server, "thief") as client,
    ):
        mallory = Person("mallory", client, clock)
        await mallory.register()
        answers = await asyncio.gather(*(issue_anew(mallory) for _ in range(3 * LIMIT)))
        await mallory.log_in()
        assert await issue_anew(mallory)
        token, identity = mallory.token, client.identity
        another = Person("bob", client, clock)
        await another.register()
        assert not await issue_anew(another)
    assert answers.count("") == LIMIT
    assert query(account_home, "SELECT count(*) FROM signer_certificates WHERE account = 'mallory'") == [(2 * LIMIT,)]
    async with running_server(account_home, clock=clock) as server, Client(server.serving, identity) as client:
        mallory = Person("mallory", client, clock, token=token)
        seconds = int(await issue_anew(mallory))
        assert timedelta(hours=23) < timedelta(seconds=seconds) <= timedelta(days=1)


async def test_limit_is_of_a_sliding_day(logged_in: Person) -> None:
    """A pair is issued again when the oldest of the last ones is a day old; repeats of old requests are answered."""
    renew_keys(logged_in)
    first = logged_in.signer_request()
    answer = await logged_in.call(logged_in.certificates.IssueSignerCertificates, first)
    for _ in range(LIMIT - 1):
        assert not await issue_anew(logged_in)
    seconds = int(await issue_anew(logged_in))
    again = await logged_in.call(logged_in.certificates.IssueSignerCertificates, first)
    assert pair_of(again) == pair_of(answer)
    logged_in.clock.move(timedelta(seconds=seconds - 30))
    await logged_in.log_in()  # lets a step of 30 seconds pass at most
    logged_in.clock.move(timedelta(seconds=30))
    assert not await issue_anew(logged_in)
