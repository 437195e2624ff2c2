"""Proof of possession: after logging in, signer and server show each other that they have the keys they say.

Both sign this structure, each in its role, so that neither's signature passes for the other's. It names the login, the
agent's certificate and the server's: a proof is worth nothing in another login, from another agent, to another server::

    client                                              server
      client nonce                       ->
                                         <-   server nonce, time, certificate, signature in role server
      time, certificates, signature in role signer ->

What a signer's key signs says what it is in ``protocol``, the first field after the version: docs/formats.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from cryptography.hazmat import asn1

from contract import der
from contract.names import check_account_name

NONCE_BYTES: Final = 32
"""Of each side's random nonce."""

_PROTOCOL: Final = "fourseal/v1/possession"
_POSSESSION_REASON: Final = "POSSESSION_MALFORMED"
_MAX_LOGIN: Final = 64


class PossessionRole(StrEnum):
    """Who proves."""

    SERVER = "server"
    SIGNER = "signer"

    @property
    def number(self) -> int:
        """As it stands in the structure: 1 or 2."""
        return _ROLE_NUMBERS[self]


_ROLE_NUMBERS: Final = {PossessionRole.SERVER: 1, PossessionRole.SIGNER: 2}


@dataclass(frozen=True, slots=True)
class PossessionProof:
    """What is signed. Never sent: each side builds it from what it knows.

    Args:
        role: who signs.
        account: that is logged in.
        login_id: of the login, 1 to 64 characters.
        agent_certificate: SHA-256 of the client certificate of the connection, 32 bytes.
        server_certificate: SHA-256 of the certificate by which the server proves itself, 32 bytes.
        client_nonce: 32 random bytes of the client's.
        server_nonce: 32 random bytes of the server's.
        time: by the clock of who signs, UTC, whole seconds.
        certificates: SHA-256 of the account's certificates for signing and for encryption, 32 bytes each; none in the
            role of the server.

    Raises:
        MalformedInput: POSSESSION_MALFORMED, ACCOUNT_NAME_MALFORMED.
    """

    role: PossessionRole
    account: str
    login_id: str
    agent_certificate: bytes
    server_certificate: bytes
    client_nonce: bytes
    server_nonce: bytes
    time: datetime
    certificates: tuple[bytes, ...]

    def __post_init__(self) -> None:
        check_account_name(self.account)
        der.require_that(0 < len(self.login_id) <= _MAX_LOGIN, "no name of a login", reason=_POSSESSION_REASON)
        der.require_digest(self.agent_certificate, "the agent's certificate", reason=_POSSESSION_REASON)
        der.require_digest(self.server_certificate, "the server's certificate", reason=_POSSESSION_REASON)
        for nonce in (self.client_nonce, self.server_nonce):
            der.require_that(
                len(nonce) == NONCE_BYTES, f"a nonce has not {NONCE_BYTES} bytes", reason=_POSSESSION_REASON
            )
        der.require_time(self.time, "the time", reason=_POSSESSION_REASON)
        expected = 2 if self.role is PossessionRole.SIGNER else 0
        der.require_that(
            len(self.certificates) == expected, "a wrong number of certificates", reason=_POSSESSION_REASON
        )
        for certificate in self.certificates:
            der.require_digest(certificate, "an account's certificate", reason=_POSSESSION_REASON)

    def to_der(self) -> bytes:
        """DER of PossessionProof: docs/formats.md. What a signature is over."""
        return der.write_structure(
            _PossessionProof(
                version=der.VERSION,
                protocol=_PROTOCOL,
                role=self.role.number,
                account=self.account,
                login_id=self.login_id,
                agent_certificate=self.agent_certificate,
                server_certificate=self.server_certificate,
                client_nonce=self.client_nonce,
                server_nonce=self.server_nonce,
                time=der.to_generalized_time(self.time),
                certificates=list(self.certificates),
            )
        )


@asn1.sequence
class _PossessionProof:
    version: int
    protocol: str
    role: int
    account: str
    login_id: str
    agent_certificate: bytes
    server_certificate: bytes
    client_nonce: bytes
    server_nonce: bytes
    time: asn1.GeneralizedTime
    certificates: list[bytes]
