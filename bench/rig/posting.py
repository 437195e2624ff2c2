"""An agent at a gateway, with everything that a relay asks for and nothing that only its recipient could open."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fourseal.v1 import relay_service_pb2 as pb
from fourseal.v1.relay_service_pb2_grpc import RelayServiceStub

from bench.load.target import Target
from contract.announcements.history import Channel
from contract.certificate_parts import fingerprint
from contract.envelope import EnvelopeHeader, RecipientKey
from contract.key_ciphertext import JointKeyCiphertext
from contract.names import new_envelope_id
from contract.relay_pass import RelayPass
from server.identity import Authority
from wire import limits, tls
from wire.peer import RELAY_KEY

if TYPE_CHECKING:  # it exists for the type checker only
    from fourseal.v1.relay_service_pb2_grpc import RelayServiceAsyncStub

_CALL_SECONDS: Final = 60.0
_ADDRESS: Final = "127.0.0.1"  # from which everything here calls
_LIFETIME: Final = timedelta(hours=3)
_CONTENT: Final = bytes(20)  # sealed, as far as a relay sees


@dataclass(frozen=True, slots=True)
class Letter:
    """An envelope that nobody can open.

    Args:
        envelope_id: its name.
        header: DER.
    """

    envelope_id: str
    header: bytes

    @classmethod
    def new(cls, session_id: str, author: str, *recipients: str) -> Letter:
        """Another one; recipients in their order by name."""
        keys = tuple(RecipientKey(each, JointKeyCiphertext(secrets.token_bytes(512))) for each in recipients)
        envelope_id = new_envelope_id(secrets.token_bytes)
        header = EnvelopeHeader(envelope_id, session_id, author, secrets.token_bytes(32), keys)
        return cls(envelope_id, header.to_der())

    def parts(self, announcements: Sequence[bytes], sequence: int) -> Iterator[pb.PostEnvelopeRequest]:
        """What is sent."""
        yield pb.PostEnvelopeRequest(start=pb.EnvelopeStart(header_der=self.header, announcements_der=announcements))
        yield pb.PostEnvelopeRequest(segment=_CONTENT)
        yield pb.PostEnvelopeRequest(finish=pb.EnvelopeFinish(segments=1, sequence=sequence, trailer=_CONTENT))


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent, or a gateway, with a client certificate.

    Args:
        name: of it.
        key_pem, certificate_pem, authority_pem: what it connects with.
        fingerprint: of its certificate.
    """

    name: str
    key_pem: bytes
    certificate_pem: bytes
    authority_pem: bytes
    fingerprint: bytes

    @property
    def channel(self) -> Channel:
        """As a gateway knows it."""
        return Channel(self.name, self.fingerprint, _ADDRESS)

    def target(self, address: str, folder: Path) -> Target:
        """For a process that calls as this one; its files go to ``folder``."""
        files = {"authority": self.authority_pem, "key": self.key_pem, "certificate": self.certificate_pem}
        paths = {kind: folder / f"{self.name}-{kind}.pem" for kind in files}
        for kind, path in paths.items():
            path.write_bytes(files[kind])
        return Target(address, **{kind: str(path) for kind, path in paths.items()})

    @asynccontextmanager
    async def connected(self, address: str) -> AsyncIterator[grpc.aio.Channel]:
        """Connected to a server."""
        credentials = tls.channel_credentials(self.authority_pem, self.key_pem, self.certificate_pem)
        options = [*limits.channel_options(), ("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.secure_channel(address, credentials, options) as channel:
            async with asyncio.timeout(_CALL_SECONDS):
                await channel.channel_ready()
            yield channel

    @asynccontextmanager
    async def at(self, address: str) -> AsyncIterator[RelayServiceAsyncStub]:
        """Connected to a gateway."""
        async with self.connected(address) as channel:
            stub: RelayServiceAsyncStub = RelayServiceStub(channel)
            yield stub


class Desk:
    """Hands out what an evidence server hands out to agents: client certificates, and passes for the relay.

    Args:
        authority: of that server.
        now: the time; all of it holds for three hours.
    """

    def __init__(self, authority: Authority, now: datetime) -> None:
        self._authority = authority
        self._now = now.replace(microsecond=0)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = authority.issue_relay_pass_certificate(self._key.public_key(), now, _LIFETIME)

    def agent(self, name: str) -> Agent:
        """A new agent."""
        key = ec.generate_private_key(ec.SECP256R1())
        return self._with(key, name, self._authority.issue_for_agent(key.public_key(), name, self._now))

    def gateway(self, name: str) -> Agent:
        """A new gateway, by its first name."""
        key = ec.generate_private_key(ec.SECP256R1())
        return self._with(key, name, self._authority.issue_for_gateway(key.public_key(), [name], self._now, _LIFETIME))

    def _with(self, key: ec.EllipticCurvePrivateKey, name: str, issued: x509.Certificate) -> Agent:
        key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pem = issued.public_bytes(Encoding.PEM)
        return Agent(name, key_pem, pem, self._authority.certificate_pem, fingerprint(issued))

    def pass_for(self, agent: Agent, session_id: str, account: str, members: Sequence[str]) -> bytes:
        """What an account of a session shows from an agent."""
        shown = RelayPass(
            session_id=session_id,
            account=account,
            agent_certificate=agent.fingerprint,
            members=tuple(sorted(members)),
            begin=self._now,
            end=self._now + _LIFETIME,
            session_end=self._now + _LIFETIME,
            may_post=True,
            quota_bytes=1 << 30,
        )
        return shown.sign(self._key, self._certificate.public_bytes(Encoding.DER))


@dataclass(frozen=True, slots=True)
class Line:
    """An account's line to a gateway.

    Args:
        stub: of the gateway.
        pass_der: that is shown.
    """

    stub: RelayServiceAsyncStub
    pass_der: bytes

    async def post(self, letter: Letter, announcements: Sequence[bytes], sequence: int) -> None:
        """Post an envelope. Raises AioRpcError."""
        parts = letter.parts(announcements, sequence)
        await self.stub.PostEnvelope(parts, timeout=_CALL_SECONDS, metadata=self._metadata)

    async def watch(self) -> AsyncGenerator[pb.WatchMailboxResponse, None]:
        """What the mailbox has, and what comes. Close it."""
        request = pb.WatchMailboxRequest()
        call = self.stub.WatchMailbox(request, timeout=_CALL_SECONDS, metadata=self._metadata)
        try:
            async for notice in call:
                yield notice
        finally:
            call.cancel()

    @property
    def _metadata(self) -> tuple[tuple[str, bytes], ...]:
        return ((RELAY_KEY, self.pass_der),)
