"""A company with keys in trust: its administrators, somebody who uses its keys, and somebody who is up to something.

Prepared once, in a folder that every module copies: halves of keys cost seconds, and are tested elsewhere.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_der_public_key
from fourseal.v1 import trusteeship_service_pb2 as pb
from fourseal.v1 import trusteeship_service_pb2_grpc
from fourseal.v1.statement_pb2 import StatementSignature
from google.protobuf.message import Message

from contract.joint_statement import STATEMENT_ALGORITHM, JointStatement, PersonalStatement
from contract.trusteeship.grants import GrantAction, GrantOrder, GrantRequest
from contract.trusteeship.operations import KeyOperation
from contract.trusteeship.uses import UseRequest
from mpc.four_prime_rsa import EncodedMessage, HashAlgorithm, Purpose, SigningShare, create_partial_signature
from server.custody import KeyKind
from server.identity import Authority, issue_organisation_certificate, issue_personal_certificate
from server.organisations import add_administrator, make_key, register_organisation, set_approvals
from server.root.application import Server
from server.root.home import Home
from tests.server.harness import ENGINE, Client, ClientKey, Identity, MovableClock, enrolled, make_home, running_server
from tests.server.identity.accounts.people import Person
from wire.ids import new_request_id
from wire.status import RemoteError

ADMINISTRATORS: Final = ("alice", "bob", "carol")
"""Of acme. Two must approve; Bob uses its keys too, and so does not decide about that."""
PEOPLE: Final = (*ADMINISTRATORS, "mallory")
DIGEST: Final = sha256(b"contract").digest()
YEARS: Final = timedelta(days=3650)
OAEP: Final = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)

Response = TypeVar("Response")


@dataclass(frozen=True)
class Known:
    """What somebody has kept from the preparation."""

    identity: Identity
    token: str
    key: ClientKey
    certificate: bytes


@dataclass(frozen=True)
class OwnKey:
    """A key of the organisation's: its name, the digest of its certificate, its public key."""

    key_id: str
    certificate: bytes
    public_key: Any


@dataclass(frozen=True)
class World:
    """A server's folder in which everybody is known."""

    folder: Path
    people: Mapping[str, Known]
    keys: Mapping[str, OwnKey]
    """By purpose."""


@dataclass
class Trustee(Person):
    """Somebody with a personal certificate."""

    known: Known = field(kw_only=True)

    @property
    def trust(self) -> trusteeship_service_pb2_grpc.TrusteeshipServiceAsyncStub:
        """TrusteeshipService."""
        return trusteeship_service_pb2_grpc.TrusteeshipServiceStub(self.client.channel)

    def now(self) -> datetime:
        """The time, in whole seconds."""
        return self.clock().replace(microsecond=0)

    def signature(self, statement_der: bytes, key: ClientKey | None = None) -> StatementSignature:
        """The agent's part of a signature."""
        chosen = key or self.known.key
        assert isinstance(chosen.share, SigningShare)
        salt = secrets.token_bytes(STATEMENT_ALGORITHM.salt_length)
        digest = sha256(statement_der).digest()
        message = EncodedMessage(chosen.joint_key, STATEMENT_ALGORITHM, digest, salt)
        made = create_partial_signature(chosen.share, message, ENGINE, secrets.token_bytes)
        return StatementSignature(key_id=chosen.key_id, salt=salt, client_partial=made.to_bytes())

    def asking(self, key: OwnKey, purpose: Purpose = Purpose.SIGN, **changed: Any) -> GrantRequest:  # noqa: ANN401
        """A request for a grant of a day that begins now, to be sent or to be spoilt."""
        now = self.now()
        asked = GrantRequest(
            organisation="acme",
            key_id=key.key_id,
            key_certificate=key.certificate,
            purpose=purpose,
            user=self.name,
            user_certificate=self.known.certificate,
            document_kinds=(),
            digests=(),
            uses=10,
            begin=now - timedelta(minutes=1),
            end=now + timedelta(days=1),
            approvals=2,
            reason="sealing contracts",
            nonce=secrets.token_bytes(16),
        )
        return replace(asked, **changed)

    def ordering(self, grant: pb.Grant, action: GrantAction, **changed: Any) -> GrantOrder:  # noqa: ANN401
        """An order, to be sent or to be spoilt."""
        ordered = GrantOrder(
            grant=asked_of(grant).digest,
            round=grant.round,
            action=action,
            administrator=self.name,
            administrator_certificate=self.known.certificate,
            reason="",
            time=self.now(),
        )
        return replace(ordered, **changed)

    def using(self, grant: pb.Grant, **changed: Any) -> UseRequest:  # noqa: ANN401
        """A request for a use, to be sent or to be spoilt."""
        asked = asked_of(grant)
        signs = asked.purpose is Purpose.SIGN
        wanted = UseRequest(
            grant=asked.digest,
            request_id=new_request_id(),
            organisation=asked.organisation,
            key_id=asked.key_id,
            user=self.name,
            user_certificate=self.known.certificate,
            operation=KeyOperation.of_ecdsa(HashAlgorithm.SHA256) if signs else KeyOperation.OAEP_SHA256_SHA256,
            digest=DIGEST,
            label=b"",
            document_kind="",
            reason="the yearly contract",
            time=self.now(),
        )
        return replace(wanted, **changed)

    async def ask(self, asked: GrantRequest, **changed: Any) -> pb.Grant:  # noqa: ANN401
        """Ask for a grant."""
        return (await self.send(self.trust.RequestGrant, pb.RequestGrantRequest, asked, **changed)).grant

    async def order(self, ordered: GrantOrder, **changed: Any) -> pb.Grant:  # noqa: ANN401
        """Decide about a grant."""
        return (await self.send(self.trust.OrderGrant, pb.OrderGrantRequest, ordered, **changed)).grant

    async def begin_use(self, asked: UseRequest, ciphertext: bytes = b"", **changed: Any) -> pb.BeginUseResponse:  # noqa: ANN401
        """First step of a use."""
        der = asked.to_der()
        wanted: dict[str, Any] = {"statement_der": der, "ciphertext": ciphertext}
        if "signature" not in changed:
            wanted["signature"] = self.signature(der)
        return await self.call(self.trust.BeginUse, pb.BeginUseRequest(**(wanted | changed)))

    def finishing(self, asked: UseRequest, begun: pb.BeginUseResponse) -> pb.FinishUseRequest:
        """The second step, to be sent or to be spoilt."""
        signature = self.signature(begun.record_der)
        return pb.FinishUseRequest(request_id=new_request_id(), use_request_id=asked.request_id, signature=signature)

    async def finish_use(self, request: pb.FinishUseRequest) -> pb.FinishUseResponse:
        """Second step of a use."""
        return await self.call(self.trust.FinishUse, request)

    async def use(self, asked: UseRequest, ciphertext: bytes = b"") -> pb.FinishUseResponse:
        """Both steps."""
        return await self.finish_use(self.finishing(asked, await self.begin_use(asked, ciphertext)))

    async def send(
        self,
        method: Callable[..., Awaitable[Response]],
        kind: type[Message],
        statement: PersonalStatement,
        **changed: Any,  # noqa: ANN401  # fields
    ) -> Response:
        """Send a statement, signed."""
        der = statement.to_der()
        wanted: dict[str, Any] = {"request_id": new_request_id(), "statement_der": der}
        if "signature" not in changed:
            wanted["signature"] = self.signature(der)
        return await self.call(method, kind(**(wanted | changed)))

    async def look(self, grant_id: str) -> pb.Grant:
        """A grant as it is."""
        return (await self.call(self.trust.GetGrant, pb.GetGrantRequest(grant_id=grant_id))).grant


def asked_of(grant: pb.Grant) -> GrantRequest:
    """What a grant says."""
    return GrantRequest.from_der(JointStatement.from_der(grant.request_der).statement)


async def reason_of(refused: Awaitable[object]) -> str:
    """Why a call is refused."""
    with pytest.raises(RemoteError) as refusal:
        await refused
    return refusal.value.reason


def prepare(folder: Path, people: Sequence[str] = PEOPLE) -> World:
    """Everybody and everything, once."""
    home = make_home(folder, login_idle_seconds=6 * 3600)  # tests move the clock
    return asyncio.run(_prepare(home, people))


async def _prepare(home: Home, people: Sequence[str]) -> World:
    clock = MovableClock()
    async with running_server(home, clock=clock) as server:
        known = await asyncio.gather(*(_register(home, server, clock, each) for each in people))
        keys = await asyncio.to_thread(_make_organisation, server, clock())
    return World(home.folder, dict(zip(people, known, strict=True)), keys)


async def _register(home: Home, server: Server, clock: MovableClock, name: str) -> Known:
    async with await enrolled(home, server, f"laptop-{name}") as client:
        person = Person(name, client, clock)
        await person.register()
        key = await client.generate()
        return Known(client.identity, person.token, key, await asyncio.to_thread(certify, server, name, key, clock()))


def authority_of(server: Server) -> Authority:
    """The authority of a server, ready to sign."""
    ground = server._ground
    return ground.database.read_now(lambda connection: Authority.load(connection, ground.custody.keys))


def certify(server: Server, name: str, key: ClientKey, now: datetime) -> bytes:
    """Issue a personal certificate; its digest."""
    authority, der = authority_of(server), key.joint_key.to_der()
    issued = server._ground.database.write_now(
        lambda connection: issue_personal_certificate(connection, authority, name, key.share.purpose, der, now, YEARS)
    )
    return issued.fingerprint


def _make_organisation(server: Server, now: datetime) -> dict[str, OwnKey]:
    database = server._ground.database
    database.write_now(lambda connection: register_organisation(connection, "acme", "Acme Works", now))
    for name in ADMINISTRATORS:
        database.write_now(partial(add_administrator, organisation="acme", account=name, now=now))
    database.write_now(lambda connection: set_approvals(connection, "acme", 2, now))
    return {
        purpose.value: new_key(server, "acme", purpose, kind, now)
        for purpose, kind in ((Purpose.SIGN, KeyKind.ECDSA_P256), (Purpose.DECRYPT, KeyKind.RSA_3072))
    }


def new_key(server: Server, organisation: str, purpose: Purpose, kind: KeyKind, now: datetime) -> OwnKey:
    """Make a key of an organisation, with its certificate."""
    ground, authority = server._ground, authority_of(server)
    key = make_key(ground.database, ground.custody.keys, organisation, purpose, kind, secrets.token_bytes, now)
    issued = ground.database.write_now(
        lambda connection: issue_organisation_certificate(
            connection, authority, organisation, organisation.title(), purpose, key.key_der, now, YEARS
        )
    )
    return OwnKey(key.key_id, issued.fingerprint, load_der_public_key(key.key_der))


def copy_home(world: World, folder: Path) -> Home:
    """A folder of its own, where everybody is known."""
    shutil.copytree(world.folder, folder)
    return Home(folder)


def arrive(world: World, server: Server, clock: MovableClock, name: str) -> Trustee:
    """Somebody's line to a server."""
    known = world.people[name]
    return Trustee(name, Client(server.serving, known.identity), clock, token=known.token, known=known)
