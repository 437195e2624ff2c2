"""What stands in the picture of a code, which a terminal scans: code, transaction and time.

    FS1:<first 12 hexadecimal digits of the transaction's digest>:<code>:<milliseconds since 1970>

All of it is of the alphanumeric set of QR codes (ISO/IEC 18004, table 5), so the picture is small. In the refreshing
mode the device draws it anew at least once a second, and a terminal takes none that is older than three seconds: an
older one is a picture of a picture. The time is not proven: who can read a picture can draw one with a later time. It
keeps an honest terminal from a stale picture; what keeps others out is that a code confirms its own transaction alone.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from contract.errors import TransactionRefused
from contract.transactions.code import ConfirmationCode
from mpc.errors import MalformedInput

REFRESHED: Final = timedelta(seconds=3)
"""Oldest picture that is taken in the refreshing mode."""
STILL: Final = timedelta(minutes=1)
"""Oldest picture that is taken otherwise: a code is shown no longer."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(milliseconds=1)
_DIGITS: Final = 12
_FORM: Final = re.compile(r"FS1:([0-9A-F]{12}):([0-9A-Z]{9}):(0|[1-9][0-9]{0,13})", re.ASCII)


def write_picture(code: ConfirmationCode, transaction: bytes, time: datetime) -> str:
    """What stands in the picture. Secret, as the code is.

    Args:
        code: that is shown.
        transaction: its digest, 32 bytes.
        time: at which the picture is drawn, by the device's clock; UTC, from 1970 on.
    """
    return f"FS1:{_name(transaction)}:{code.to_secret_text()}:{(time - _EPOCH) // _TICK}"


def read_picture(text: str, transaction: bytes, now: datetime, oldest: timedelta) -> ConfirmationCode:
    """Read what a terminal scanned.

    Args:
        text: as it was scanned.
        transaction: digest of the transaction that the terminal waits for, 32 bytes.
        now: by the terminal's clock, UTC.
        oldest: ``REFRESHED`` or ``STILL``. A picture from so far ahead is not taken either.

    Raises:
        MalformedInput: PICTURE_MALFORMED, CODE_MISTYPED.
        TransactionRefused: PICTURE_OF_OTHER_TRANSACTION, PICTURE_TOO_OLD, CLOCKS_DIFFER.
    """
    form = _FORM.fullmatch(text)
    if form is None:
        raise MalformedInput("PICTURE_MALFORMED", "this is no picture of a confirmation code")
    code = ConfirmationCode(form[2])
    if form[1] != _name(transaction):
        raise TransactionRefused("PICTURE_OF_OTHER_TRANSACTION", "the picture is of another transaction")
    age = now - _EPOCH - int(form[3]) * _TICK
    if age > oldest:
        seconds = int(oldest.total_seconds())
        raise TransactionRefused("PICTURE_TOO_OLD", f"the picture is older than {seconds} seconds", seconds=seconds)
    if age < -oldest:
        raise TransactionRefused("CLOCKS_DIFFER", "the picture is from later than now: the clocks are too far apart")
    return code


def _name(transaction: bytes) -> str:
    return transaction.hex()[:_DIGITS].upper()
