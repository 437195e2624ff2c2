"""One partial of either kind, as the two parties exchange it: what is common to signing and decryption."""

from __future__ import annotations

from dataclasses import dataclass

from mpc.engines import Engine
from mpc.four_prime_rsa import (
    Ciphertext,
    DecryptionShare,
    EncodedMessage,
    KeyShare,
    PartialDecryption,
    PartialSignature,
    Role,
    SigningShare,
    create_partial_decryption,
    create_partial_signature,
    parse_partial_decryption,
    parse_partial_signature,
)
from tests.mpc.parties import ENGINE, RANDOM

Subject = EncodedMessage | Ciphertext
"""What a partial is made of."""


@dataclass(frozen=True)
class Exchange:
    """A subject, with the two shares of its key."""

    subject: Subject
    client: KeyShare
    server: KeyShare

    def share(self, role: Role) -> KeyShare:
        """The share of that party."""
        return self.client if role is Role.CLIENT else self.server

    @property
    def number(self) -> int:
        """The number that is exponentiated."""
        return self.subject.representative if isinstance(self.subject, EncodedMessage) else self.subject.value

    @property
    def reason(self) -> str:
        """Why a partial that does not hold is refused."""
        signing = isinstance(self.subject, EncodedMessage)
        return "PARTIAL_SIGNATURE_INVALID" if signing else "PARTIAL_DECRYPTION_INVALID"

    def create(self, role: Role, engine: Engine = ENGINE) -> PartialSignature | PartialDecryption:
        """Make a party's partial."""
        share = self.share(role)
        if isinstance(self.subject, EncodedMessage):
            assert isinstance(share, SigningShare)
            return create_partial_signature(share, self.subject, engine, RANDOM)
        assert isinstance(share, DecryptionShare)
        return create_partial_decryption(share, self.subject, engine, RANDOM)

    def parse(self, role: Role, data: bytes) -> PartialSignature | PartialDecryption:
        """Read a party's partial, as the other party does."""
        if isinstance(self.subject, EncodedMessage):
            return parse_partial_signature(self.subject, role, data)
        return parse_partial_decryption(self.subject, role, data)
