"""An organisation's key as a private key of ``cryptography``: every operation of it is a use under a grant.

It can be passed wherever such a key is taken: to the builders of X.509 certificates and requests, of PKCS#7, and to
libraries built on them. What it cannot do is what needs the private key itself: that stays in custody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo, Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, KeySerializationEncryption, PrivateFormat

from contract.trusteeship.operations import KeyOperation, OrganisationPublicKey
from mpc.errors import DecryptionFailed
from mpc.four_prime_rsa import HashAlgorithm, OaepParameters, SignatureAlgorithm, digest_of
from signer_agent.joint_private_key import run_on_loop
from signer_agent.trusteeship.grants import Grant
from signer_agent.trusteeship.uses import Use
from wire.catalogue import ServiceError


class User(Protocol):
    """Who makes the uses."""

    def sign_digest(
        self, grant: Grant, digest: bytes, operation: KeyOperation | None, *, reason: str, document_kind: str
    ) -> Coroutine[Any, Any, Use]:
        """See ``Trusteeship.sign_digest``."""

    def decrypt(
        self, grant: Grant, ciphertext: bytes, parameters: OaepParameters, *, reason: str, document_kind: str
    ) -> Coroutine[Any, Any, Use]:
        """See ``Trusteeship.decrypt``."""


class _Granted:
    """What keys of both kinds have. Holds no secret; may be copied."""

    def __init__(
        self, user: User, loop: asyncio.AbstractEventLoop, grant: Grant, reason: str, document_kind: str
    ) -> None:
        self._user = user
        self._loop = loop
        self._grant = grant
        self._said = {"reason": reason, "document_kind": document_kind}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._grant.request.key_id} under {self._grant.grant_id}>"

    def private_bytes(
        self,
        encoding: Encoding,  # noqa: ARG002  # the signature of cryptography
        format: PrivateFormat,  # noqa: A002, ARG002
        encryption_algorithm: KeySerializationEncryption,  # noqa: ARG002
    ) -> bytes:
        """Raise ServiceError (PRIVATE_KEY_IN_CUSTODY)."""
        raise self._in_custody()

    def _sign(self, data: bytes, algorithm: object, operation: KeyOperation) -> bytes:
        work = self._user.sign_digest(self._grant, digest_of(data, algorithm), operation, **self._said)
        return run_on_loop(self._loop, work).result

    def _decrypt(self, ciphertext: bytes, parameters: OaepParameters) -> bytes:
        work = self._user.decrypt(self._grant, ciphertext, parameters, **self._said)
        return run_on_loop(self._loop, work).result

    def _in_custody(self) -> ServiceError:
        return ServiceError("PRIVATE_KEY_IN_CUSTODY", key_id=self._grant.request.key_id)

    def __copy__(self) -> Any:  # noqa: ANN401  # the same
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:  # noqa: ANN401  # the same
        return self


class GrantedRsaPrivateKey(_Granted, rsa.RSAPrivateKey):
    """An RSA key. From ``Trusteeship.private_key``.

    Args:
        public_key: of the certificate that the grant names.
        others: as of ``granted_private_key``.
    """

    def __init__(self, public_key: rsa.RSAPublicKey, *others: Any) -> None:  # noqa: ANN401  # of several types
        super().__init__(*others)
        self._public_key = public_key

    @property
    def key_size(self) -> int:
        """Bits of the modulus."""
        return self._public_key.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        """The public key."""
        return self._public_key

    def sign(
        self,
        data: bytes,
        padding: AsymmetricPadding,
        algorithm: Prehashed | hashes.HashAlgorithm | NoDigestInfo,
    ) -> bytes:
        """Sign data, or its digest (Prehashed), which is one use.

        Args:
            data: what is signed.
            padding: PKCS1v15; or PSS with MGF1 of the same hash and a salt of the hash's length.
            algorithm: SHA-256, SHA-384 or SHA-512, or Prehashed of one.

        Raises:
            UnsupportedAlgorithm: another padding or hash.
            FoursealError: all of ``Trusteeship.sign_digest``.
        """
        chosen = SignatureAlgorithm.from_cryptography(padding, algorithm)
        return self._sign(data, algorithm, KeyOperation.of_signature(chosen))

    def decrypt(self, ciphertext: bytes, padding: AsymmetricPadding) -> bytes:
        """Decrypt an RSAES-OAEP ciphertext, which is one use.

        Raises:
            ValueError: the one failure of decryption, as ``cryptography`` has it.
            UnsupportedAlgorithm: another padding or hash.
            FoursealError: all else of ``Trusteeship.decrypt``.
        """
        try:
            return self._decrypt(bytes(ciphertext), OaepParameters.from_cryptography(padding))
        except DecryptionFailed:
            raise ValueError("Decryption failed") from None

    def private_numbers(self) -> rsa.RSAPrivateNumbers:
        """Raise ServiceError (PRIVATE_KEY_IN_CUSTODY)."""
        raise self._in_custody()


class GrantedEcPrivateKey(_Granted, ec.EllipticCurvePrivateKey):
    """A key on an elliptic curve. From ``Trusteeship.private_key``.

    Args:
        public_key: of the certificate that the grant names.
        others: as of ``granted_private_key``.
    """

    def __init__(self, public_key: ec.EllipticCurvePublicKey, *others: Any) -> None:  # noqa: ANN401  # as above
        super().__init__(*others)
        self._public_key = public_key

    @property
    def curve(self) -> ec.EllipticCurve:
        """P-256 or P-384."""
        return self._public_key.curve

    @property
    def key_size(self) -> int:
        """Bits of the order."""
        return self._public_key.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public key."""
        return self._public_key

    def sign(
        self, data: bytes | bytearray | memoryview, signature_algorithm: ec.EllipticCurveSignatureAlgorithm
    ) -> bytes:
        """Sign data, or its digest (Prehashed), which is one use.

        Args:
            data: what is signed.
            signature_algorithm: ECDSA with SHA-256, SHA-384 or SHA-512, or Prehashed of one.

        Raises:
            UnsupportedAlgorithm: another hash.
            FoursealError: all of ``Trusteeship.sign_digest``.
        """
        algorithm = signature_algorithm.algorithm
        return self._sign(bytes(data), algorithm, KeyOperation.of_ecdsa(HashAlgorithm.from_cryptography(algorithm)))

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:  # noqa: ARG002
        """Raise ServiceError (PRIVATE_KEY_IN_CUSTODY): it only signs."""
        raise self._in_custody()

    def private_numbers(self) -> ec.EllipticCurvePrivateNumbers:
        """Raise ServiceError (PRIVATE_KEY_IN_CUSTODY)."""
        raise self._in_custody()


GrantedPrivateKey = GrantedRsaPrivateKey | GrantedEcPrivateKey
"""Of either kind."""


def granted_private_key(
    user: User,
    loop: asyncio.AbstractEventLoop,
    grant: Grant,
    public_key: OrganisationPublicKey,
    reason: str,
    document_kind: str,
) -> GrantedPrivateKey:
    """The private key of that kind.

    Args:
        user: makes the uses.
        loop: the user's, on another thread than those that call the key.
        grant: under which.
        public_key: of the certificate that it names.
        reason: of each use.
        document_kind: of each use, or empty.
    """
    if isinstance(public_key, rsa.RSAPublicKey):
        return GrantedRsaPrivateKey(public_key, user, loop, grant, reason, document_kind)
    return GrantedEcPrivateKey(public_key, user, loop, grant, reason, document_kind)
