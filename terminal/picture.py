"""Pictures of a device's display, from a camera or a scanner: the QR codes in them are read by zxing-cpp.

Both packages are of the extra ``terminal``: most terminals have a key pad, and no camera.
"""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Final

from contract.transactions.code import ConfirmationCode
from contract.transactions.picture import read_picture
from mpc.errors import FoursealError, MalformedInput
from wire.catalogue import ServiceError

MAX_PICTURE_BYTES: Final = 16 << 20
"""Longest file of a picture that is looked at."""

_MAX_PIXELS: Final = 50_000_000
_FORMATS: Final = ("PNG", "JPEG", "WEBP")
_SIGN: Final = "FS1:"


def read_code(content: bytes, file: str, transaction: bytes, now: datetime, oldest: timedelta) -> ConfirmationCode:
    """The confirmation code in a picture.

    Args:
        content: of a file of PNG, JPEG or WebP.
        file: its name, for the error.
        transaction: digest of the transaction that it has to be of, 32 bytes.
        now: by the terminal's clock, UTC.
        oldest: as ``read_picture`` takes it.

    Raises:
        ServiceError: PICTURE_READER_MISSING, FILE_UNUSABLE.
        FoursealError: what ``read_picture`` raises; PICTURE_MALFORMED: there is no code in it.
    """
    refusal: FoursealError = MalformedInput("PICTURE_MALFORMED", "the picture has no confirmation code")
    for text in _texts(content, file):
        try:
            return read_picture(text, transaction, now, oldest)
        except FoursealError as error:  # another one may be beside it
            if text.startswith(_SIGN):
                refusal = error
    raise refusal


def _texts(content: bytes, file: str) -> list[str]:
    """What stands in the QR codes of a picture."""
    try:
        import zxingcpp  # noqa: PLC0415  # of an extra
        from PIL import Image  # noqa: PLC0415  # of an extra
    except ImportError:
        raise ServiceError("PICTURE_READER_MISSING") from None
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            width, height = image.size
            if width * height > _MAX_PIXELS:
                raise ServiceError("FILE_UNUSABLE", file=file, problem=f"it has more than {_MAX_PIXELS:_} pixels")
            grey = image.convert("L")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        problem = "it is no picture of PNG, JPEG or WebP"
        raise ServiceError("FILE_UNUSABLE", file=file, problem=problem) from None
    return [
        found.text for found in zxingcpp.read_barcodes(grey, zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    ]
