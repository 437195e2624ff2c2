"""Real servers for tests, in process and as a process, and a client that speaks the protocol step by step.

The client is made of ``mpc`` and the generated code alone, so that a test can do each step wrong.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import secrets
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar
from unittest.mock import patch

import grpc
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fourseal.v1 import (
    decryption_service_pb2,
    decryption_service_pb2_grpc,
    enrolment_service_pb2,
    enrolment_service_pb2_grpc,
    key_pb2,
    key_service_pb2,
    key_service_pb2_grpc,
    signing_service_pb2,
    signing_service_pb2_grpc,
)
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2_grpc
from sqlalchemy import Connection

from mpc.engines import Gmpy2Engine
from mpc.four_prime_rsa import (
    ClientCommitment,
    EncodedMessage,
    GenerationTerms,
    JointPublicKey,
    KeyShare,
    Opening,
    Purpose,
    Role,
    SignatureAlgorithm,
    SigningShare,
    commit_to_share,
    create_partial_signature,
    generate_key_share,
    open_commitment,
)
from server.clock import Clock, system_clock
from server.config import Settings, load_settings
from server.identity import Authority, Ticket, add_ticket, new_token
from server.identity.accounts import passwords
from server.root.application import Server, start_server
from server.root.home import Home, Serving
from server.root.setup import set_up
from server.storage import Database
from server.storage.backend import backend_of
from tests.cheap import CHEAP_PASSWORDS
from tests.forked import Forked
from wire import tls
from wire.convert import purpose_to_proto, signature_algorithm_to_proto
from wire.ids import new_request_id
from wire.limits import channel_options
from wire.status import error_from_rpc

HALF_BITS = 2048
IMPORT_ROOTS = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "gen")]
ENGINE = Gmpy2Engine()
START_SECONDS = 30.0
CALL_SECONDS = 60.0
PSS = SignatureAlgorithm.PSS_SHA256

Response = TypeVar("Response")


def silent_log() -> structlog.stdlib.BoundLogger:
    """A log that nobody reads."""
    log: structlog.stdlib.BoundLogger = structlog.wrap_logger(structlog.ReturnLogger(), processors=[_drop])
    return log


def _drop(_logger: object, _name: str, _event: Mapping[str, Any]) -> Mapping[str, Any]:
    raise structlog.DropEvent


def make_home(folder: Path, **settings: object) -> Home:
    """Set a server up in a folder, on free ports; ``settings`` are those of ``server.config.Settings``."""
    home = Home(folder)
    shutil.copytree(_set_up_once(os.environ.get("SOFTHSM2_CONF", "")), folder)
    chosen = {
        "listen": "127.0.0.1:0",
        "enrolment_listen": "127.0.0.1:0",
        "destruction_delay_seconds": 0,
        "shares_ahead": 0,
    } | settings
    home.config.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in chosen.items()))
    return home


@cache
def _set_up_once(token: str) -> Path:  # noqa: ARG001  # in another token it is another authority's key
    """A folder that was set up, to be copied: setting one up takes longer than many a test."""
    template = Path(tempfile.mkdtemp(prefix="fourseal-test-"))
    atexit.register(shutil.rmtree, template)
    for _ in set_up(Home(template), silent_log(), system_clock):
        pass
    return template


def make_ticket(home: Home, agent_id: str, serving: Serving, *, hours: float = 1.0, reinstate: bool = False) -> Ticket:
    """A ticket, made beside a running server as the command line does it."""
    database = Database(backend_of(home.database_url(_settings_of(home))), silent_log())
    token = new_token(secrets.token_bytes)

    def unit(connection: Connection) -> Ticket:
        now, lifetime = system_clock(), timedelta(hours=hours)
        expire_time = add_ticket(connection, agent_id, token, now, lifetime, reinstate=reinstate)
        authority = Authority.find_certificate_pem(connection).decode()
        return Ticket(agent_id, serving.server, serving.enrolment_server, authority, token, expire_time.isoformat())

    try:
        return database.write_now(unit)
    finally:
        database.close()


def _settings_of(home: Home) -> Settings:
    """What ``load_settings`` reads: once for all homes that have the same, for it takes a tenth of a start."""
    environment = frozenset((name, value) for name, value in os.environ.items() if name.startswith("FOURSEAL_"))
    known = (home.config.read_bytes(), environment)
    if known not in _SETTINGS:
        _SETTINGS[known] = load_settings(home.folder)
    return _SETTINGS[known]


_SETTINGS: dict[tuple[bytes, frozenset[tuple[str, str]]], Settings] = {}


@contextlib.asynccontextmanager
async def running_server(home: Home, *, clock: Clock = system_clock) -> AsyncIterator[Server]:
    """A server in this process; stopped at the end. Hashes of passwords cost next to nothing."""
    with patch.object(passwords, "COST", CHEAP_PASSWORDS):
        server = await start_server(home, _settings_of(home), silent_log(), clock=clock)
    try:
        yield server
    finally:
        await server.stop()


class ServerProcess:
    """A server as a process of its own, started by its command line."""

    PROGRAM: ClassVar = "server.cli"
    COMMAND: ClassVar[tuple[str, ...]] = ("run",)

    def __init__(self, home: Home, inside: Sequence[str] = (), **environment: str) -> None:
        """Start it and wait until it serves: it says so in a line on its standard output.

        Args:
            home: its folder.
            inside: module, and what it is given first, that runs the program; none: it runs by itself.
            environment: variables for it, beside our own.
        """
        self.log_path = home.folder / "server.log"
        reading, writing = os.pipe()
        with self.log_path.open("ab") as log, os.fdopen(writing, "wb") as said:
            program, *first = (*inside, self.PROGRAM)
            arguments = (*first, *self.COMMAND, "--home", str(home.folder))
            self.process = Forked(program, arguments, os.environ | environment, (0, said.fileno(), log.fileno()))
        self._said = os.fdopen(reading, "rb")
        line = self._said.readline()
        if not line:
            self.close()
            raise AssertionError(f"the server did not start: {self.log_path.read_text()[-2000:]}")
        self.serving = Serving(**json.loads(line))

    def kill(self) -> None:
        """End it as a power failure would, as far as the process is concerned."""
        self.process.kill()
        self.close()

    def terminate(self) -> int:
        """Ask it to end; returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.close()

    def close(self) -> int:
        """Wait until it has ended; returns its exit status."""
        self._said.close()
        return self.process.wait(START_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.terminate()


@dataclass(frozen=True, slots=True)
class Identity:
    """An agent's client certificate and its key, PEM, and the authority it believes."""

    agent_id: str
    key_pem: bytes
    certificate_pem: bytes
    authority_pem: bytes


def new_certificate_request(name: str = "ignored") -> tuple[ec.EllipticCurvePrivateKey, bytes]:
    """A fresh P-256 key with its PKCS#10 request (DER)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return key, request.public_bytes(Encoding.DER)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A key as TLS takes it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


async def enrol(ticket: Ticket) -> Identity:
    """Trade a ticket for a client certificate."""
    key, request = new_certificate_request()
    response = await enrol_with(ticket, request)
    certificate = x509.load_der_x509_certificate(response.certificate_der)
    return Identity(
        response.agent_id,
        key_pem(key),
        certificate.public_bytes(Encoding.PEM),
        ticket.authority_certificate.encode(),
    )


async def enrol_with(ticket: Ticket, request_der: bytes) -> enrolment_service_pb2.EnrolAgentResponse:
    """One call of EnrolAgent."""
    credentials = tls.channel_credentials(ticket.authority_certificate.encode())
    async with grpc.aio.secure_channel(ticket.enrolment_server, credentials, channel_options()) as channel:
        stub = enrolment_service_pb2_grpc.EnrolmentServiceStub(channel)
        request = enrolment_service_pb2.EnrolAgentRequest(token=ticket.token, certificate_request_der=request_der)
        return await stub.EnrolAgent(request, timeout=CALL_SECONDS)


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A joint key as its client has it."""

    key_id: str
    share: KeyShare
    joint_key: JointPublicKey


class Client:
    """An agent's line to a server. Every call raises ``RemoteError`` where the server refuses."""

    def __init__(self, serving: Serving, identity: Identity) -> None:
        self.serving = serving
        self.identity = identity
        credentials = tls.channel_credentials(identity.authority_pem, identity.key_pem, identity.certificate_pem)
        self.channel = grpc.aio.secure_channel(serving.server, credentials, channel_options())
        self.keys = key_service_pb2_grpc.KeyServiceStub(self.channel)
        self.signing = signing_service_pb2_grpc.SigningServiceStub(self.channel)
        self.decryption = decryption_service_pb2_grpc.DecryptionServiceStub(self.channel)
        self.health = health_pb2_grpc.HealthStub(self.channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close()

    async def begin(
        self,
        commitment: ClientCommitment,
        *,
        purpose: Purpose = Purpose.SIGN,
        request_id: str | None = None,
        policy: key_pb2.KeyPolicy | None = None,
        replaces: str = "",
    ) -> key_service_pb2.BeginKeyGenerationResponse:
        """First call of a generation."""
        request = key_service_pb2.BeginKeyGenerationRequest(
            request_id=request_id or new_request_id(),
            purpose=purpose_to_proto(purpose),
            half_bits=commitment.share.public.half_bits,
            policy=policy,
            client_commitment=commitment.commitment,
            replaces_key_id=replaces,
        )
        return await call(self.keys.BeginKeyGeneration, request)

    async def finish(self, key_id: str, opening: Opening) -> key_service_pb2.FinishKeyGenerationResponse:
        """Second call of a generation."""
        request = key_service_pb2.FinishKeyGenerationRequest(
            key_id=key_id,
            client_modulus=opening.modulus,
            commitment_nonce=opening.nonce,
            client_certification_roots=opening.roots,
        )
        return await call(self.keys.FinishKeyGeneration, request)

    async def generate(
        self,
        *,
        purpose: Purpose = Purpose.SIGN,
        share: KeyShare | None = None,
        policy: key_pb2.KeyPolicy | None = None,
        half_bits: int = HALF_BITS,
    ) -> ClientKey:
        """A whole generation."""
        commitment = commit_to_share(share or generate_key_share(Role.CLIENT, purpose, half_bits), secrets.token_bytes)
        begun = await self.begin(commitment, purpose=purpose, policy=policy)
        opening = opening_of(commitment, begun)
        finished = await self.finish(begun.key.key_id, opening)
        assert finished.key.state == key_pb2.KEY_STATE_ENABLED
        return ClientKey(begun.key.key_id, commitment.share, opening.joint_key)

    async def rekey(self, key: ClientKey) -> ClientKey:
        """A whole re-key."""
        commitment = commit_to_share(key.share, secrets.token_bytes)
        begun = await self.begin(commitment, purpose=key.share.purpose, replaces=key.key_id)
        opening = opening_of(commitment, begun, key.joint_key)
        await self.finish(begun.key.key_id, opening)
        return ClientKey(begun.key.key_id, key.share, opening.joint_key)

    async def sign(self, request: signing_service_pb2.SignDigestRequest) -> bytes:
        """One SignDigest."""
        return (await call(self.signing.SignDigest, request)).signature

    async def decrypt_partially(self, key_id: str, ciphertext: bytes, *, request_id: str | None = None) -> bytes:
        """One CreatePartialDecryption."""
        request = decryption_service_pb2.CreatePartialDecryptionRequest(
            request_id=request_id or new_request_id(), key_id=key_id, ciphertext=ciphertext
        )
        return (await call(self.decryption.CreatePartialDecryption, request)).partial_decryption


async def enrolled(home: Home, server: Server, agent_id: str) -> Client:
    """A new agent's line to a server."""
    return Client(server.serving, await enrol(make_ticket(home, agent_id, server.serving)))


async def call(method: Callable[..., Awaitable[Response]], request: Message, seconds: float = CALL_SECONDS) -> Response:
    """One call; a refusal is raised as ``RemoteError``."""
    try:
        return await method(request, timeout=seconds)
    except grpc.aio.AioRpcError as error:
        raise error_from_rpc(error) from None


def opening_of(
    commitment: ClientCommitment,
    begun: key_service_pb2.BeginKeyGenerationResponse,
    replaced: JointPublicKey | None = None,
) -> Opening:
    """The honest client's second message."""
    purpose = commitment.share.purpose
    terms = GenerationTerms(begun.key.key_id, purpose, begun.key.half_bits, commitment.commitment, replaced)
    roots = list(begun.server_certification_roots)
    return open_commitment(commitment, terms, begun.key.server_modulus, roots, ENGINE, secrets.token_bytes)


def sign_request(
    key: ClientKey,
    document: bytes = b"contract",
    *,
    algorithm: SignatureAlgorithm = PSS,
    request_id: str | None = None,
) -> signing_service_pb2.SignDigestRequest:
    """A valid SignDigestRequest, to be sent or to be spoilt."""
    assert isinstance(key.share, SigningShare)
    digest, salt = algorithm.hash.digest(document), secrets.token_bytes(algorithm.salt_length)
    message = EncodedMessage(key.joint_key, algorithm, digest, salt)
    partial = create_partial_signature(key.share, message, ENGINE, secrets.token_bytes)
    return signing_service_pb2.SignDigestRequest(
        request_id=request_id or new_request_id(),
        key_id=key.key_id,
        algorithm=signature_algorithm_to_proto(algorithm),
        digest=digest,
        salt=salt,
        client_partial=partial.to_bytes(),
    )


def verify(key: ClientKey, document: bytes, signature: bytes, algorithm: SignatureAlgorithm = PSS) -> None:
    """Check a joint signature by OpenSSL, through ``cryptography``."""
    public = key.joint_key.to_cryptography()
    public.verify(signature, document, algorithm.to_cryptography_padding(), algorithm.hash.to_cryptography())


class MovableClock:
    """A clock that a test can move; else it goes as the machine's."""

    def __init__(self) -> None:
        self._offset = timedelta(0)

    def __call__(self) -> datetime:
        """The time."""
        return system_clock() + self._offset

    def move(self, by: timedelta) -> None:
        """Let time pass."""
        self._offset += by


def database_path(home: Home) -> Path:
    """The database file."""
    return home.folder / "fourseal.db"


def database_bytes(home: Home) -> bytes:
    """All that the database has on the disk: the file, and its write-ahead log."""
    return b"".join(path.read_bytes() for path in sorted(home.folder.glob("fourseal.db*")))


def query(home: Home, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Read the database from outside, without any code of the server."""
    with contextlib.closing(sqlite3.connect(database_path(home))) as connection:
        return connection.execute(sql, values).fetchall()


def sealed_shares(home: Home) -> list[bytes]:
    """Every sealed share."""
    return [row[0] for row in query(home, "SELECT sealed FROM sealed_shares ORDER BY key_id")]


def operation_rows(home: Home) -> list[tuple[Any, ...]]:
    """Agent, method, outcome, reason, request id and key id of every record, oldest first."""
    return query(home, "SELECT agent_id, method, outcome, reason, request_id, key_id FROM operations ORDER BY sequence")
