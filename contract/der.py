"""Strict DER: one encoding of every value, and no other is read.

How every structure is read: refuse what is too long, decode, build the public dataclass (which validates), encode that
again, compare. So there is nothing in accepted bytes that the dataclass does not have, and a signature over a structure
cannot hold for a second encoding of it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final, TypeVar

from cryptography.hazmat import asn1

from mpc.errors import MalformedInput

FINGERPRINT_BYTES: Final = 32
"""Bytes of SHA-256: of a fingerprint, a digest, a commitment."""
VERSION: Final = 1
"""Version of every structure. Another number is refused."""
MAX_COUNT: Final = (1 << 63) - 1
"""Highest number that is counted or measured: what databases hold."""

_FIRST_YEAR: Final = 1970

Structure = TypeVar("Structure")


def write_structure(structure: object) -> bytes:
    """DER of an ASN.1 class. Its values were validated by the dataclass that they come from."""
    return asn1.encode_der(structure)


def read_structure(kind: type[Structure], data: bytes, maximum: int, *, reason: str) -> Structure:
    """Decode; the caller goes on with ``require_canonical``.

    Args:
        kind: the ASN.1 class.
        data: DER.
        maximum: longest that is looked at, bytes.
        reason: of the error.

    Raises:
        MalformedInput: with ``reason``; metadata ``problem``.
    """
    if len(data) > maximum:
        raise MalformedInput(
            reason, f"it has {len(data)} bytes, at most {maximum} are allowed", problem=f"longer than {maximum} bytes"
        )
    try:
        return asn1.decode_der(kind, data)
    except ValueError:
        raise MalformedInput(reason, "it is not DER of this structure", problem="not DER of this structure") from None


def require_version(version: int, *, reason: str) -> None:
    """Raise MalformedInput (``reason``) unless the version is ours."""
    if version != VERSION:
        raise MalformedInput(reason, f"its version is not {VERSION}", problem=f"its version is not {VERSION}")


def require_canonical(given: bytes, rebuilt: bytes, *, reason: str) -> None:
    """Raise MalformedInput (``reason``) unless the bytes are the one encoding of what was read."""
    if given != rebuilt:
        raise MalformedInput(reason, "it is not the canonical encoding", problem="not the canonical encoding")


def require_that(holds: object, problem: str, *, reason: str) -> None:
    """Raise MalformedInput (``reason``, metadata ``problem``) unless ``holds``."""
    if not holds:
        raise MalformedInput(reason, problem, problem=problem)


def require_digest(digest: bytes, what: str, *, reason: str) -> None:
    """Raise MalformedInput (``reason``) unless the digest or fingerprint has 32 bytes."""
    if len(digest) != FINGERPRINT_BYTES:
        problem = f"{what} has not {FINGERPRINT_BYTES} bytes"
        raise MalformedInput(reason, problem, problem=problem)


def require_time(time: datetime, what: str, *, reason: str) -> None:
    """Raise MalformedInput (``reason``) unless the time is aware, UTC, in whole seconds, from 1970 on."""
    if time.utcoffset() != timedelta(0) or time.microsecond or time.year < _FIRST_YEAR:
        problem = f"{what} is no time in UTC, in whole seconds, from {_FIRST_YEAR} on"
        raise MalformedInput(reason, problem, problem=problem)


def require_rising(names: tuple[str, ...], what: str, *, reason: str) -> None:
    """Raise MalformedInput (``reason``) unless the names rise strictly, byte by byte: sorted, none twice."""
    if any(first >= second for first, second in pairwise(names)):
        problem = f"{what} are not sorted by name, or one is there twice"
        raise MalformedInput(reason, problem, problem=problem)


def to_generalized_time(time: datetime) -> asn1.GeneralizedTime:
    """YYYYMMDDHHMMSSZ (RFC 5280 section 4.1.2.5.2), of a time that ``require_time`` let pass."""
    return asn1.GeneralizedTime(time.astimezone(UTC))


def from_generalized_time(time: asn1.GeneralizedTime) -> datetime:
    """Aware, UTC; a fraction of a second is for ``require_time`` to refuse."""
    return time.as_datetime()
