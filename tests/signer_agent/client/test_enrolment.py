"""Enrolment: a ticket becomes a certificate, whatever is lost on the way and whoever lies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from signer_agent.client.agent import LocalAgent
from signer_agent.home import Home
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from tests.signer_agent.authority import Authority
from tests.signer_agent.cheating_server import CheatingServer, Lie, cheating_server
from tests.signer_agent.lies import Answer, put
from tests.signer_agent.refusals import refused
from tests.signer_agent.stores import PASSPHRASE
from wire.catalogue import ServiceError
from wire.client.enrolment import enrol
from wire.client.identity import Identity
from wire.client.ticket import Ticket

TOKEN = "A" * 43


@pytest.fixture
def server() -> Iterator[CheatingServer]:
    """A server that is honest until it is told otherwise."""
    with cheating_server() as running:
        yield running


def content(server: CheatingServer, /, **spoiled: object) -> bytes:
    """A ticket file, with some fields changed; None leaves one out."""
    fields: dict[str, object] = {
        "version": 1,
        "agent_id": "alice",
        "server": server.address,
        "enrolment_server": server.enrolment_address,
        "authority_certificate": server.authority.pem.decode(),
        "token": TOKEN,
        "expire_time": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
    }
    return json.dumps({name: value for name, value in (fields | spoiled).items() if value is not None}).encode()


def ticket(server: CheatingServer, /, **spoiled: object) -> Ticket:
    """A ticket that was read."""
    return Ticket.parse(content(server, **spoiled), "t.json", datetime.now(UTC))


async def test_an_enrolled_agent_is_let_in(server: CheatingServer, store: KeyStore) -> None:
    """With a P-256 key of its own in the certificate that it was given."""
    identity = await enrol(store, ticket(server))
    certificate = x509.load_pem_x509_certificate(identity.certificate_pem)
    assert certificate.public_key() == identity.private_key.public_key()
    assert isinstance(identity.private_key.curve, ec.SECP256R1)
    assert (identity.agent_id, identity.server_address) == ("alice", server.address)
    agent = LocalAgent(store)
    assert await agent.list_keys() == []
    assert (await agent.state()).agent_id == "alice"
    await agent.close()


async def test_a_lost_answer_costs_nothing(server: CheatingServer, home: Home, store: KeyStore) -> None:
    """The same request again, also after the process ended in between, as another process sees it."""
    server.behaviour.refusals["EnrolAgent"] = ServiceError("OVERLOADED")
    with refused("OVERLOADED"):
        await enrol(store, ticket(server))
    server.behaviour.refusals.clear()
    server.behaviour.lost_answers["EnrolAgent"] = 1
    await enrol(KeyStore.open(home, Passphrase(PASSPHRASE)), ticket(server))
    requests = server.behaviour.calls("EnrolAgent")
    assert len(requests) == 3
    assert requests[0] == requests[1] == requests[2]
    assert store.pending_enrolment() is None


async def test_a_new_ticket_is_a_new_key(server: CheatingServer, store: KeyStore) -> None:
    """Renewal: the old identity works until the new one is stored."""
    old = await enrol(store, ticket(server))
    server.behaviour.refusals["EnrolAgent"] = ServiceError("ENROLMENT_TOKEN_INVALID")
    with refused("ENROLMENT_TOKEN_INVALID"):
        await enrol(store, ticket(server, token="B" * 43))
    kept = store.identity()
    assert isinstance(kept, Identity)
    assert kept.certificate_pem == old.certificate_pem
    server.behaviour.refusals.clear()
    new = await enrol(store, ticket(server, token="C" * 43))
    assert new.private_key.public_key() != old.private_key.public_key()
    assert len({request.certificate_request_der for request in server.behaviour.calls("EnrolAgent")}) == 3


def request_key(request: Any) -> ec.EllipticCurvePublicKey:  # noqa: ANN401  # a protobuf message
    """The key that a certificate was asked for."""
    key = x509.load_der_x509_csr(request.certificate_request_der).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


def certificate(make: Callable[[Authority, ec.EllipticCurvePublicKey], x509.Certificate]) -> Callable[[Authority], Lie]:
    """A lie that answers another certificate, made of the authority and the key that was asked for."""

    def told(authority: Authority) -> Lie:
        def lie(request: object, answer: Answer) -> None:
            answer.certificate_der = make(authority, request_key(request)).public_bytes(Encoding.DER)

        return lie

    return told


def other_key() -> ec.EllipticCurvePublicKey:
    """A key of nobody."""
    return ec.generate_private_key(ec.SECP256R1()).public_key()


LIES: Final[dict[str, Callable[[Authority], Lie]]] = {
    "another name": lambda _: put("agent_id", "bob"),
    "no name": lambda _: put("agent_id", ""),
    "no certificate": lambda _: put("certificate_der", b""),
    "no certificate at all": lambda _: put("certificate_der", b"\x30\x03\x02\x01\x01"),
    "another authority's own": lambda _: put("authority_certificate_der", Authority("evil").der),
    "another key": certificate(lambda authority, _: authority.issue(other_key(), "alice")),
    "another authority": certificate(lambda _, key: Authority("authority").issue(key, "alice")),
    "expired": certificate(lambda authority, key: authority.issue(key, "alice", lifetime=timedelta(days=-1))),
    "nothing": lambda _: lambda __, answer: answer.Clear(),
}


@pytest.mark.parametrize("name", LIES)
async def test_a_certificate_that_does_not_hold_is_not_stored(
    server: CheatingServer, store: KeyStore, name: str
) -> None:
    """Whatever is wrong with it, the server is blamed."""
    server.behaviour.lies["EnrolAgent"] = LIES[name](server.authority)
    with refused("ANSWER_MALFORMED", culprit="server"):
        await enrol(store, ticket(server))
    assert store.identity() is None


async def test_the_token_goes_to_the_server_of_the_ticket_only(server: CheatingServer, store: KeyStore) -> None:
    """Whoever answers at its address must be of the ticket's authority."""
    with refused("SERVER_UNTRUSTED"):
        await enrol(store, ticket(server, authority_certificate=Authority("other").pem.decode()))
    assert server.behaviour.seen == []


async def test_an_expired_certificate_is_said_before_it_is_tried(server: CheatingServer, store: KeyStore) -> None:
    """With its time, and what to do."""
    key = ec.generate_private_key(ec.SECP256R1())
    expired = server.authority.issue(key.public_key(), "alice", lifetime=timedelta(days=-1))
    pem = expired.public_bytes(Encoding.PEM)
    store.save_identity(Identity("alice", server.address, server.authority.pem, pem, key))
    agent = LocalAgent(store)
    with refused("CERTIFICATE_EXPIRED", expire_time=expired.not_valid_after_utc.isoformat()):
        await agent.list_keys()
    await agent.close()


async def test_without_a_certificate_nothing_is_asked(store: KeyStore) -> None:
    """The agent says what is missing; nothing is left behind."""
    agent = LocalAgent(store)
    with refused("NOT_ENROLLED"):
        await agent.generate_key("sign")
    await agent.close()
    assert store.request_ids() == []


SPOILED: dict[str, dict[str, object]] = {
    "no version": {"version": None},
    "another version": {"version": 2},
    "version of a wrong type": {"version": "1"},
    "no token": {"token": None},
    "short token": {"token": "A" * 42},
    "long token": {"token": "A" * 44},
    "foreign token": {"token": "\u00e4" * 43},
    "token of a wrong type": {"token": 5},
    "no server": {"server": None},
    "server without a port": {"server": "localhost"},
    "server without a host": {"server": ":7443"},
    "server that is no address": {"server": "unix:///run/x"},
    "server with a line break": {"server": "localhost\n:7443"},
    "bad name": {"agent_id": "../alice"},
    "no authority": {"authority_certificate": None},
    "bad authority": {"authority_certificate": "-----BEGIN CERTIFICATE-----"},
    "bad time": {"expire_time": "tomorrow"},
    "time of a wrong type": {"expire_time": 5},
    "expired": {"expire_time": "2020-01-01T00:00:00+00:00"},
    "expired without a zone": {"expire_time": "2020-01-01T00:00:00"},
    "something more": {"comment": "hello"},
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_ticket_is_refused(server: CheatingServer, name: str) -> None:
    """And its token is not shown."""
    with refused("TICKET_INVALID", file="t.json"):
        ticket(server, **SPOILED[name])


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 100, b"\xff\xfe", b"[]", b"null", b"{", b"[" * 100_000, b'{"version": 1e999}']
)
def test_what_is_no_ticket_is_refused(data: bytes) -> None:
    """Nothing, binary, JSON of another kind, JSON without end."""
    with refused("TICKET_INVALID"):
        Ticket.parse(data, "t.json", datetime.now(UTC))


def test_a_ticket_does_not_show_its_token(server: CheatingServer) -> None:
    """Neither itself, nor in an error about it."""
    assert TOKEN not in repr(ticket(server))
    with pytest.raises(ServiceError) as caught:
        ticket(server, expire_time="never")
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None
