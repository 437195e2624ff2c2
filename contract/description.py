"""Content descriptions: what a message's content is. Sealed with the content; only author and recipients see it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.names import check_content_type, check_file_name

NONCE_BYTES: Final = 32
"""Random bytes that make the commitment tell nothing of short or guessable content."""
MAX_DESCRIPTION_BYTES: Final = 4 << 10
"""Longest description that is looked at."""

_DESCRIPTION_REASON: Final = "DESCRIPTION_MALFORMED"


@dataclass(frozen=True, slots=True)
class ContentDescription:
    """What the content of one message is.

    Args:
        nonce: 32 random bytes, fresh for every message.
        content_type: media type.
        name: file name without a path; may be empty.
        length: bytes of the content, 0 to 2^63 - 1.
        digest: SHA-256 of the content, 32 bytes.
        in_reply_to: digest of the statement that this message replies to, 32 bytes.

    Raises:
        MalformedInput: DESCRIPTION_MALFORMED, CONTENT_TYPE_MALFORMED, FILE_NAME_MALFORMED.
    """

    nonce: bytes
    content_type: str
    name: str
    length: int
    digest: bytes
    in_reply_to: bytes | None = None

    def __post_init__(self) -> None:
        der.require_that(
            len(self.nonce) == NONCE_BYTES, f"the nonce has not {NONCE_BYTES} bytes", reason=_DESCRIPTION_REASON
        )
        check_content_type(self.content_type)
        check_file_name(self.name)
        der.require_that(0 <= self.length <= der.MAX_COUNT, "the length is out of range", reason=_DESCRIPTION_REASON)
        der.require_digest(self.digest, "the digest", reason=_DESCRIPTION_REASON)
        if self.in_reply_to is not None:
            der.require_digest(self.in_reply_to, "what it replies to", reason=_DESCRIPTION_REASON)

    @property
    def commitment(self) -> bytes:
        """SHA-256 of ``to_der``, 32 bytes: as it stands in the statement."""
        return hashlib.sha256(self.to_der()).digest()

    def to_der(self) -> bytes:
        """DER of ContentDescription: docs/formats.md."""
        return der.write_structure(
            _ContentDescription(
                version=der.VERSION,
                nonce=self.nonce,
                content_type=self.content_type,
                name=self.name,
                length=self.length,
                digest=self.digest,
                in_reply_to=self.in_reply_to,
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``.

        Raises:
            MalformedInput: DESCRIPTION_MALFORMED, CONTENT_TYPE_MALFORMED, FILE_NAME_MALFORMED.
        """
        read = der.read_structure(_ContentDescription, data, MAX_DESCRIPTION_BYTES, reason=_DESCRIPTION_REASON)
        der.require_version(read.version, reason=_DESCRIPTION_REASON)
        description = cls(read.nonce, read.content_type, read.name, read.length, read.digest, read.in_reply_to)
        der.require_canonical(data, description.to_der(), reason=_DESCRIPTION_REASON)
        return description


@asn1.sequence
class _ContentDescription:
    version: int
    nonce: bytes
    content_type: str
    name: str
    length: int
    digest: bytes
    in_reply_to: Annotated[bytes | None, asn1.Implicit(0)]
