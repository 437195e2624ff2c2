"""Who a program is to its server: a TLS key of its own with the certificate that an enrolment brought."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from mpc.secret import Secret
from wire.catalogue import ServiceError
from wire.client.documents import DocumentError, Fields, Json, bytes_to_text
from wire.client.revocation_secret import SECRET_BYTES, RevocationSecret


class Identity(Secret):
    """Who the agent is to its server: an ECDSA P-256 key of its own, never a share, and its certificate.

    Args:
        agent_id: the name in the certificate.
        server_address: "host:port" of the server.
        authority_pem: certificate of the only authority that is believed.
        certificate_pem: the agent's certificate.
        private_key: the key of the certificate, secret.
    """

    __slots__ = ("agent_id", "authority_pem", "certificate_pem", "private_key", "server_address")

    def __init__(
        self,
        agent_id: str,
        server_address: str,
        authority_pem: bytes,
        certificate_pem: bytes,
        private_key: ec.EllipticCurvePrivateKey,
    ) -> None:
        self.agent_id = agent_id
        self.server_address = server_address
        self.authority_pem = authority_pem
        self.certificate_pem = certificate_pem
        self.private_key = private_key

    def _public_summary(self) -> str:
        return f"agent_id={self.agent_id} server={self.server_address}"

    @property
    def key_pem(self) -> bytes:
        """The key as PKCS#8 PEM, unencrypted: for TLS."""
        return self.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def require_current(self, now: datetime) -> None:
        """Raise ServiceError (CERTIFICATE_EXPIRED) if the certificate is."""
        expire_time = x509.load_pem_x509_certificate(self.certificate_pem).not_valid_after_utc
        if expire_time <= now:
            raise ServiceError("CERTIFICATE_EXPIRED", expire_time=expire_time.isoformat())

    def to_public(self) -> Json:
        """As it stands in the file."""
        return {
            "agent_id": self.agent_id,
            "server_address": self.server_address,
            "authority": self.authority_pem.decode(),
            "certificate": self.certificate_pem.decode(),
        }

    @classmethod
    def load(cls, fields: Fields, secret: bytes) -> Self:
        """Undo ``to_public`` and ``to_secret_bytes``. Raises ValueError for anything else."""
        return cls(
            agent_id=fields.text("agent_id"),
            server_address=fields.text("server_address"),
            authority_pem=fields.text("authority").encode(),
            certificate_pem=fields.text("certificate").encode(),
            private_key=load_tls_key(secret),
        )


class PendingEnrolment(Secret):
    """An enrolment that began: the same token with the same request can be sent again after a crash.

    Args:
        token_digest: SHA-256 of the ticket's token, hex.
        request_der: the certificate request that goes with it.
        private_key: its key, secret.
        revocation_secret: what will block the agent; to be shown, and in no later entry.
    """

    __slots__ = ("private_key", "request_der", "revocation_secret", "token_digest")

    def __init__(
        self,
        token_digest: str,
        request_der: bytes,
        private_key: ec.EllipticCurvePrivateKey,
        revocation_secret: RevocationSecret,
    ) -> None:
        self.token_digest = token_digest
        self.request_der = request_der
        self.private_key = private_key
        self.revocation_secret = revocation_secret

    def to_public(self) -> Json:
        """As it stands in the file."""
        return {"token_digest": self.token_digest, "request": bytes_to_text(self.request_der)}

    def to_secret_bytes(self) -> bytes:
        """Revocation secret and key, for the store to seal."""
        return self.revocation_secret.value + tls_key_to_secret_bytes(self.private_key)

    @classmethod
    def load(cls, fields: Fields, secret: bytes) -> Self:
        """Undo ``to_public`` and ``to_secret_bytes``. Raises ValueError for anything else."""
        revocation_secret, key = RevocationSecret(secret[:SECRET_BYTES]), load_tls_key(secret[SECRET_BYTES:])
        return cls(fields.text("token_digest"), fields.data("request"), key, revocation_secret)


def tls_key_to_secret_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A TLS key as PKCS#8 DER, unencrypted, for the store to seal."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def load_tls_key(secret: bytes) -> ec.EllipticCurvePrivateKey:
    """Undo ``tls_key_to_secret_bytes``. Raises DocumentError for anything else."""
    try:
        key = load_der_private_key(secret, None)
    except (ValueError, TypeError):
        raise DocumentError("no TLS key") from None  # the cause could quote the bytes
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise DocumentError("no TLS key")
    return key
