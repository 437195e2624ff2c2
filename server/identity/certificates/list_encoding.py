"""DER of a list of revoked certificates, from entries that were encoded before (RFC 5280 section 5.1).

A builder of ``cryptography`` takes all entries anew for every list, and holds the interpreter while it signs. Here a
new list costs its new entries, a copy of the others and one hash over all, without the interpreter's lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509

# AlgorithmIdentifier of ecdsa-with-SHA256, without parameters (RFC 5758 section 3.2)
SIGNATURE_ALGORITHM: Final = bytes.fromhex("300a06082a8648ce3d040302")
_SEQUENCE: Final = 0x30
_INTEGER: Final = 0x02
_BIT_STRING: Final = 0x03
_OCTET_STRING: Final = 0x04
_ENUMERATED: Final = 0x0A
_UTC_TIME: Final = 0x17
_GENERALIZED_TIME: Final = 0x18
_EXTENSIONS: Final = 0xA0
_VERSION_2: Final = bytes.fromhex("020101")
_REASON_OID: Final = bytes.fromhex("0603551d15")
_KEY_IDENTIFIER_OID: Final = bytes.fromhex("0603551d23")
_NUMBER_OID: Final = bytes.fromhex("0603551d14")
_FIRST_GENERALIZED_YEAR: Final = 2050
_REASONS: Final = {  # RFC 5280 section 5.3.1
    x509.ReasonFlags.key_compromise: 1,
    x509.ReasonFlags.affiliation_changed: 3,
    x509.ReasonFlags.superseded: 4,
    x509.ReasonFlags.cessation_of_operation: 5,
    x509.ReasonFlags.privilege_withdrawn: 9,
}


def encode_entry(serial_number: int, revoke_time: datetime, reason: x509.ReasonFlags) -> bytes:
    """An entry: which certificate, since when, why. DER.

    Args:
        serial_number: at most 160 bits, above 0.
        revoke_time: aware; rounded up to a second, for entries of the log have times of whole seconds, rounded down:
            what came in that second, before, is not to look as if it came after.
        reason: one of those that are given here.
    """
    code = _tlv(_OCTET_STRING, _tlv(_ENUMERATED, bytes([_REASONS[reason]])))
    extension = _tlv(_SEQUENCE, _REASON_OID + code)
    return _tlv(_SEQUENCE, _integer(serial_number) + _time(round_up(revoke_time)) + _tlv(_SEQUENCE, extension))


def encode_unsigned_list(
    issuer: x509.Name,
    key_identifier: x509.AuthorityKeyIdentifier,
    number: int,
    issue_time: datetime,
    next_update: datetime,
    entries: Iterable[bytes],
) -> bytes:
    """A TBSCertList: what is signed. DER.

    Args:
        issuer: the authority.
        key_identifier: of its key.
        number: of the list.
        issue_time: aware; fractions of a second are cut off.
        next_update: as ``issue_time``.
        entries: of ``encode_entry``.
    """
    revoked = b"".join(entries)
    extensions = (
        _tlv(_SEQUENCE, _KEY_IDENTIFIER_OID + _tlv(_OCTET_STRING, key_identifier.public_bytes())),
        _tlv(_SEQUENCE, _NUMBER_OID + _tlv(_OCTET_STRING, _integer(number))),
    )
    return _tlv(
        _SEQUENCE,
        _VERSION_2,
        SIGNATURE_ALGORITHM,
        issuer.public_bytes(),
        _time(issue_time),
        _time(next_update),
        _tlv(_SEQUENCE, revoked) if revoked else b"",  # absent where there are none
        _tlv(_EXTENSIONS, _tlv(_SEQUENCE, *extensions)),
    )


def encode_list(unsigned: bytes, signature: bytes) -> bytes:
    """A CertificateList of a TBSCertList and the signature over it. DER."""
    return _tlv(_SEQUENCE, unsigned, SIGNATURE_ALGORITHM, _tlv(_BIT_STRING, b"\0", signature))


def round_up(time: datetime) -> datetime:
    """A time in whole seconds, not before the one that is given."""
    return time.replace(microsecond=0) + timedelta(seconds=1 if time.microsecond else 0)


def _tlv(tag: int, *contents: bytes) -> bytes:
    length = sum(map(len, contents))
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    head = bytes([length]) if length < 0x80 else bytes([0x80 | len(octets)]) + octets  # noqa: PLR2004  # short form
    return b"".join((bytes([tag]), head, *contents))


def _integer(value: int) -> bytes:
    return _tlv(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _time(time: datetime) -> bytes:
    there = time.astimezone(UTC)
    if there.year < _FIRST_GENERALIZED_YEAR:
        return _tlv(_UTC_TIME, there.strftime("%y%m%d%H%M%SZ").encode())
    return _tlv(_GENERALIZED_TIME, there.strftime("%Y%m%d%H%M%SZ").encode())
