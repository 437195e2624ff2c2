"""What shows that two keys conflict, to whoever knows the authority: both announcements, and what certifies the keys.

It says nothing of which is genuine. Whoever has no certificate of the user's name cannot make one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from contract import der
from contract.announcements.announcement import Announcement
from contract.announcements.claim import CLOCK_DIFFERENCE, Claim
from contract.announcements.contents import REASON, Block
from contract.announcements.judgement import Candidate
from contract.certificates import SignerCertificate
from contract.chain import check_chain
from contract.errors import VerificationFailed
from contract.oids import Arc
from transparency.keys import VerifierKey

MAX_PROOF_AGE: Final = timedelta(days=1)
"""How old the announcements may be: they may have waited in a mailbox."""


@dataclass(frozen=True, slots=True)
class ConflictProof:
    """Two keys for one claim. Well-formed; whether it holds says ``check``.

    Args:
        block: both announcements.
        certificates: that they name, in their order.
    """

    block: Block
    certificates: tuple[SignerCertificate, SignerCertificate]

    @classmethod
    def read(cls, block_der: bytes, certificates_der: Sequence[bytes], arc: Arc) -> Self:
        """Read both parts.

        Raises:
            MalformedInput: CONTROL_MALFORMED, CERTIFICATE_MALFORMED, and what ``Block.from_der`` raises.
        """
        block = Block.from_der(block_der)
        der.require_that(len(certificates_der) == len(block.announcements), "not two certificates", reason=REASON)
        one, other = (SignerCertificate.from_der(each, arc) for each in certificates_der)
        return cls(block, (one, other))

    @property
    def announcements(self) -> tuple[Announcement, Announcement]:
        """What both say."""
        one, other = self.block.announcements
        return one.announcement, other.announcement

    @property
    def claim(self) -> Claim:
        """That both make."""
        return self.announcements[0].claim

    @property
    def keys(self) -> tuple[bytes, bytes]:
        """Fingerprints of both keys, rising."""
        one, other = sorted(each.key for each in self.announcements)
        return one, other

    @property
    def first(self) -> datetime:
        """Time of the first announcement."""
        return min(each.time for each in self.announcements)

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """To be judged."""
        return tuple(map(Candidate.of, self.announcements))

    @property
    def issue_times(self) -> dict[bytes, datetime]:
        """From when on each key was certified: nobody has seen it before."""
        pairs = zip(self.announcements, self.certificates, strict=True)
        return {said.key: shown.certificate.not_valid_before_utc for said, shown in pairs}

    def certificates_der(self) -> list[bytes]:
        """What ``read`` takes."""
        return [each.certificate.public_bytes(Encoding.DER) for each in self.certificates]

    def check(self, authority: x509.Certificate, log_key: VerifierKey | None, now: datetime) -> None:
        """Check that it holds.

        (1) both announcements are of the last day;
        (2) each names its certificate, which the authority issued to that user for that key;
        (3) both keys have signed, and a key change is proven. Whether a certificate was revoked is not looked at:
            whoever is in a user's login has another one issued, and that supersedes the user's.

        Args:
            authority: that we know.
            log_key: of the log that shows changes which the registration authority decided; None: not known.
            now: by our clock; aware.

        Raises:
            VerificationFailed: ANNOUNCEMENT_TIME_WRONG (1), ANNOUNCEMENT_OF_OTHER_CERTIFICATE (2), what ``check_chain``
                raises, SIGNATURE_INVALID, KEY_CHANGE_UNPROVEN (3).
            MalformedInput: SIGNER_KEY_UNSUITABLE.
        """
        for said, shown in zip(self.announcements, self.certificates, strict=True):
            if not now - MAX_PROOF_AGE <= said.time <= now + CLOCK_DIFFERENCE:  # (1)
                raise VerificationFailed("ANNOUNCEMENT_TIME_WRONG", "it is of another time: too old, or from later")
            said.require_certificate(shown)  # (2)
            check_chain(shown.certificate, authority, shown.arc.signer_sign, said.time)
        self.block.check(log_key)  # (3)
