"""Key ciphertexts: a message's content key, for one recipient. What they look like; ``key_sealing`` makes them.

Joint scheme: RSAES-OAEP under the recipient's and the session's joint key. Separate scheme, nested: encrypted for the
recipient, and that once more for the session, which peels its layer off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from cryptography.hazmat import asn1

from contract import der
from mpc.four_prime_rsa import HALF_BITS

TAG_BYTES: Final = 16
"""Bytes that AES-GCM adds."""
X25519_INNER_BYTES: Final = 80
"""Inner ciphertext by HPKE: encapsulated key (32), content key (32), tag (16); RFC 9180."""

MAX_KEY_CIPHERTEXT_BYTES: Final = 4 << 10
"""Longest key ciphertext that is looked at."""

_KEY_REASON: Final = "KEY_CIPHERTEXT_MALFORMED"
_HALF_BYTES: Final = tuple(bits // 8 for bits in HALF_BITS)
INNER_BYTES: Final = frozenset({X25519_INNER_BYTES, *range(256, 1024 + 1)})
"""Lengths of inner ciphertexts: by HPKE, or of RSA keys of 2048 to 8192 bits."""


@dataclass(frozen=True, slots=True)
class JointKeyCiphertext:
    """The content key under the joint key of recipient and session.

    Args:
        data: exactly the length of N: 512, 768 or 1024 bytes.

    Raises:
        MalformedInput: KEY_CIPHERTEXT_MALFORMED.
    """

    data: bytes

    def __post_init__(self) -> None:
        der.require_that(
            len(self.data) in {2 * size for size in _HALF_BYTES}, "a joint one of a wrong length", reason=_KEY_REASON
        )


@dataclass(frozen=True, slots=True)
class NestedKeyCiphertext:
    """The content key for the recipient, in a layer for the session.

    Args:
        session: a wrapping key under the session's half alone, RSAES-OAEP: 256, 384 or 512 bytes.
        box: AES-256-GCM of the inner ciphertext under that key.

    Raises:
        MalformedInput: KEY_CIPHERTEXT_MALFORMED.
    """

    session: bytes
    box: bytes

    def __post_init__(self) -> None:
        der.require_that(len(self.session) in _HALF_BYTES, "a session's layer of a wrong length", reason=_KEY_REASON)
        der.require_that(
            len(self.box) - TAG_BYTES in INNER_BYTES,
            "an inner ciphertext of a wrong length",
            reason=_KEY_REASON,
        )


KeyCiphertext = JointKeyCiphertext | NestedKeyCiphertext
"""One recipient's."""


def write_key_ciphertext(ciphertext: KeyCiphertext) -> bytes:
    """DER of KeyCiphertextRequest: a key ciphertext that travels alone, to the session. docs/formats.md."""
    return der.write_structure(_KeyCiphertextRequest(version=der.VERSION, ciphertext=to_structure(ciphertext)))


def read_key_ciphertext(data: bytes) -> KeyCiphertext:
    """Read ``write_key_ciphertext``.

    Raises:
        MalformedInput: KEY_CIPHERTEXT_MALFORMED.
    """
    read = der.read_structure(_KeyCiphertextRequest, data, MAX_KEY_CIPHERTEXT_BYTES, reason=_KEY_REASON)
    der.require_version(read.version, reason=_KEY_REASON)
    ciphertext = from_structure(read.ciphertext)
    der.require_canonical(data, write_key_ciphertext(ciphertext), reason=_KEY_REASON)
    return ciphertext


@asn1.sequence
class NestedKeyCiphertextStructure:
    """ASN.1 of the nested form."""

    session: bytes
    box: bytes


KeyCiphertextStructure = Annotated[bytes, asn1.Implicit(0)] | Annotated[NestedKeyCiphertextStructure, asn1.Implicit(1)]
"""ASN.1 of KeyCiphertext, for the structures that hold one."""


def to_structure(ciphertext: KeyCiphertext) -> bytes | NestedKeyCiphertextStructure:
    """The ASN.1 value."""
    if isinstance(ciphertext, JointKeyCiphertext):
        return ciphertext.data
    return NestedKeyCiphertextStructure(session=ciphertext.session, box=ciphertext.box)


def from_structure(read: bytes | NestedKeyCiphertextStructure) -> KeyCiphertext:
    """Read ``to_structure``.

    Raises:
        MalformedInput: KEY_CIPHERTEXT_MALFORMED.
    """
    if isinstance(read, bytes):
        return JointKeyCiphertext(read)
    return NestedKeyCiphertext(read.session, read.box)


@asn1.sequence
class _KeyCiphertextRequest:
    version: int
    ciphertext: KeyCiphertextStructure
