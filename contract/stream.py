"""Sealed content: the STREAM construction over AES-256-GCM, in segments of 2 MiB.

Source: V. T. Hoang, R. Reyhanitabar, P. Rogaway, D. Vizar, "Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance", CRYPTO 2015, section 7. The nonce of segment i (from 0) is i as eleven big-endian bytes, then one
byte: 1 for the last segment, else 0. So a segment opens in its place alone, and content that ends early has no last
segment. There is one way to cut content into segments: each but the last is full, and the last is empty for empty
content only.

A stream key belongs to one content (``content_key``), so no nonce is used twice for different plaintexts. To seal again
what was sealed before, after a break, gives the same bytes; the caller must see to it that the source is the same.

Segments are sealed and opened into one buffer, which stays in the processor's cache: fresh memory for each would cost
as much as the encryption.

Every plaintext that leaves ``SegmentOpener`` is authentic, but only when the last segment has opened is it known to be
whole.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contract.content_key import StreamKey
from contract.errors import ContentDamaged
from contract.key_ciphertext import TAG_BYTES
from mpc.errors import MalformedInput
from mpc.secret import Secret

Buffer = bytes | memoryview

SEGMENT_BYTES: Final = 2 << 20
"""Plaintext bytes of every segment but the last."""
SEALED_SEGMENT_BYTES: Final = SEGMENT_BYTES + TAG_BYTES
"""Sealed bytes of every segment but the last."""

_COUNTER_BYTES: Final = 11


def sealed_length(length: int) -> int:
    """Bytes of sealed content of ``length`` plaintext bytes."""
    segments = max(1, -(-length // SEGMENT_BYTES))
    return length + segments * TAG_BYTES


class _Stream(Secret):
    __slots__ = ("_buffer", "_cipher", "_ended", "_number")

    def __init__(self, key: StreamKey) -> None:
        self._cipher = AESGCM(key.to_secret_bytes())
        self._buffer = memoryview(bytearray(SEALED_SEGMENT_BYTES))
        self._number = 0
        self._ended = False

    def _public_summary(self) -> str:
        return f"segments={self._number}"

    def _fits(self, length: int, *, last: bool) -> bool:
        """Whether a segment of so many plaintext bytes may come next."""
        if self._ended:
            return False
        if last:
            return (0 if self._number == 0 else 1) <= length <= SEGMENT_BYTES
        return length == SEGMENT_BYTES

    def _nonce(self, *, last: bool) -> bytes:
        return self._number.to_bytes(_COUNTER_BYTES, "big") + bytes([last])

    def _advance(self, *, last: bool) -> None:
        self._number += 1
        self._ended = last


class SegmentSealer(_Stream):
    """Seals content segment by segment, in order. For one thread at a time.

    Args:
        key: of this content alone.
    """

    __slots__ = ()

    def seal(self, data: Buffer, *, last: bool) -> memoryview:
        """Seal the next segment.

        Args:
            data: exactly ``SEGMENT_BYTES``; in the last segment 1 to ``SEGMENT_BYTES``, or none if it is the first too.
            last: whether the content ends with it.

        Returns:
            ``TAG_BYTES`` more than ``data``; good until the next segment is sealed, which takes the same place.

        Raises:
            MalformedInput: SEGMENT_LENGTH_WRONG, also after the last segment.
        """
        length = len(data)
        if not self._fits(length, last=last):
            raise MalformedInput("SEGMENT_LENGTH_WRONG", "no segment of this length may come here")
        sealed = self._buffer[: length + TAG_BYTES]
        self._cipher.encrypt_into(self._nonce(last=last), data, None, sealed)
        self._advance(last=last)
        return sealed


class SegmentOpener(_Stream):
    """Opens content segment by segment, in order. For one thread at a time.

    Args:
        key: of this content.
    """

    __slots__ = ()

    def open(self, segment: Buffer, *, last: bool) -> memoryview:
        """Open the next segment.

        Args:
            segment: exactly ``SEALED_SEGMENT_BYTES``; the last one at most that.
            last: whether the sealed content ends with it.

        Returns:
            The plaintext; good until the next segment is opened, which takes the same place.

        Raises:
            ContentDamaged: for every cause. Nothing more opens afterwards.
        """
        length = len(segment) - TAG_BYTES
        if self._fits(length, last=last):
            plaintext = self._buffer[:length]
            try:
                self._cipher.decrypt_into(self._nonce(last=last), segment, None, plaintext)
            except InvalidTag:
                plaintext[:] = bytes(length)  # it is not authentic; refused below, as a wrong length is
            else:
                self._advance(last=last)
                return plaintext
        self._ended = True
        raise ContentDamaged
