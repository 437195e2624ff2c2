"""Relay passes: what the evidence server gives a member, and the media server checks by itself.

A pass is for one account in one session, works from one agent, and lives for minutes. It is signed by a key whose
certificate, of the authority and for this use alone, travels with it: whoever knows the authority can check it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from contract import der
from contract.certificate_parts import load_certificate
from contract.chain import check_chain
from contract.errors import VerificationFailed
from contract.names import check_account_name, check_session_id
from contract.oids import Arc
from contract.session_info import MAX_PEOPLE

MAX_PASS_BYTES: Final = 12 << 10
"""Longest pass that is looked at: it travels in metadata, of which there are 16 KiB."""

_RELAY_REASON: Final = "PASS_MALFORMED"
_DOMAIN: Final = b"fourseal/v1/relay pass"
_ALGORITHM: Final = ec.ECDSA(hashes.SHA256())


@dataclass(frozen=True, slots=True)
class RelayPass:
    """What somebody may do at the media server.

    Args:
        session_id: the session.
        account: who.
        agent_certificate: SHA-256 of the client certificate of the agent that it works from, 32 bytes.
        members: who may be a recipient, sorted, ``account`` among them: 1 to 50.
        begin: from when on it holds; UTC, whole seconds.
        end: until when; after ``begin``.
        session_end: when the session's time is over; UTC, whole seconds. It never moves.
        may_post: whether new envelopes are taken; else it fetches only.
        quota_bytes: content that may wait at the media server for others to fetch, at least 0.

    Raises:
        MalformedInput: PASS_MALFORMED, SESSION_ID_MALFORMED, ACCOUNT_NAME_MALFORMED.
    """

    session_id: str
    account: str
    agent_certificate: bytes
    members: tuple[str, ...]
    begin: datetime
    end: datetime
    session_end: datetime
    may_post: bool
    quota_bytes: int

    def __post_init__(self) -> None:
        check_session_id(self.session_id)
        for name in self.members:
            check_account_name(name)
        der.require_digest(self.agent_certificate, "the agent's certificate", reason=_RELAY_REASON)
        der.require_rising(self.members, "the members", reason=_RELAY_REASON)
        der.require_that(self.account in self.members, "its account is no member", reason=_RELAY_REASON)
        der.require_that(len(self.members) <= MAX_PEOPLE, "too many members", reason=_RELAY_REASON)
        der.require_time(self.begin, "the begin", reason=_RELAY_REASON)
        der.require_time(self.end, "the end", reason=_RELAY_REASON)
        der.require_time(self.session_end, "the session's end", reason=_RELAY_REASON)
        der.require_that(self.begin < self.end, "it ends before it begins", reason=_RELAY_REASON)
        der.require_that(0 <= self.quota_bytes <= der.MAX_COUNT, "the quota is out of range", reason=_RELAY_REASON)

    def to_der(self) -> bytes:
        """DER of RelayPass: docs/formats.md. What is signed, after a domain string."""
        return der.write_structure(
            _RelayPass(
                version=der.VERSION,
                session_id=self.session_id,
                account=self.account,
                agent_certificate=self.agent_certificate,
                members=list(self.members),
                begin=der.to_generalized_time(self.begin),
                end=der.to_generalized_time(self.end),
                session_end=der.to_generalized_time(self.session_end),
                may_post=self.may_post,
                quota_bytes=self.quota_bytes,
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor does."""
        read = der.read_structure(_RelayPass, data, MAX_PASS_BYTES, reason=_RELAY_REASON)
        der.require_version(read.version, reason=_RELAY_REASON)
        made = cls(
            session_id=read.session_id,
            account=read.account,
            agent_certificate=read.agent_certificate,
            members=tuple(read.members),
            begin=der.from_generalized_time(read.begin),
            end=der.from_generalized_time(read.end),
            session_end=der.from_generalized_time(read.session_end),
            may_post=read.may_post,
            quota_bytes=read.quota_bytes,
        )
        der.require_canonical(data, made.to_der(), reason=_RELAY_REASON)
        return made

    def sign(self, private_key: ec.EllipticCurvePrivateKey, certificate_der: bytes) -> bytes:
        """The pass with its signature, DER of SignedRelayPass: what travels.

        Args:
            private_key: P-256, for passes and nothing else.
            certificate_der: of that key.
        """
        body = self.to_der()
        signature = private_key.sign(_DOMAIN + body, _ALGORITHM)
        return der.write_structure(_SignedRelayPass(body=body, certificate=certificate_der, signature=signature))


def read_pass(data: bytes, authority: x509.Certificate, arc: Arc, now: datetime) -> RelayPass:
    """Read a pass that somebody shows, and check it.

    Args:
        data: as it travels.
        authority: whose passes are taken.
        arc: the installation's arc.
        now: the present time.

    Raises:
        MalformedInput: PASS_MALFORMED and what ``RelayPass`` raises; CERTIFICATE_MALFORMED.
        VerificationFailed: PASS_NOT_GENUINE, PASS_NOT_VALID, and what ``check_chain`` raises.
    """
    read = der.read_structure(_SignedRelayPass, data, MAX_PASS_BYTES, reason=_RELAY_REASON)
    der.require_canonical(data, der.write_structure(read), reason=_RELAY_REASON)
    shown = RelayPass.from_der(read.body)
    certificate = load_certificate(read.certificate)
    check_chain(certificate, authority, arc.relay_pass, now)
    _check_signature(certificate, read)
    if not shown.begin <= now < shown.end:
        raise VerificationFailed("PASS_NOT_VALID", "the pass is not valid now")
    return shown


def _check_signature(certificate: x509.Certificate, read: _SignedRelayPass) -> None:
    key = certificate.public_key()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(read.signature, _DOMAIN + read.body, _ALGORITHM)
            return
    except InvalidSignature:
        pass  # refused below, as a key of another kind is
    raise VerificationFailed("PASS_NOT_GENUINE", "the pass is not signed by the key of its certificate")


@asn1.sequence
class _RelayPass:
    version: int
    session_id: str
    account: str
    agent_certificate: bytes
    members: list[str]
    begin: asn1.GeneralizedTime
    end: asn1.GeneralizedTime
    session_end: asn1.GeneralizedTime
    may_post: bool
    quota_bytes: int


@asn1.sequence
class _SignedRelayPass:
    body: bytes
    certificate: bytes
    signature: bytes
