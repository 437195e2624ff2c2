"""Permissions: a signer lets somebody, the grantee, see one message that is in evidence, for a time.

The grantor seals the content key for the grantee's encrypt key alone: the inner ciphertext of nested encryption, bound
to this permission by its label. It signs the whole with its sign key alone. The session takes no part.

What a permission gives cannot be taken back once it was used: the grantee then has the content key. Its end and its
revocation stop the evidence server from handing out the content.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.certificates import SignerCertificate
from contract.content_key import ContentKey
from contract.errors import VerificationFailed
from contract.key_ciphertext import INNER_BYTES
from contract.key_sealing import RecipientPrivateKey, open_inner, seal_inner
from contract.names import check_account_name
from contract.signer_keys import MAX_SIGNATURE_BYTES, SignerPrivateKey, check_signature_alone, sign_alone
from mpc.errors import WrongPurpose
from mpc.four_prime_rsa import Purpose

MAX_PERMISSION_BYTES: Final = 4 << 10
"""Longest permission that is looked at, with its signature."""

_PROTOCOL: Final = "fourseal/v1/permission"
_LABEL_DOMAIN: Final = b"fourseal/v1/permission key"
_PERMISSION_REASON: Final = "PERMISSION_MALFORMED"


@dataclass(frozen=True, slots=True)
class PermissionCore:
    """What a permission says: the permission without the sealed content key, which is bound to this.

    Args:
        statement: SHA-256 of the statement that may be seen, 32 bytes.
        entry: leaf hash of the log's entry with its evidence record, 32 bytes.
        grantor: account that permits; author or recipient of the message.
        grantor_certificate: SHA-256 of its certificate for signing, 32 bytes.
        grantee: another account, which may see it.
        grantee_certificate: SHA-256 of its certificate for encryption, 32 bytes.
        begin: from when on; UTC, whole seconds.
        end: until when; after ``begin``.

    Raises:
        MalformedInput: PERMISSION_MALFORMED, ACCOUNT_NAME_MALFORMED.
    """

    statement: bytes
    entry: bytes
    grantor: str
    grantor_certificate: bytes
    grantee: str
    grantee_certificate: bytes
    begin: datetime
    end: datetime

    def __post_init__(self) -> None:
        der.require_digest(self.statement, "the statement", reason=_PERMISSION_REASON)
        der.require_digest(self.entry, "the entry", reason=_PERMISSION_REASON)
        check_account_name(self.grantor)
        der.require_digest(self.grantor_certificate, "the grantor's certificate", reason=_PERMISSION_REASON)
        check_account_name(self.grantee)
        der.require_digest(self.grantee_certificate, "the grantee's certificate", reason=_PERMISSION_REASON)
        der.require_that(self.grantor != self.grantee, "the grantor is the grantee", reason=_PERMISSION_REASON)
        der.require_time(self.begin, "the begin", reason=_PERMISSION_REASON)
        der.require_time(self.end, "the end", reason=_PERMISSION_REASON)
        der.require_that(self.begin < self.end, "it ends before it begins", reason=_PERMISSION_REASON)

    @property
    def label(self) -> bytes:
        """The label of the sealed content key, 32 bytes."""
        return hashlib.sha256(_LABEL_DOMAIN + self.to_der() + self.grantee.encode()).digest()

    def to_der(self) -> bytes:
        """DER of PermissionCore: docs/formats.md. Stands in the permission."""
        return der.write_structure(
            _PermissionCore(
                version=der.VERSION,
                statement=self.statement,
                entry=self.entry,
                grantor=self.grantor,
                grantor_certificate=self.grantor_certificate,
                grantee=self.grantee,
                grantee_certificate=self.grantee_certificate,
                begin=der.to_generalized_time(self.begin),
                end=der.to_generalized_time(self.end),
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor does."""
        read = der.read_structure(_PermissionCore, data, MAX_PERMISSION_BYTES, reason=_PERMISSION_REASON)
        der.require_version(read.version, reason=_PERMISSION_REASON)
        core = cls(
            statement=read.statement,
            entry=read.entry,
            grantor=read.grantor,
            grantor_certificate=read.grantor_certificate,
            grantee=read.grantee,
            grantee_certificate=read.grantee_certificate,
            begin=der.from_generalized_time(read.begin),
            end=der.from_generalized_time(read.end),
        )
        der.require_canonical(data, core.to_der(), reason=_PERMISSION_REASON)
        return core


@dataclass(frozen=True, slots=True)
class SignedPermission:
    """A permission as it travels. Well-formed; whether it is genuine says ``check``.

    Args:
        core: what it says.
        key_ciphertext: the content key for the grantee: 80 bytes (X25519), or as long as its RSA key.
        signature: the grantor's, over both; 1 to 1024 bytes.

    Raises:
        MalformedInput: PERMISSION_MALFORMED.
    """

    core: PermissionCore
    key_ciphertext: bytes
    signature: bytes

    def __post_init__(self) -> None:
        fits = len(self.key_ciphertext) in INNER_BYTES
        der.require_that(fits, "a key ciphertext of a wrong length", reason=_PERMISSION_REASON)
        fits = 1 <= len(self.signature) <= MAX_SIGNATURE_BYTES
        der.require_that(fits, "a signature of a wrong length", reason=_PERMISSION_REASON)

    @classmethod
    def grant(
        cls, core: PermissionCore, content_key: ContentKey, grantee: SignerCertificate, private_key: SignerPrivateKey
    ) -> Self:
        """Seal the content key and sign, as the grantor.

        Args:
            core: what it says; names ``grantee``.
            content_key: of the message's envelope.
            grantee: its certificate for encryption, verified by the caller.
            private_key: of the grantor's certificate for signing.

        Raises:
            WrongPurpose: the certificate is for signing.
            VerificationFailed: PERMISSION_OF_OTHER_CERTIFICATE: it is not the one that ``core`` names.
            MalformedInput: SIGNER_KEY_UNSUITABLE.
        """
        _require_named(grantee, Purpose.DECRYPT, core.grantee, core.grantee_certificate)
        sealed = seal_inner(content_key, core.label, grantee)
        return cls(core, sealed, sign_alone(private_key, _to_be_signed(core, sealed)))

    def check(self, grantor: SignerCertificate) -> None:
        """Check that the grantor signed it. Its caller MUST check the certificate, and that the time has come.

        Args:
            grantor: its certificate for signing.

        Raises:
            WrongPurpose: the certificate is for encryption.
            VerificationFailed: PERMISSION_OF_OTHER_CERTIFICATE: it is not the one named; SIGNATURE_INVALID.
        """
        _require_named(grantor, Purpose.SIGN, self.core.grantor, self.core.grantor_certificate)
        check_signature_alone(grantor.public_key, self.signature, _to_be_signed(self.core, self.key_ciphertext))

    def require_time(self, now: datetime) -> None:
        """Check that it holds now.

        Raises:
            VerificationFailed: PERMISSION_NOT_VALID: it has not begun, or has ended.
        """
        if not self.core.begin <= now < self.core.end:
            raise VerificationFailed("PERMISSION_NOT_VALID", "the permission is not valid now")

    def open_key(self, private_key: RecipientPrivateKey) -> ContentKey:
        """The content key, as the grantee.

        Args:
            private_key: of the grantee's certificate for encryption.

        Raises:
            DecryptionFailed: for every cause.
        """
        return open_inner(private_key, self.key_ciphertext, self.core.label)

    def to_der(self) -> bytes:
        """DER of SignedPermission: docs/formats.md. The body of the log's entry."""
        permission = _to_be_signed(self.core, self.key_ciphertext)
        return der.write_structure(_SignedPermission(permission=permission, signature=self.signature))

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``.

        Raises:
            MalformedInput: PERMISSION_MALFORMED, ACCOUNT_NAME_MALFORMED.
        """
        outer = der.read_structure(_SignedPermission, data, MAX_PERMISSION_BYTES, reason=_PERMISSION_REASON)
        inner = der.read_structure(_Permission, outer.permission, MAX_PERMISSION_BYTES, reason=_PERMISSION_REASON)
        der.require_version(inner.version, reason=_PERMISSION_REASON)
        der.require_that(inner.protocol == _PROTOCOL, "it is no permission", reason=_PERMISSION_REASON)
        signed = cls(PermissionCore.from_der(inner.core), inner.key_ciphertext, outer.signature)
        der.require_canonical(data, signed.to_der(), reason=_PERMISSION_REASON)
        return signed


def _to_be_signed(core: PermissionCore, key_ciphertext: bytes) -> bytes:
    return der.write_structure(
        _Permission(version=der.VERSION, protocol=_PROTOCOL, core=core.to_der(), key_ciphertext=key_ciphertext)
    )


def _require_named(certificate: SignerCertificate, purpose: Purpose, name: str, fingerprint: bytes) -> None:
    if certificate.purpose is not purpose:
        raise WrongPurpose(wanted=purpose, found=certificate.purpose)
    if (certificate.name, certificate.fingerprint) != (name, fingerprint):
        raise VerificationFailed("PERMISSION_OF_OTHER_CERTIFICATE", "the permission names another certificate")


@asn1.sequence
class _PermissionCore:
    version: int
    statement: bytes
    entry: bytes
    grantor: str
    grantor_certificate: bytes
    grantee: str
    grantee_certificate: bytes
    begin: asn1.GeneralizedTime
    end: asn1.GeneralizedTime


@asn1.sequence
class _Permission:
    version: int
    protocol: str
    core: bytes
    key_ciphertext: bytes


@asn1.sequence
class _SignedPermission:
    permission: bytes
    signature: bytes
