"""What PDF signatures are made of, and what comes of them: apart from what makes them, which is long to import."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mpc.errors import FoursealError
from mpc.four_prime_rsa import SignatureAlgorithm

ALGORITHMS: Final = (SignatureAlgorithm.PSS_SHA256, SignatureAlgorithm.PKCS1_SHA256)
"""That a PDF is signed with: the first by default, the second for readers that do not know PSS."""

Sign = Callable[[bytes], Awaitable[bytes]]
"""Signs a SHA-256 digest, 32 bytes; gives the RSA signature, as long as the modulus."""
Timestamper = Callable[[bytes], Awaitable[bytes]]
"""Has data stamped: gives TimeStampResp over its SHA-256, DER, verified; raises FoursealError if there is none."""


class Level(StrEnum):
    """Of a signature, each with all that the one before has (ETSI EN 319 142-1 section 6)."""

    B_B = "B-B"
    """Signed, with the certificate."""
    B_T = "B-T"
    """And time-stamped."""
    B_LT = "B-LT"
    """And with revocation data for the certificate."""


@dataclass(frozen=True, slots=True)
class SignedPdf:
    """What ``sign_pdf`` made.

    Args:
        file: begins with the bytes of the file that was signed.
        level: that was reached.
        unstamped: why there is no time stamp, where one was asked for; None otherwise.
    """

    file: bytes
    level: Level
    unstamped: FoursealError | None = None


@dataclass(frozen=True, slots=True)
class RevocationData:
    """Of one authority, as it was when the signature was made or later.

    Args:
        certificates: of the chain, DER.
        lists: revocation lists, DER; what ``pdf_signatures`` reads.
        responses: OCSP responses, DER; for other readers.
    """

    certificates: tuple[bytes, ...] = ()
    lists: tuple[bytes, ...] = ()
    responses: tuple[bytes, ...] = ()
