"""The key of an installation's watermarks, and what is derived from it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class Use(Enum):
    """What bytes are derived for: the personalisation of BLAKE2b, or the beginning of SHAKE256's input."""

    CHECK = b"fourseal/check"
    HEADER = b"fourseal/header"
    WHITENING = b"fourseal/white"
    INTERLEAVER = b"fourseal/interleaver"


@dataclass(frozen=True, slots=True)
class WatermarkKey:
    """What tells the watermarks of one installation from those of others, and from chance.

    No secret: it follows from the authority's certificate, which whoever verifies has, for the signatures in the
    watermark are verified with it. What nobody else can make are those signatures.

    Args:
        data: 32 bytes.
    """

    data: bytes

    @classmethod
    def of_authority(cls, authority: x509.Certificate) -> WatermarkKey:
        """The key of the authority's installation; of its public key, so a renewed certificate has the same."""
        public = authority.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return cls(hashlib.sha256(b"fourseal/v1/watermark" + public).digest())

    def mac(self, use: Use, data: bytes, size: int) -> bytes:
        """BLAKE2b (RFC 7693) with the key: ``size`` bytes, at most 64."""
        return hashlib.blake2b(data, digest_size=size, key=self.data, person=use.value).digest()

    def stream(self, use: Use, data: bytes, size: int) -> bytes:
        """SHAKE256 (FIPS 202) of use, key and data: any number of bytes."""
        return hashlib.shake_256(use.value + self.data + data).digest(size)
