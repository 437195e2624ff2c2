"""What a desk needs from elsewhere: names, certificates, signatures, and the back end's word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from contract.transactions.binding import BindingCore, CodeVariant, SignedBinding
from contract.transactions.progress import TransactionState
from contract.transactions.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that was verified for one transaction before it is shown.

    Args:
        names: display name of every account in it, by certificates that hold.
        known: display names of other accounts that the user knows, for look-alikes.
        back_end_certificate: SHA-256 of the back end's certificate for encryption, which holds; 32 bytes.
        back_end_key: in it.
        variants: of bindings that the back end takes.
        signer_certificate: SHA-256 of the certificate that the device signs by, 32 bytes.
    """

    names: Mapping[str, str]
    known: Mapping[str, str]
    back_end_certificate: bytes
    back_end_key: object
    variants: frozenset[CodeVariant]
    signer_certificate: bytes


class Office(Protocol):
    """Every method raises FoursealError."""

    @property
    def account(self) -> str:
        """Whose device it is."""

    async def prepare(self, transaction: Transaction) -> Prepared:
        """Verify back end and parties of a transaction.

        Raises:
            TransactionRefused: PARTY_UNVERIFIED.
            VerificationFailed: BACK_END_WRONG.
            PeerMisbehaved: CERTIFICATE_...: a certificate does not hold; the culprit is the server.
            ServiceError: CONTACT_CHANGED.
        """

    async def sign(self, core: BindingCore, sealed_code: bytes) -> SignedBinding:
        """Sign a binding by the key of ``Prepared.signer_certificate``. The signature was checked."""

    async def state(self, transaction_id: str) -> TransactionState | None:
        """How a transaction stands at the back end; None if nobody brought it there."""

    async def refuse(self, transaction_id: str) -> None:
        """Tell the back end that its signer refuses a transaction. One that nobody brought there needs none."""

    async def remember(self, names: Mapping[str, str]) -> None:
        """Know accounts from now on, by display name: their user confirmed a transaction with them."""

    async def check_pin(self, pin: str) -> None:
        """Check the PIN, or the passphrase, of the key store. Raises PASSPHRASE_WRONG, PIN_WRONG, ..."""
