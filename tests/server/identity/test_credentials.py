"""The server's own keys in the database, tickets to the microsecond, and certificate requests bit by bit."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import Connection

from server.clock import system_clock
from server.config import load_settings
from server.custody import NamedKeys, Sealer, load_master_keys
from server.errors import OperatorError
from server.identity import (
    Authority,
    Enrolment,
    ServerCertificate,
    add_ticket,
    ensure_server_certificate,
    list_agents,
    new_token,
    revoke,
)
from server.identity.credentials import open_key
from server.identity.enrolment import _requested_key
from server.identity.server_certificate import RENEW_BEFORE
from server.identity.store.agents import AgentState, find_credential
from server.root.application import Server
from server.root.ground import Ground, open_ground
from server.root.home import Home
from tests.server.harness import (
    Client,
    Identity,
    database_bytes,
    database_path,
    new_certificate_request,
    query,
    sign_request,
    silent_log,
)
from wire.catalogue import ServiceError
from wire.status import RemoteError

NOW = system_clock().replace(microsecond=0)
TICK = timedelta(microseconds=1)
NAMES = ["localhost", "127.0.0.1"]


@pytest.fixture
def ground(home: Home) -> Iterator[Ground]:
    """Database and custody of a home folder."""
    with open_ground(home, load_settings(home.folder), silent_log()) as opened:
        yield opened


def authority_of(ground: Ground) -> Authority:
    """The authority, ready to sign."""
    return ground.database.write_now(lambda connection: Authority.load(connection, ground.custody.keys))


def enrolment(ground: Ground, now: datetime) -> Enrolment:
    """Enrolment at a fixed time."""
    return Enrolment(ground.database, authority_of(ground), lambda: now, silent_log())


def ticket(ground: Ground, agent_id: str = "alice", *, hours: int = 1, reinstate: bool = False) -> str:
    """The token of a ticket made now."""
    token = new_token(secrets.token_bytes)
    lifetime = timedelta(hours=hours)
    ground.database.write_now(
        lambda connection: add_ticket(connection, agent_id, token, NOW, lifetime, reinstate=reinstate)
    )
    return token


def keys_on_disk(key: ec.EllipticCurvePrivateKey) -> list[bytes]:
    """The forms in which a private key could be found in a file."""
    scalar = key.private_numbers().private_value.to_bytes(32, "big")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return [scalar, scalar.hex().encode(), pem.splitlines()[1]]


async def test_a_ticket_ends_on_the_microsecond(ground: Ground) -> None:
    """A token is good until its time, and not at it."""
    _, request = new_certificate_request()
    end = NOW + timedelta(hours=1)
    token = ticket(ground)
    with pytest.raises(ServiceError) as refused:
        await enrolment(ground, end).enrol(token, request)
    assert refused.value.reason == "ENROLMENT_TOKEN_INVALID"
    enrolled = await enrolment(ground, end - TICK).enrol(token, request)
    assert enrolled.agent_id == "alice"
    with pytest.raises(ServiceError):  # also for whoever repeats it
        await enrolment(ground, end).enrol(token, request)


async def test_a_new_ticket_ends_the_older_one(ground: Ground) -> None:
    """Of several tickets for one name the newest alone is good; other names are not touched."""
    older, other, newer = ticket(ground), ticket(ground, "bob"), ticket(ground)
    _, request = new_certificate_request()
    at_work = enrolment(ground, NOW)
    with pytest.raises(ServiceError):
        await at_work.enrol(older, request)
    assert (await at_work.enrol(newer, request)).agent_id == "alice"
    assert (await at_work.enrol(other, request)).agent_id == "bob"


async def test_revocation_takes_the_ticket_along(ground: Ground) -> None:
    """A revoked agent comes back by the operator's word alone, not by a ticket that was lying about."""
    _, request = new_certificate_request()
    at_work = enrolment(ground, NOW)
    await at_work.enrol(ticket(ground), request)
    lying_about = ticket(ground)
    ground.database.write_now(lambda connection: revoke(connection, "alice", NOW))
    with pytest.raises(ServiceError) as refused:
        await at_work.enrol(lying_about, request)
    assert refused.value.reason == "ENROLMENT_TOKEN_INVALID"
    with pytest.raises(OperatorError, match="was revoked"):
        ticket(ground)
    await at_work.enrol(ticket(ground, reinstate=True), request)
    assert [agent.state for agent in ground.database.read_now(list_agents)] == [AgentState.ACTIVE]


def test_every_flipped_bit_of_a_request() -> None:
    """No altered request speaks for another key, for its signature covers the key; nearly all are refused at once."""
    key, request = new_certificate_request()
    accepted = 0
    for position in range(8 * len(request)):
        altered = bytearray(request)
        altered[position // 8] ^= 1 << position % 8
        try:
            found = _requested_key(bytes(altered))
        except ServiceError as error:
            assert error.reason == "CERTIFICATE_REQUEST_INVALID"  # noqa: PT017  # some may be accepted
        else:
            accepted += 1
            assert found == key.public_key()
    assert accepted <= 7  # DER's count of unused bits behind the signature, where the signature ends in zeros


def test_private_keys_are_sealed(ground: Ground, home: Home) -> None:
    """Neither the authority's nor the server's private key is on the disk in any form that can be read."""
    authority = authority_of(ground)
    ground.database.write_now(_server_certificate(ground, NOW))
    sealer = ground.custody.sealer
    for name in ("authority", "server"):
        credential = ground.database.read_now(partial(find_credential, name=name))
        assert credential is not None
        key = open_key(sealer, name, credential)
        certificate = x509.load_der_x509_certificate(credential.certificate)
        assert key.public_key() == certificate.public_key()
        on_disk = database_bytes(home)
        assert credential.certificate in on_disk
        assert not any(form in on_disk for form in keys_on_disk(key))
        assert credential.sealed_key.hex() not in repr(credential)
    assert str(authority._key) == "<OpenedEcKey authority sign>"


@pytest.mark.parametrize("column", ["sealed_key", "certificate"])
def test_exchanged_credentials_do_not_open(ground: Ground, home: Home, column: str) -> None:
    """Who edits the database cannot make the server's key the authority's, nor put another certificate to it."""
    ground.database.write_now(_server_certificate(ground, NOW))
    (other,) = query(home, f"SELECT {column} FROM credentials WHERE name = 'server'")  # noqa: S608  # of the test
    with closing(sqlite3.connect(database_path(home))) as connection, connection:
        connection.execute(f"UPDATE credentials SET {column} = ? WHERE name = 'authority'", other)  # noqa: S608
    with pytest.raises(OperatorError, match="private key does not open"):
        authority_of(ground)


def test_another_master_key_opens_no_credential(ground: Ground, home: Home) -> None:
    """Without the master key of this database there is no authority."""
    keys = load_master_keys(home.master_key(load_settings(home.folder)))
    other = type(keys)(keys.active, {keys.active: secrets.token_bytes(32)})
    strange = NamedKeys(Sealer(other, secrets.token_bytes), ground.custody.shares.holder.keys)
    with pytest.raises(OperatorError, match="private key does not open"):
        ground.database.read_now(lambda connection: Authority.load(connection, strange))


def test_the_certificate_is_made_again_on_the_microsecond(ground: Ground) -> None:
    """It is kept until 60 days before its end, and replaced from then on."""
    first = ground.database.write_now(_server_certificate(ground, NOW))
    due = first.expire_time - RENEW_BEFORE
    assert ground.database.write_now(_server_certificate(ground, due - TICK)) == first
    second = ground.database.write_now(_server_certificate(ground, due))
    assert second.certificate_pem != first.certificate_pem
    assert second.key_pem != first.key_pem
    assert second.expire_time > first.expire_time
    assert ground.database.write_now(_server_certificate(ground, due)) == second


async def test_the_servers_own_certificate_admits_no_caller(home: Home, server: Server, alice: Client) -> None:
    """Whoever has the server's certificate and key still is no agent."""
    key = await alice.generate()
    with open_ground(home, load_settings(home.folder), silent_log()) as ground:
        own = ground.database.write_now(_server_certificate(ground, system_clock()))
    thief = Identity("alice", own.key_pem, own.certificate_pem, alice.identity.authority_pem)
    async with Client(server.serving, thief) as client:
        with pytest.raises(RemoteError) as refused:
            await client.sign(sign_request(key))
    assert refused.value.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAUTHENTICATED)
    await alice.sign(sign_request(key))


def _server_certificate(ground: Ground, now: datetime) -> Callable[[Connection], ServerCertificate]:
    sealer, authority = ground.custody.sealer, authority_of(ground)
    return lambda connection: ensure_server_certificate(connection, sealer, authority, NAMES, now)
