"""A media server for tests, with an authority whose key the test has, and members with passes."""

from __future__ import annotations

import atexit
import contextlib
import json
import secrets
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

import grpc
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from fourseal.v1 import relay_service_pb2 as pb
from fourseal.v1 import relay_service_pb2_grpc
from grpc_health.v1 import health_pb2_grpc

from contract.envelope import EnvelopeHeader, RecipientKey
from contract.key_ciphertext import JointKeyCiphertext
from contract.names import new_envelope_id, new_session_id
from contract.relay_pass import RelayPass
from contract.stream import SEALED_SEGMENT_BYTES
from mpc.errors import MalformedInput
from server.clock import Clock, system_clock
from server.config import load_settings
from server.identity import Authority
from server.relay import ContentReport
from server.root.ground import open_ground
from server.root.home import Home, Serving
from server.root.media import MediaServer, start_media_server
from server.root.outposts import MEDIA_SERVER, accept_certificate, certify, set_up
from server.root.relay import inspect_relay
from server.root.setup import set_up as set_up_server
from server.storage import Database
from server.storage.backend import backend_of
from tests.server.harness import (
    Identity,
    ServerProcess,
    key_pem,
    make_home,
    query,
    silent_log,
)
from wire import tls
from wire.limits import channel_options
from wire.peer import RELAY_KEY
from wire.status import RemoteError, error_from_rpc

NAME: Final = "127.0.0.2"
CALL_SECONDS: Final = 60.0
QUOTA: Final = 64 << 20
FULL: Final = SEALED_SEGMENT_BYTES
TRAILER: Final = b"sealed statement"
_RECONNECT: Final = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 200)]
_CUT: Final = (
    grpc.StatusCode.INTERNAL,
    "Internal error from Core",
)  # a client that still writes: grpc/grpc issue 36066


@cache
def authority() -> Authority:
    """The authority of everything here."""
    folder = Path(tempfile.mkdtemp(prefix="fourseal-test-"))
    atexit.register(shutil.rmtree, folder)
    home = make_home(folder / "server")
    with open_ground(home, load_settings(home.folder), silent_log()) as ground:
        return ground.database.read_now(lambda connection: Authority.load(connection, ground.custody.keys))


def new_authority(folder: Path) -> Authority:
    """The authority of somebody else's evidence server, which is set up in a folder."""
    home = make_home(folder)
    (home.folder / "master.key").unlink()
    (home.folder / "fourseal.db").unlink()
    for _ in set_up_server(home, silent_log(), system_clock):
        pass
    with open_ground(home, load_settings(home.folder), silent_log()) as ground:
        return ground.database.read_now(lambda connection: Authority.load(connection, ground.custody.keys))


def make_media_home(folder: Path, **settings: object) -> Home:
    """Set a media server up in a folder, on a free port."""
    shutil.copytree(_set_up_once(), folder)
    home = Home(folder)
    chosen = {"listen": f"{NAME}:0", "public_host": NAME, "server_names": [NAME]} | settings
    home.config.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in chosen.items()))
    return home


@cache
def _set_up_once() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="fourseal-test-"))
    atexit.register(shutil.rmtree, folder)
    home = Home(folder)
    for _ in set_up(MEDIA_SERVER, home, [NAME]):
        pass
    request = (folder / "media.csr").read_bytes()
    accept_certificate(MEDIA_SERVER, home, certify(MEDIA_SERVER, authority(), request, ["localhost"], system_clock()))
    return folder


@contextlib.asynccontextmanager
async def running_media(
    home: Home, *, clock: Clock = system_clock, log: structlog.stdlib.BoundLogger | None = None
) -> AsyncIterator[MediaServer]:
    """A media server in this process; stopped at the end."""
    server = await start_media_server(home, load_settings(home.folder), log or silent_log(), clock=clock)
    try:
        yield server
    finally:
        await server.stop()


class MediaProcess(ServerProcess):
    """A media server as a process of its own, started by its command line."""

    COMMAND = ("media", "run")


@cache
def pass_key(issuer: Authority | None = None) -> tuple[ec.EllipticCurvePrivateKey, bytes]:
    """A key that signs passes, with its certificate (DER)."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = (issuer or authority()).issue_relay_pass_certificate(key.public_key(), system_clock(), timedelta(days=100))
    return key, made.public_bytes(Encoding.DER)


@cache
def identity_of(name: str) -> Identity:
    """An agent with a client certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = authority().issue_for_agent(key.public_key(), name, system_clock())
    return Identity(name, key_pem(key), certificate.public_bytes(Encoding.PEM), authority().certificate_pem)


def fingerprint_of(identity: Identity) -> bytes:
    """SHA-256 of an agent's certificate."""
    return x509.load_pem_x509_certificate(identity.certificate_pem).fingerprint(SHA256())


@dataclass(frozen=True)
class Letter:
    """An envelope as its author has it."""

    header: bytes
    envelope_id: str
    segments: Sequence[bytes]
    sequence: int
    trailer: bytes = TRAILER
    announcements: Sequence[bytes] = ()

    def parts(self, first: int = 0, end: int | None = None, *, finish: bool = True) -> Iterator[pb.PostEnvelopeRequest]:
        """What is sent: from a segment on, up to another one."""
        start = pb.EnvelopeStart(header_der=self.header, segment=first, announcements_der=self.announcements)
        yield pb.PostEnvelopeRequest(start=start)
        for segment in self.segments[first:end]:
            yield pb.PostEnvelopeRequest(segment=segment)
        if finish:
            yield pb.PostEnvelopeRequest(
                finish=pb.EnvelopeFinish(segments=len(self.segments), sequence=self.sequence, trailer=self.trailer)
            )


@dataclass(frozen=True)
class Fetched:
    """What a download brought."""

    header: bytes
    segments: list[bytes]
    finish: pb.EnvelopeFinish | None


@dataclass
class Member:
    """A member of a session at the media server. Every call raises ``RemoteError`` where it refuses."""

    home: Home
    name: str
    session_id: str
    members: tuple[str, ...]
    identity: Identity
    pass_der: bytes = b""
    sequence: int = 0
    session_end: datetime = field(default_factory=lambda: system_clock().replace(microsecond=0) + timedelta(days=300))
    channel: grpc.aio.Channel = field(init=False)
    stub: Any = field(init=False)

    def __post_init__(self) -> None:
        identity = self.identity
        credentials = tls.channel_credentials(identity.authority_pem, identity.key_pem, identity.certificate_pem)
        serving = Serving.read(self.home.serving)
        assert serving is not None
        options = [*channel_options(), *_RECONNECT]
        self.channel = grpc.aio.secure_channel(serving.server, credentials, options)
        self.stub = relay_service_pb2_grpc.RelayServiceStub(self.channel)
        self.health = health_pb2_grpc.HealthStub(self.channel)
        self.pass_der = self.pass_der or self.make_pass()

    def make_pass(self, issuer: Authority | None = None, **changes: Any) -> bytes:  # noqa: ANN401  # any field
        """A pass, good unless changed."""
        key, certificate = pass_key(issuer)
        return replace(self.pass_now(), **changes).sign(key, certificate)

    def make_pass_at(self, now: datetime) -> bytes:
        """A pass that is good at a time."""
        return self.pass_now(now).sign(*pass_key())

    def pass_now(self, now: datetime | None = None) -> RelayPass:
        """What a good pass says."""
        begin = (now or system_clock()).replace(microsecond=0)
        return RelayPass(
            session_id=self.session_id,
            account=self.name,
            agent_certificate=fingerprint_of(self.identity),
            members=tuple(sorted(self.members)),
            begin=begin,
            end=begin + timedelta(minutes=10),
            session_end=self.session_end,
            may_post=True,
            quota_bytes=QUOTA,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close()

    @property
    def metadata(self) -> tuple[tuple[str, bytes], ...]:
        """What travels with every call."""
        return ((RELAY_KEY, self.pass_der),) if self.pass_der else ()

    def letter(self, lengths: Sequence[int], *to: str, **changes: Any) -> Letter:  # noqa: ANN401
        """A new envelope with segments of these lengths."""
        self.sequence += 1
        envelope_id = changes.pop("envelope_id", None) or new_envelope_id(secrets.token_bytes)
        header = header_of(envelope_id, changes.pop("session_id", self.session_id), self.name, to)
        segments = [secrets.token_bytes(length) for length in lengths]
        return Letter(header, envelope_id, segments, changes.pop("sequence", self.sequence))

    async def post(
        self, parts: Iterable[pb.PostEnvelopeRequest] | AsyncIterator[pb.PostEnvelopeRequest], seconds: float = 60.0
    ) -> pb.PostEnvelopeResponse:
        """One PostEnvelope; another one with the rest where gRPC has lost the answer, so that a test hears it."""
        if isinstance(parts, AsyncIterator):
            return await self._post(parts, seconds)
        given = list(parts)
        while True:
            try:
                return await self._post(given, seconds)
            except RemoteError as error:
                if (error.code, str(error)) != _CUT:
                    raise
            await self.go_on(given)

    async def go_on(self, parts: list[pb.PostEnvelopeRequest]) -> None:
        """Have parts go on where their upload is."""
        if parts and parts[0].WhichOneof("part") == "start":
            start = parts[0].start
            with contextlib.suppress(MalformedInput):  # a test may have spoilt the header
                there, _ = await self.upload(EnvelopeHeader.from_der(start.header_der).envelope_id)
                more = max(0, there - start.segment)
                start.segment += more
                del parts[1 : 1 + more]

    async def _post(
        self, parts: Iterable[pb.PostEnvelopeRequest] | AsyncIterator[pb.PostEnvelopeRequest], seconds: float
    ) -> pb.PostEnvelopeResponse:
        try:
            answer: pb.PostEnvelopeResponse = await self.stub.PostEnvelope(
                parts, timeout=seconds, metadata=self.metadata
            )
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(error) from None
        return answer

    async def upload(self, envelope_id: str) -> tuple[int, bool]:
        """GetUpload."""
        response = await self._call(self.stub.GetUpload, pb.GetUploadRequest(envelope_id=envelope_id))
        return response.segment, response.finished

    async def fetch(self, envelope_id: str, first: int = 0, seconds: float = CALL_SECONDS) -> Fetched:
        """FetchEnvelope, to its end."""
        header, segments, finish = b"", [], None
        async for part in self.fetching(envelope_id, first, seconds):
            match part.WhichOneof("part"):
                case "header_der":
                    header = part.header_der
                case "segment":
                    segments.append(part.segment)
                case "finish":
                    finish = part.finish
        return Fetched(header, segments, finish)

    async def fetching(
        self, envelope_id: str, first: int = 0, seconds: float = CALL_SECONDS
    ) -> AsyncGenerator[pb.FetchEnvelopeResponse, None]:
        """FetchEnvelope, part by part."""
        request = pb.FetchEnvelopeRequest(envelope_id=envelope_id, segment=first)
        async with under_way(self.stub.FetchEnvelope(request, timeout=seconds, metadata=self.metadata)) as call:
            async for part in call:
                yield part

    async def watching(
        self, after: int = 0, seconds: float = CALL_SECONDS
    ) -> AsyncGenerator[pb.WatchMailboxResponse, None]:
        """WatchMailbox, without the notices that all was told, or whose is held."""
        request = pb.WatchMailboxRequest(after_position=after)
        async with under_way(self.stub.WatchMailbox(request, timeout=seconds, metadata=self.metadata)) as call:
            async for notice in call:
                if notice.envelope_id:
                    yield notice

    async def notices(self, count: int, after: int = 0) -> list[pb.WatchMailboxResponse]:
        """So many notices."""
        found = []
        stream = self.watching(after)
        async with contextlib.aclosing(stream):
            async for notice in stream:
                found.append(notice)
                if len(found) == count:
                    break
        return found

    def mailbox(self) -> list[str]:
        """Ids of all that waits, as the database has it."""
        sql = "SELECT envelope_id FROM relay_mail WHERE session_id = ? AND recipient = ? ORDER BY position"
        return [row[0] for row in query(self.home, sql, self.session_id, self.name)]

    async def acknowledge(self, *envelope_ids: str) -> None:
        """AcknowledgeEnvelopes."""
        await self._call(self.stub.AcknowledgeEnvelopes, pb.AcknowledgeEnvelopesRequest(envelope_ids=envelope_ids))

    async def _call(self, method: Any, request: Any) -> Any:  # noqa: ANN401  # of the generated code
        try:
            return await method(request, timeout=CALL_SECONDS, metadata=self.metadata)
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(error) from None


@contextlib.asynccontextmanager
async def under_way(call: Any) -> AsyncIterator[Any]:  # noqa: ANN401  # gRPC's calls, of every kind
    """A stream that ends with the context: gRPC goes on with one that nobody reads any more, until its deadline."""
    try:
        yield call
    except grpc.aio.AioRpcError as error:
        raise error_from_rpc(error) from None
    finally:
        call.cancel()


def header_of(envelope_id: str, session_id: str, author: str, recipients: Sequence[str]) -> bytes:
    """A header, with key ciphertexts that nobody can open."""
    keys = tuple(RecipientKey(name, JointKeyCiphertext(secrets.token_bytes(512))) for name in sorted(recipients))
    return EnvelopeHeader(envelope_id, session_id, author, secrets.token_bytes(32), keys).to_der()


@contextlib.asynccontextmanager
async def members(home: Home, *names: str, session_id: str | None = None) -> AsyncIterator[list[Member]]:
    """Members of one session, each with a line of its own to the media server that serves in a folder."""
    chosen = session_id or new_session_id(secrets.token_bytes)
    async with contextlib.AsyncExitStack() as stack:
        made = [Member(home, name, chosen, names, identity_of(name)) for name in names]
        yield [await stack.enter_async_context(member) for member in made]


def content_files(home: Home) -> list[Path]:
    """Every file of content."""
    return sorted(path for path in (home.folder / "content").rglob("*") if path.is_file())


def look_over(home: Home) -> ContentReport:
    """What the operator's check finds, beside a server or without one."""
    with contextlib.closing(
        Database(backend_of(home.database_url(load_settings(home.folder))), silent_log())
    ) as opened:
        return inspect_relay(opened, home.folder)


def damaged(home: Home) -> list[str]:
    """Ids of the contents that it finds damaged."""
    return look_over(home).damaged
