"""Marks documents, each time with another serial number, time and signatures: the same ones again in the next run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from contract.watermark.channels import Channel, Document
from contract.watermark.embedding import Embedded, embed
from contract.watermark.key import WatermarkKey
from contract.watermark.payload import SIGNATURE_BYTES

KEY: Final = WatermarkKey(bytes(range(32)))
_FIRST: Final = datetime(2026, 11, 28, 12, 30, 15, tzinfo=UTC)
_SIGNERS: Final = 2


def mark(document: Document, channels: Sequence[Channel], serial: int, key: WatermarkKey = KEY) -> Embedded:
    """Mark a document, with signatures that follow from the serial number."""
    chance = Random(serial)  # noqa: S311
    signatures = [chance.randbytes(SIGNATURE_BYTES) for _ in range(_SIGNERS)]
    time = _FIRST + timedelta(minutes=serial)
    return embed(document, key, serial=serial, time=time, signatures=signatures, channels=channels)
