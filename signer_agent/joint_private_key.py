"""A joint key as a private key of ``cryptography``: signs and decrypts together with the server, behind the scenes.

It can be passed wherever an ``RSAPrivateKey`` is taken: to the builders of X.509 certificates, requests and revocation
lists, of PKCS#7, and to libraries built on them. What it cannot do is what needs the private exponent in one piece.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo, Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, KeySerializationEncryption, PrivateFormat

from mpc.errors import DecryptionFailed
from mpc.four_prime_rsa import JointPublicKey, OaepParameters, Purpose, SignatureAlgorithm, digest_of
from wire.catalogue import ServiceError

_Result = TypeVar("_Result")


class Signer(Protocol):
    """Who does the work for a ``JointPrivateKey``: blocking calls."""

    def sign_digest(self, key: str, digest: bytes, algorithm: SignatureAlgorithm) -> bytes:
        """See ``AsyncAgent.sign_digest``."""

    def decrypt(self, key: str, ciphertext: bytes, parameters: OaepParameters) -> bytes:
        """See ``AsyncAgent.decrypt``."""


class AsyncSigner(Protocol):
    """What a ``LoopSigner`` needs of an agent."""

    async def sign_digest(self, key: str, digest: bytes, algorithm: SignatureAlgorithm) -> bytes:
        """See ``AsyncAgent.sign_digest``."""

    async def decrypt(self, key: str, ciphertext: bytes, parameters: OaepParameters) -> bytes:
        """See ``AsyncAgent.decrypt``."""


class LoopSigner:
    """Runs an agent's work on its event loop, and blocks the calling thread until it is done."""

    def __init__(self, agent: AsyncSigner, loop: asyncio.AbstractEventLoop) -> None:
        self._agent = agent
        self._loop = loop

    def sign_digest(self, key: str, digest: bytes, algorithm: SignatureAlgorithm) -> bytes:
        """See ``Signer``. Raises as ``run_on_loop`` does."""
        return self._run(self._agent.sign_digest(key, digest, algorithm))

    def decrypt(self, key: str, ciphertext: bytes, parameters: OaepParameters) -> bytes:
        """See ``Signer``. Raises as ``sign_digest`` does."""
        return self._run(self._agent.decrypt(key, ciphertext, parameters))

    def _run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return run_on_loop(self._loop, work)


def run_on_loop(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run ``work`` on a loop of another thread, and wait for it.

    Raises:
        ServiceError: LOOP_BLOCKED on the loop's own thread; AGENT_CLOSED if the loop has ended.
    """
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    if running is loop or loop.is_closed():
        work.close()
        raise ServiceError("LOOP_BLOCKED" if running is loop else "AGENT_CLOSED")
    future = asyncio.run_coroutine_threadsafe(work, loop)
    try:
        return future.result()
    except BaseException:
        future.cancel()  # Ctrl-C in the waiting thread ends the work; without effect where the work itself failed
        raise


class JointPrivateKey(rsa.RSAPrivateKey):
    """See the module. Holds no secret; may be copied.

    Args:
        signer: does the work.
        key_id: the key.
        joint_key: its joint public key.
    """

    def __init__(self, signer: Signer, key_id: str, joint_key: JointPublicKey) -> None:
        self._signer = signer
        self._key_id = key_id
        self._joint_key = joint_key

    def __repr__(self) -> str:
        return f"<JointPrivateKey {self._key_id} {self._joint_key.purpose} {self.key_size} bits>"

    @property
    def key_id(self) -> str:
        """The server's name of the key."""
        return self._key_id

    @property
    def key_size(self) -> int:
        """Bits of the joint modulus: 4096, 6144 or 8192."""
        return 2 * self._joint_key.half_bits

    def public_key(self) -> rsa.RSAPublicKey:
        """The joint public key."""
        return self._joint_key.to_cryptography()

    def sign(
        self,
        data: bytes,
        padding: AsymmetricPadding,
        algorithm: Prehashed | hashes.HashAlgorithm | NoDigestInfo,
    ) -> bytes:
        """Sign data, or its digest (Prehashed).

        Args:
            data: what is signed.
            padding: PKCS1v15; or PSS with MGF1 of the same hash and a salt of the hash's length.
            algorithm: SHA-256, SHA-384 or SHA-512, or Prehashed of one.

        Raises:
            UnsupportedAlgorithm: another padding or hash.
            FoursealError: WRONG_PURPOSE for a decryption key, DIGEST_LENGTH_WRONG, and all of
                ``AsyncAgent.sign_digest``.
        """
        self._joint_key.require(Purpose.SIGN)
        chosen = SignatureAlgorithm.from_cryptography(padding, algorithm)
        return self._signer.sign_digest(self._key_id, digest_of(data, algorithm), chosen)

    def decrypt(self, ciphertext: bytes, padding: AsymmetricPadding) -> bytes:
        """Decrypt an RSAES-OAEP ciphertext.

        Raises:
            ValueError: the one failure of decryption, as ``cryptography`` has it.
            UnsupportedAlgorithm: another padding or hash.
            FoursealError: WRONG_PURPOSE for a signing key, CIPHERTEXT_MALFORMED, and all of ``AsyncAgent.decrypt``.
        """
        self._joint_key.require(Purpose.DECRYPT)
        parameters = OaepParameters.from_cryptography(padding)
        try:
            return self._signer.decrypt(self._key_id, bytes(ciphertext), parameters)
        except DecryptionFailed:
            raise ValueError("Decryption failed") from None

    def private_numbers(self) -> rsa.RSAPrivateNumbers:
        """Raise ServiceError (PRIVATE_KEY_DIVIDED): no party has them."""
        raise ServiceError("PRIVATE_KEY_DIVIDED", key_id=self._key_id)

    def private_bytes(
        self,
        encoding: Encoding,  # noqa: ARG002  # the signature of cryptography
        format: PrivateFormat,  # noqa: A002, ARG002
        encryption_algorithm: KeySerializationEncryption,  # noqa: ARG002
    ) -> bytes:
        """Raise ServiceError (PRIVATE_KEY_DIVIDED): no party has them."""
        raise ServiceError("PRIVATE_KEY_DIVIDED", key_id=self._key_id)

    def __copy__(self) -> JointPrivateKey:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> JointPrivateKey:
        return self
