"""Whoever announces a key that is certified: for an account that nobody had to register."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection

from contract.announcements.announcement import Announcement, SignedAnnouncement
from contract.announcements.claim import Claim
from contract.announcements.keys import fingerprint_of, write_signer_key
from contract.certificate_parts import fingerprint
from mpc.four_prime_rsa import Purpose
from server.identity import Authority, IssuedCertificate
from server.identity.store.certificates import add_certificate
from server.root.ground import Ground

_AGE: Final = timedelta(hours=2)  # gateways may have seen the key for almost as long
_LIFETIME: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Announcer:
    """An account with a certified key.

    Args:
        account: its name.
        key: that signs.
        certificate: fingerprint of its certificate.
    """

    account: str
    key: Ed25519PrivateKey
    certificate: bytes

    @property
    def fingerprint(self) -> bytes:
        """Of the key, as announcements name it."""
        return fingerprint_of(write_signer_key(self.key.public_key()))

    def announce(
        self, source: str, destination: str, session_id: str, document: bytes, now: datetime
    ) -> SignedAnnouncement:
        """Announce the key. Arguments as of ``announcement``."""
        announcement = self.announcement(source, destination, session_id, document, now)
        return SignedAnnouncement.sign(announcement, self.key)

    def announcement(
        self, source: str, destination: str, session_id: str, document: bytes, now: datetime
    ) -> Announcement:
        """What is announced.

        Args:
            source: address that is claimed.
            destination: account that hears of it.
            session_id: in which session.
            document: header of the envelope that goes with it, DER.
            now: the time, of which whole seconds count.
        """
        return Announcement(
            claim=Claim(source, self.account, destination),
            certificate=self.certificate,
            public_key=write_signer_key(self.key.public_key()),
            session_id=session_id,
            document=sha256(document).digest(),
            time=now.replace(microsecond=0),
        )


class Certifier:
    """Has keys certified. The server may run meanwhile.

    Args:
        ground: of the server.
    """

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        keys = ground.custody.keys
        self.authority = ground.database.read_now(lambda connection: Authority.load(connection, keys))

    def certify(self, accounts: list[str]) -> list[Announcer]:
        """A new key for each account, which may be there more than once; none supersedes another."""
        made = [self._make(account) for account in accounts]

        def unit(connection: Connection) -> None:
            for _, row in made:
                add_certificate(connection, row)

        self._ground.database.write_now(unit)
        return [announcer for announcer, _ in made]

    def _make(self, account: str) -> tuple[Announcer, IssuedCertificate]:
        key, begin = Ed25519PrivateKey.generate(), self._ground.clock().replace(microsecond=0) - _AGE
        public_key = key.public_key()
        issued = self.authority.issue_signer_certificate(account, account, Purpose.SIGN, public_key, begin, _LIFETIME)
        announcer = Announcer(account, key, fingerprint(issued))
        row = IssuedCertificate(
            fingerprint=announcer.certificate,
            account=account,
            purpose=Purpose.SIGN,
            serial_number=issued.serial_number,
            key_sha256=announcer.fingerprint,
            is_half=False,
            certificate=issued.public_bytes(Encoding.DER),
            create_time=begin,
            expire_time=begin + _LIFETIME,
        )
        return announcer, row
