"""Members of contract sessions: registered, logged in and proven once, in a folder that every test copies.

Registering costs seconds (password hashes, halves of keys), and is tested elsewhere.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from fourseal.v1 import contract_session_pb2, contract_session_service_pb2_grpc
from fourseal.v1 import contract_session_service_pb2 as pb

from contract.certificates import SessionCertificate, SignerCertificate
from contract.oids import DEFAULT_ARC
from contract.signatures import joint_message, sign_separately
from contract.signer_keys import SignerPrivateKey
from contract.signer_requests import signer_certification_context
from contract.statement import Recipient, Statement
from mpc.four_prime_rsa import (
    DecryptionShare,
    KeyShare,
    Purpose,
    Role,
    SigningShare,
    create_partial_signature,
    generate_key_share,
    own_private_key,
)
from mpc.four_prime_rsa.certification import certify_modulus
from server.root.home import Home, Serving
from server.sessions.shares import share_name
from tests.recycled import new_keys
from tests.server.harness import (
    ENGINE,
    HALF_BITS,
    Client,
    Identity,
    MovableClock,
    enrolled,
    make_home,
    running_server,
)
from tests.server.identity.accounts.people import Person, pair_of
from wire.convert import timestamp_of
from wire.ids import new_request_id

HOUR: Final = timedelta(hours=1)
JOINT: Final = ("alice", "bob", "carol", "mallory")
"""People with halves of joint keys."""
SEPARATE: Final = ("dave", "erin")
"""Dave signs by Ed25519 and decrypts by X25519; Erin by P-256 and RSA."""

Session = contract_session_pb2.ContractSession


@dataclass(frozen=True)
class Keys:
    """Somebody's keys; halves have shares too."""

    sign: SignerPrivateKey
    encrypt: rsa.RSAPrivateKey | x25519.X25519PrivateKey
    sign_share: SigningShare | None = None
    encrypt_share: DecryptionShare | None = None


@dataclass(frozen=True)
class Known:
    """What somebody has kept from the preparation."""

    identity: Identity
    token: str
    login_id: str
    keys: Keys
    pair: Mapping[Purpose, x509.Certificate]


@dataclass(frozen=True)
class World:
    """A server's folder in which everybody is known, and how far the clock has gone there."""

    folder: Path
    offset: timedelta
    people: Mapping[str, Known]


@dataclass
class Signer(Person):
    """Somebody at an agent, with a proven login."""

    known: Known = field(kw_only=True)

    @property
    def sessions(self) -> contract_session_service_pb2_grpc.ContractSessionServiceAsyncStub:
        """ContractSessionService."""
        return contract_session_service_pb2_grpc.ContractSessionServiceStub(self.client.channel)

    @property
    def sign_certificate(self) -> SignerCertificate:
        """For signing."""
        return SignerCertificate(self.known.pair[Purpose.SIGN], DEFAULT_ARC)

    @property
    def encrypt_certificate(self) -> SignerCertificate:
        """For encryption."""
        return SignerCertificate(self.known.pair[Purpose.DECRYPT], DEFAULT_ARC)

    def creation(self, *invited: str, **changed: object) -> pb.CreateSessionRequest:
        """A valid request for a session of two hours that begins now, to be sent or to be spoilt."""
        wanted = {
            "request_id": new_request_id(),
            "subject": "The contract",
            "place": "https://meet.example.org/1",
            "end_time": timestamp_of(self.now() + 2 * HOUR),
            "invited": invited,
        }
        return pb.CreateSessionRequest(**(wanted | changed))  # type: ignore[arg-type]  # its fields

    async def create(self, *invited: str, **changed: object) -> Session:
        """Create a session."""
        return (await self.call(self.sessions.CreateSession, self.creation(*invited, **changed))).session

    async def get(self, session_id: str) -> Session:
        """The session as it is."""
        return (await self.call(self.sessions.GetSession, pb.GetSessionRequest(session_id=session_id))).session

    async def join(self, session_id: str) -> Session:
        """Join."""
        request = pb.JoinSessionRequest(request_id=new_request_id(), session_id=session_id)
        return (await self.call(self.sessions.JoinSession, request)).session

    async def leave(self, session_id: str) -> None:
        """Leave."""
        request = pb.LeaveSessionRequest(request_id=new_request_id(), session_id=session_id)
        await self.call(self.sessions.LeaveSession, request)

    async def invite(self, session_id: str, *names: str) -> Session:
        """Invite."""
        request = pb.InviteMembersRequest(request_id=new_request_id(), session_id=session_id, names=names)
        return (await self.call(self.sessions.InviteMembers, request)).session

    async def remove(self, session_id: str, name: str) -> Session:
        """Remove."""
        request = pb.RemoveMemberRequest(request_id=new_request_id(), session_id=session_id, name=name)
        return (await self.call(self.sessions.RemoveMember, request)).session

    async def close(self, session_id: str) -> Session:
        """Close."""
        request = pb.CloseSessionRequest(request_id=new_request_id(), session_id=session_id)
        return (await self.call(self.sessions.CloseSession, request)).session

    def statement(self, session: Session, *recipients: Signer, sequence: int = 1, **changed: object) -> Statement:
        """A valid statement, as far as the session that is given says, to be signed or to be spoilt."""
        used = {member.name: member.messages_from_caller for member in session.members}
        addressed = [
            Recipient(each.name, each.encrypt_certificate.fingerprint, used.get(each.name, 0) + 1)
            for each in sorted(recipients, key=lambda each: each.name)
        ]
        wanted = {
            "session_id": session.session_id,
            "session_certificate": sign_certificate_of(session).fingerprint,
            "author": self.name,
            "author_certificate": self.sign_certificate.fingerprint,
            "time": self.now(),
            "sequence": sequence,
            "recipients": tuple(addressed),
            "description": secrets.token_bytes(32),
        }
        return Statement(**(wanted | changed))  # type: ignore[arg-type]  # its fields

    def request(self, session: Session, statement: Statement, **changed: object) -> pb.SignStatementRequest:
        """A request to sign a statement under the session that is given."""
        certificate = sign_certificate_of(session)
        salt = b""
        if session.scheme == contract_session_pb2.SESSION_SCHEME_SEPARATE:
            signature = sign_separately(self.known.keys.sign, statement, self.sign_certificate, certificate)
        else:
            salt = secrets.token_bytes(32)
            message = joint_message(statement, self.sign_certificate, certificate, salt)
            assert self.known.keys.sign_share is not None
            share = self.known.keys.sign_share
            signature = create_partial_signature(share, message, ENGINE, secrets.token_bytes).to_bytes()
        wanted = {
            "request_id": new_request_id(),
            "statement_der": statement.to_der(),
            "salt": salt,
            "author_signature": signature,
        }
        return pb.SignStatementRequest(**(wanted | changed))  # type: ignore[arg-type]  # its fields

    async def send(self, request: pb.SignStatementRequest) -> bytes:
        """Have a statement signed."""
        return (await self.call(self.sessions.SignStatement, request)).signature

    async def sign(self, session: Session, statement: Statement) -> bytes:
        """Both."""
        return await self.send(self.request(session, statement))

    async def decrypt(self, session_id: str, ciphertext_der: bytes, request_id: str = "") -> bytes:
        """The session's half of a decryption."""
        request = pb.DecryptKeyRequest(
            request_id=request_id or new_request_id(), session_id=session_id, key_ciphertext_der=ciphertext_der
        )
        return (await self.call(self.sessions.DecryptKey, request)).partial


def sign_certificate_of(session: Session) -> SessionCertificate:
    """The session's certificate for signing."""
    return SessionCertificate.from_der(session.sign_certificate_der, DEFAULT_ARC)


def encrypt_certificate_of(session: Session) -> SessionCertificate:
    """The session's certificate for encryption."""
    return SessionCertificate.from_der(session.encrypt_certificate_der, DEFAULT_ARC)


def signing_share_of(session: Session) -> str:
    """Its name in custody."""
    return share_name(session.session_id, Purpose.SIGN)


def member_of(session: Session, name: str) -> contract_session_pb2.SessionMember:
    """Somebody in a session."""
    (found,) = (member for member in session.members if member.name == name)
    return found


def prepare(folder: Path, names: Sequence[str]) -> World:
    """Make a world of these people, in a thread with a loop of its own."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, _prepare(folder, names)).result()


def copy_home(world: World, folder: Path) -> Home:
    """A copy of the world's folder."""
    shutil.copytree(world.folder, folder)
    return Home(folder)


def arrive(world: World, serving: Serving, clock: MovableClock, name: str) -> Signer:
    """Somebody known, at a server on a copy of the world's folder."""
    known = world.people[name]
    client = Client(serving, known.identity)
    return Signer(name, client, clock, token=known.token, login_id=known.login_id, known=known)


async def _prepare(folder: Path, names: Sequence[str]) -> World:
    home = make_home(folder)
    clock = MovableClock()
    people = {}
    async with running_server(home, clock=clock) as server:
        for name in names:
            async with await enrolled(home, server, f"{name}-agent") as client:
                person = Person(name, client, clock)
                await person.register()
                await person.log_in()
                keys = _new_keys(name)
                pair = await certify(person, keys)
                await person.prove(pair)
                people[name] = Known(client.identity, person.token, person.login_id, keys, pair)
    return World(folder, clock() - MovableClock()(), people)


@cache
@new_keys()
def _new_keys(name: str) -> Keys:
    if name == "dave":
        return Keys(ed25519.Ed25519PrivateKey.generate(), x25519.X25519PrivateKey.generate())
    if name == "erin":
        return Keys(ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048))
    sign, encrypt = (generate_key_share(Role.CLIENT, purpose, HALF_BITS) for purpose in Purpose)
    return keys_of_halves(sign, encrypt)


def keys_of_halves(sign: KeyShare, encrypt: KeyShare) -> Keys:
    """Keys of somebody who can take part in joint sessions."""
    assert isinstance(sign, SigningShare)
    assert isinstance(encrypt, DecryptionShare)
    return Keys(own_private_key(sign), rsa.RSAPrivateNumbers(**_numbers(encrypt)).private_key(), sign, encrypt)


def _numbers(share: KeyShare) -> dict[str, Any]:
    crt = share.crt
    exponent = pow(crt.public_exponent, -1, (crt.p - 1) * (crt.q - 1))
    public = rsa.RSAPublicNumbers(crt.public_exponent, crt.modulus)
    names = {"dmp1": crt.exponent_p, "dmq1": crt.exponent_q, "iqmp": crt.q_inverse}
    return {"p": crt.p, "q": crt.q, "d": exponent, "public_numbers": public} | names


async def certify(person: Person, keys: Keys) -> dict[Purpose, x509.Certificate]:
    """Have a pair issued for these keys."""
    person.sign_key, person.encrypt_key = keys.sign, keys.encrypt.public_key()
    request_id = new_request_id()
    roots: list[Sequence[bytes]] = [
        ()
        if share is None
        else certify_modulus(
            share, signer_certification_context(person.name, request_id, purpose), ENGINE, secrets.token_bytes
        )
        for share, purpose in ((keys.sign_share, Purpose.SIGN), (keys.encrypt_share, Purpose.DECRYPT))
    ]
    request = person.signer_request(sign_roots=roots[0], encrypt_roots=roots[1], request_id=request_id)
    return pair_of(await person.call(person.certificates.IssueSignerCertificates, request))
