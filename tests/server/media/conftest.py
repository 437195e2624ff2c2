"""An evidence server's home, a media server's home with a certificate of it, and an agent that both know."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from contract.certificate_parts import fingerprint
from contract.envelope import EnvelopeHeader, RecipientKey
from contract.key_ciphertext import JointKeyCiphertext
from contract.names import new_envelope_id, new_session_id
from contract.oids import DEFAULT_ARC
from contract.relay_pass import RelayPass
from server.clock import system_clock
from server.config import load_settings
from server.identity import Authority
from server.root.ground import open_ground
from server.root.home import Home
from server.root.outposts import MEDIA_SERVER, accept_certificate, certify, set_up
from tests.server.harness import Identity, enrol, make_home, make_ticket, running_server, silent_log

MEDIA_ADDRESS = "127.0.0.2"


@dataclass(frozen=True)
class Scene:
    """Both homes, and who is there."""

    evidence: Home
    media: Home
    authority: Authority
    agent: Identity

    def pass_for(self, account: str, session_id: str, members: tuple[str, ...] = ("alice", "bob")) -> bytes:
        """A pass as the evidence server gives it."""
        key, now = ec.generate_private_key(ec.SECP256R1()), system_clock().replace(microsecond=0)
        certificate = self.authority.issue_relay_pass_certificate(key.public_key(), now, timedelta(hours=1))
        shown = RelayPass(
            session_id=session_id,
            account=account,
            agent_certificate=fingerprint(x509.load_pem_x509_certificate(self.agent.certificate_pem)),
            members=members,
            begin=now - timedelta(minutes=1),
            end=now + timedelta(minutes=9),
            session_end=now + timedelta(hours=8),
            may_post=True,
            quota_bytes=1 << 30,
        )
        return shown.sign(key, certificate.public_bytes(Encoding.DER))


def load_authority(home: Home) -> Authority:
    """The authority of an evidence server, as its own process has it."""
    with open_ground(home, load_settings(home.folder), silent_log()) as ground:
        return ground.database.read_now(lambda connection: Authority.load(connection, ground.custody.keys, DEFAULT_ARC))


def header_of(session_id: str, author: str = "alice", recipients: tuple[str, ...] = ("bob",)) -> EnvelopeHeader:
    """A header; nobody could open its keys."""
    keys = tuple(RecipientKey(name, JointKeyCiphertext(b"\1" * 512)) for name in recipients)
    return EnvelopeHeader(new_envelope_id(secrets.token_bytes), session_id, author, b"c" * 32, keys)


def make_media_home(folder: Path, authority: Authority) -> Home:
    """Set a media server up, on a free port."""
    media = Home(folder)
    for _ in set_up(MEDIA_SERVER, media, [MEDIA_ADDRESS]):
        pass
    request = (folder / "media.csr").read_bytes()
    accept_certificate(
        MEDIA_SERVER, media, certify(MEDIA_SERVER, authority, request, ["localhost", "127.0.0.1"], system_clock())
    )
    text = media.config.read_text(encoding="utf-8").replace(":7445", ":0")
    media.config.write_text(text, encoding="utf-8")
    return media


@pytest.fixture
async def scene(tmp_path: Path) -> Scene:
    """A media server's home, and an agent that was enrolled; no server runs."""
    evidence = make_home(tmp_path / "evidence")
    async with running_server(evidence) as server:
        agent = await enrol(make_ticket(evidence, "laptop", server.serving))
    authority = load_authority(evidence)
    return Scene(evidence, make_media_home(tmp_path / "media", authority), authority, agent)


@pytest.fixture
def session_id() -> str:
    """A fresh one."""
    return new_session_id(secrets.token_bytes)
