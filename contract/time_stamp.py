"""Time stamps of an outside authority (RFC 3161): that some data existed at a time, whatever the evidence server says.

A time stamp is kept as the whole response of the authority, TimeStampResp in DER: that is what ``openssl ts`` reads.
Certificates count as of the time that it states: one that has expired since proves what it proved.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from rfc3161_client import TimeStampResponse, VerificationError, VerifierBuilder, decode_timestamp_response

from contract.certificate_parts import UNREADABLE
from contract.errors import VerificationFailed
from mpc.errors import MalformedInput

MAX_TIME_STAMP_BYTES: Final = 64 << 10
"""Longest time stamp that is looked at."""


def time_of_stamp(response: bytes) -> datetime:
    """The time that a time stamp states, without any check of it. Aware, UTC.

    Args:
        response: TimeStampResp, DER.

    Raises:
        MalformedInput: TIME_STAMP_MALFORMED.
    """
    return _time_of(_decode(response))


def verify_time_stamp(response: bytes, data: bytes, roots: Collection[x509.Certificate]) -> datetime:
    """Check that one of these authorities stamped the data.

    (1) it was granted, and signed by a certificate for time stamps that leads to a root;
    (2) the certificates were valid at the time that it states;
    (3) it is over the SHA-256, SHA-384 or SHA-512 of the data.

    Whether a certificate of the authority had been revoked is not looked at: nobody else than the authority knows.

    Args:
        response: TimeStampResp, DER.
        data: that was stamped.
        roots: certificates of authorities that are trusted; at least one.

    Returns:
        When the data existed at the latest; aware, UTC.

    Raises:
        MalformedInput: TIME_STAMP_MALFORMED.
        VerificationFailed: TIME_STAMP_NOT_GENUINE.
    """
    read = _decode(response)
    try:
        VerifierBuilder(roots=list(roots)).build().verify_message(read, data)
    except (VerificationError, ValueError, *UNREADABLE):
        raise VerificationFailed(
            "TIME_STAMP_NOT_GENUINE", "no trusted authority for time stamps stamped this"
        ) from None
    return _time_of(read)


def _decode(response: bytes) -> TimeStampResponse:
    if len(response) > MAX_TIME_STAMP_BYTES:
        raise _malformed(f"longer than {MAX_TIME_STAMP_BYTES} bytes")
    try:
        read = decode_timestamp_response(response)
        canonical = read.as_bytes() == response
    except ValueError:
        raise _malformed("no response of an authority for time stamps in DER") from None
    if not canonical:
        raise _malformed("not the canonical encoding")
    return read


def _time_of(read: TimeStampResponse) -> datetime:
    try:
        return read.tst_info.gen_time.astimezone(UTC)
    except ValueError:
        raise _malformed("it has no time stamp") from None


def _malformed(problem: str) -> MalformedInput:
    return MalformedInput("TIME_STAMP_MALFORMED", f"the time stamp is refused: {problem}", problem=problem)
