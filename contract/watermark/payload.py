"""What a watermark says: docs/formats.md, Watermark.

Layers: header, serial number, time and digest always; behind them the signatures themselves or their digests, or
neither; a check code last. Zero bytes fill the last codeword.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final

from contract.watermark.code import MESSAGE_BYTES
from contract.watermark.key import Use, WatermarkKey
from mpc.errors import MalformedInput

MAX_SERIAL: Final = (1 << 40) - 1
MAX_SIGNATURES: Final = 10
"""Most signers whose signatures one watermark has."""
SIGNATURE_BYTES: Final = 64
"""Of an Ed25519 signature (RFC 8032): the only ones that go in whole."""

_VERSION: Final = 1
_DIGEST_BYTES: Final = 32
_FIXED_BYTES: Final = 2 + 5 + 8 + _DIGEST_BYTES
_CHECK_BYTES: Final = 16
_EPOCH: Final = datetime(1, 1, 1, tzinfo=UTC)
_TICKS: Final = 10
"""Of 100 ns, in a microsecond."""
_LAST_TICK: Final = ((datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)) * _TICKS


class SignatureLayer(IntEnum):
    """What stands for the signatures."""

    NONE = 0
    WHOLE = 1
    DIGESTS = 2

    @property
    def entry_bytes(self) -> int:
        """Bytes for one signature."""
        return (0, SIGNATURE_BYTES, _DIGEST_BYTES)[self]


@dataclass(frozen=True, slots=True)
class Payload:
    """What a watermark says.

    Args:
        serial: the contract's serial number, 1 to 2^40 - 1.
        time: with a time zone; kept in UTC, to the microsecond.
        digest: of the document's text (``contract.documents.text``), 32 bytes.
        layer: what ``entries`` are.
        entries: one for each signature, in the order of the signers: the signature of 64 bytes, or its SHA-256.

    Raises:
        MalformedInput: WATERMARK_PAYLOAD_MALFORMED.
    """

    serial: int
    time: datetime
    digest: bytes
    layer: SignatureLayer = SignatureLayer.NONE
    entries: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.serial <= MAX_SERIAL:
            raise _malformed("a serial number that is not from 1 to 2^40 - 1")
        if self.time.tzinfo is None:
            raise _malformed("a time without a time zone")
        if len(self.digest) != _DIGEST_BYTES:
            raise _malformed("a digest that has not 32 bytes")
        if len(self.entries) > MAX_SIGNATURES:
            raise _malformed(f"more than {MAX_SIGNATURES} signatures")
        if (self.layer is SignatureLayer.NONE) != (not self.entries):
            raise _malformed("a layer of signatures without signatures, or the reverse")
        if any(len(each) != self.layer.entry_bytes for each in self.entries):
            raise _malformed("a signature of another length than its layer has")
        object.__setattr__(self, "time", self.time.astimezone(UTC))

    @classmethod
    def with_signatures(
        cls, serial: int, time: datetime, digest: bytes, layer: SignatureLayer, signatures: tuple[bytes, ...]
    ) -> Payload:
        """A payload with signatures, or their digests, as the layer says. Raises as the constructor."""
        if layer is SignatureLayer.DIGESTS:
            signatures = tuple(hashlib.sha256(each).digest() for each in signatures)
        return cls(serial, time, digest, layer, signatures)

    def to_bytes(self, key: WatermarkKey) -> bytes:
        """Encode, with check code and filling: whole messages of the code."""
        ticks = (self.time - _EPOCH) // timedelta(microseconds=1) * _TICKS
        head = bytes([_VERSION, self.layer << 4 | len(self.entries)])
        said = head + self.serial.to_bytes(5, "big") + ticks.to_bytes(8, "big") + self.digest + b"".join(self.entries)
        data = said + key.mac(Use.CHECK, said, _CHECK_BYTES)
        return data.ljust(codewords_for(self.layer, len(self.entries)) * MESSAGE_BYTES, b"\0")

    @classmethod
    def from_bytes(cls, data: bytes, key: WatermarkKey) -> Payload:
        """Decode ``to_bytes``; nothing else is accepted.

        Raises:
            MalformedInput: WATERMARK_PAYLOAD_MALFORMED: above all, the check code does not hold: this is no payload, or
                one of another installation. Chance passes once in 2^128 times.
        """
        if len(data) < MESSAGE_BYTES:
            raise _malformed("less than one message of the code")
        layer, count = data[1] >> 4, data[1] & 0x0F
        if data[0] != _VERSION or layer > max(SignatureLayer) or count > MAX_SIGNATURES:
            raise _malformed("another version, or an unknown layer")
        layer = SignatureLayer(layer)
        end = _FIXED_BYTES + count * layer.entry_bytes
        if len(data) != codewords_for(layer, count) * MESSAGE_BYTES:
            raise _malformed("another length than its header says")
        said, check, filling = data[:end], data[end : end + _CHECK_BYTES], data[end + _CHECK_BYTES :]
        if not hmac.compare_digest(key.mac(Use.CHECK, said, _CHECK_BYTES), check) or any(filling):
            raise _malformed("a check code that does not hold")
        ticks = int.from_bytes(said[7:15], "big")
        if ticks > _LAST_TICK or ticks % _TICKS:
            raise _malformed("a time that is none")
        return cls(
            serial=int.from_bytes(said[2:7], "big"),
            time=_EPOCH + timedelta(microseconds=ticks // _TICKS),
            digest=said[15:_FIXED_BYTES],
            layer=layer,
            entries=tuple(said[at : at + layer.entry_bytes] for at in range(_FIXED_BYTES, end, layer.entry_bytes or 1)),
        )


def codewords_for(layer: SignatureLayer, count: int) -> int:
    """Codewords of a payload with that many signatures."""
    return -(-payload_bytes(layer, count) // MESSAGE_BYTES)


def payload_bytes(layer: SignatureLayer, count: int) -> int:
    """Bytes of a payload with that many signatures, before it is filled up."""
    return _FIXED_BYTES + count * layer.entry_bytes + _CHECK_BYTES


def _malformed(problem: str) -> MalformedInput:
    return MalformedInput(
        "WATERMARK_PAYLOAD_MALFORMED", f"the watermark's payload is refused: {problem}", problem=problem
    )
