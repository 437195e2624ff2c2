"""Whom a verifier believes, from what it was given: never from the bundle."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509

from contract.bundle.checks import BundleTrust
from contract.certificate_parts import UNREADABLE
from mpc.errors import MalformedInput
from transparency.keys import VerifierKey


def read_trust(authority: bytes | None, log_key: str | None, time_stamps: Sequence[bytes]) -> BundleTrust:
    """Read what stands in files and options.

    Args:
        authority: its certificate, PEM.
        log_key: the log's key, in its text form; spaces around it do not count.
        time_stamps: certificates of authorities for time stamps, each one or several in PEM.

    Raises:
        MalformedInput: CERTIFICATE_MALFORMED, LOG_KEY_MALFORMED.
    """
    found = () if authority is None else _certificates(authority)
    if len(found) > 1:
        raise _malformed("several where there is one authority")
    return BundleTrust(
        authority=found[0] if found else None,
        log_key=None if log_key is None else VerifierKey.from_text(log_key.strip()),
        time_stamps=tuple(each for pem in time_stamps for each in _certificates(pem)),
    )


def _certificates(pem: bytes) -> Sequence[x509.Certificate]:
    try:
        found = x509.load_pem_x509_certificates(pem)
        for each in found:
            _ = each.extensions, each.subject  # which is where an odd one is found out
    except (ValueError, *UNREADABLE):
        raise _malformed("no certificate in PEM") from None
    return found


def _malformed(problem: str) -> MalformedInput:
    return MalformedInput("CERTIFICATE_MALFORMED", f"the certificate is refused: {problem}", problem=problem)
