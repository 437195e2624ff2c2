"""Making key ciphertexts, and opening nested ones. Those of the joint scheme are opened as any joint ciphertext is.

Joint scheme: RSAES-OAEP under N_recipient * N_session with the recipient's label, ``joint_ciphertext``; then partials
and ``combine_decryption`` with ``sealing.oaep_parameters(label)`` (``mpc.four_prime_rsa``).

Separate scheme, from the outside: AES-256-GCM under a wrapping key (the box), the wrapping key in RSAES-OAEP under the
session's half alone; inside, the content key sealed for the recipient's key alone (``sealing``). The session peels its
layer without learning which envelope it is of; the recipient's layer is bound to envelope and name by the label.

Labels are those of ``EnvelopeCore.label``. OAEP padding takes OpenSSL's randomness.
"""

from __future__ import annotations

from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contract.certificates import SessionCertificate, SignerCertificate, joint_key, require_same_purpose
from contract.content_key import CONTENT_KEY_BYTES, ContentKey
from contract.key_ciphertext import JointKeyCiphertext, KeyCiphertext, NestedKeyCiphertext
from contract.sealing import SealingPrivateKey, oaep_parameters, seal, unseal
from contract.session_info import Scheme
from contract.signatures import require_scheme
from mpc.engines.interface import Exponentiator, Random
from mpc.errors import DecryptionFailed, MalformedInput
from mpc.four_prime_rsa import (
    Ciphertext,
    DecryptionHalf,
    HashAlgorithm,
    OaepParameters,
    Purpose,
    decrypt_by_half,
)

RecipientPrivateKey = SealingPrivateKey
"""A key that opens inner ciphertexts."""

_WRAPPING_KEY_BYTES: Final = 32
_ZERO_NONCE: Final = bytes(12)
_SESSION_LAYER: Final = OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA256, b"fourseal/v1/session layer")


def seal_key(
    content_key: ContentKey,
    label: bytes,
    recipient: SignerCertificate,
    session: SessionCertificate,
    random: Random,
) -> KeyCiphertext:
    """Seal the content key for one recipient, by the session's scheme.

    Args:
        content_key: of the envelope.
        label: the recipient's, ``EnvelopeCore.label``.
        recipient: its certificate for encryption.
        session: the session's certificate for encryption.
        random: randomness for the wrapping key.

    Raises:
        WrongPurpose: a certificate is for signing.
        MalformedInput: KEY_IS_NO_HALF, and what ``JointPublicKey`` raises, in the joint scheme.
    """
    require_same_purpose(Purpose.DECRYPT, recipient, session)
    secret = content_key.to_secret_bytes()
    if session.info.scheme is Scheme.JOINT:
        public_key = joint_key(recipient, session).to_cryptography()
        return JointKeyCiphertext(public_key.encrypt(secret, oaep_parameters(label).to_cryptography_padding()))
    wrapping_key = random(_WRAPPING_KEY_BYTES)
    outer = session.public_share().to_cryptography()
    return NestedKeyCiphertext(
        session=outer.encrypt(wrapping_key, _SESSION_LAYER.to_cryptography_padding()),
        # The nonce is fixed because a wrapping key seals this one box.
        box=AESGCM(wrapping_key).encrypt(_ZERO_NONCE, seal_inner(content_key, label, recipient), None),
    )


def joint_ciphertext(
    ciphertext: KeyCiphertext, recipient: SignerCertificate, session: SessionCertificate
) -> Ciphertext:
    """A key ciphertext of the joint scheme, for partial decryption by recipient and session.

    Raises:
        WrongPurpose: a certificate is for signing.
        VerificationFailed: SCHEME_WRONG: the session is of the separate scheme.
        MalformedInput: KEY_CIPHERTEXT_MALFORMED: it is a nested one; CIPHERTEXT_MALFORMED.
    """
    require_same_purpose(Purpose.DECRYPT, recipient, session)
    require_scheme(session, Scheme.JOINT)
    if not isinstance(ciphertext, JointKeyCiphertext):
        raise _other_scheme()
    return Ciphertext(joint_key(recipient, session), ciphertext.data)


def peel_session(half: DecryptionHalf, ciphertext: KeyCiphertext, engine: Exponentiator[Any], random: Random) -> bytes:
    """Take the session's layer off. The session does this; it learns nothing of what is inside.

    Returns:
        The inner ciphertext, for ``open_inner``.

    Raises:
        WrongPurpose: not one for decryption.
        MalformedInput: KEY_CIPHERTEXT_MALFORMED: it is a joint one.
        FaultDetected: the result did not hold; nothing is released.
        DecryptionFailed: for every other cause.
    """
    if not isinstance(ciphertext, NestedKeyCiphertext):
        raise _other_scheme()
    wrapping_key = decrypt_by_half(half, ciphertext.session, _SESSION_LAYER, engine, random)
    try:
        if len(wrapping_key) == _WRAPPING_KEY_BYTES:
            return AESGCM(wrapping_key).decrypt(_ZERO_NONCE, ciphertext.box, None)
    except InvalidTag:
        pass  # refused below, as a key of another length is
    raise DecryptionFailed


def seal_inner(content_key: ContentKey, label: bytes, recipient: SignerCertificate) -> bytes:
    """Seal the content key for one recipient's key alone.

    Args:
        content_key: of the envelope.
        label: what it is bound to, 32 bytes.
        recipient: its certificate for encryption.

    Raises:
        MalformedInput: SIGNER_KEY_UNSUITABLE: the certificate is for signing.
    """
    return seal(content_key.to_secret_bytes(), recipient.public_key, label)


def open_inner(private_key: RecipientPrivateKey, inner: bytes, label: bytes) -> ContentKey:
    """Open the inner ciphertext with the recipient's key alone.

    Args:
        private_key: of the recipient's certificate for encryption.
        inner: from ``peel_session``.
        label: the recipient's, ``EnvelopeCore.label``.

    Raises:
        DecryptionFailed: for every cause.
    """
    return content_key_from(unseal(private_key, inner, label))


def content_key_from(secret: bytes) -> ContentKey:
    """The content key out of an opened key ciphertext.

    Raises:
        DecryptionFailed: it has another length than a content key.
    """
    if len(secret) != CONTENT_KEY_BYTES:
        raise DecryptionFailed
    return ContentKey(secret)


def _other_scheme() -> MalformedInput:
    problem = "of the other scheme"
    return MalformedInput("KEY_CIPHERTEXT_MALFORMED", f"the key ciphertext is {problem}", problem=problem)
