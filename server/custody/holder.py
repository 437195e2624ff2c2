"""Who has the numbers of the server's halves: this process, opened from sealed rows of the database; or a token.

What custody keeps of a half is sealed either way: its numbers, or the name that the token knows it by. So each belongs
to one key id, purpose, role and modulus, and opens as nothing else (``sealing``).
"""

from __future__ import annotations

from typing import Any, Protocol

from sqlalchemy import Connection

from mpc.engines import Exponentiator
from mpc.four_prime_rsa import (
    DecryptionHalf,
    Half,
    KeyShare,
    PublicShare,
    Purpose,
    SigningHalf,
    load_key_share,
)
from server.custody.database_keys import DatabaseKeys
from server.custody.key_holder import KeyHolder
from server.custody.ready_shares import ReadyShares

ShareEngine = Exponentiator[Any]
"""Takes the keys of the halves that its holder gives."""

OpenedShare = SigningHalf | DecryptionHalf


class Holder(Protocol):
    """Makes halves, and knows them again. Safe to use from several threads at once."""

    @property
    def kind(self) -> str:
        """What its sealed secrets are, so that one holder's are not taken for another's."""

    @property
    def in_token(self) -> bool:
        """Whether what it holds are objects of a token."""

    @property
    def keys(self) -> KeyHolder:
        """Who has the named keys beside the shares."""

    @property
    def engine(self) -> ShareEngine | None:
        """Who exponentiates with its halves; None: any engine that takes numbers."""

    def take(self, key_id: str, purpose: Purpose, half_bits: int) -> OpenedShare:
        """A half for one key, which nobody else has or gets.

        Raises:
            ServiceError: CUSTODY_UNAVAILABLE, CUSTODY_FULL.
        """

    def to_bytes(self, share: Half) -> bytes:
        """What is to be sealed of a half."""

    def from_bytes(self, key_id: str, public: PublicShare, data: bytes) -> OpenedShare:
        """The half again.

        Raises:
            MalformedInput: it does not hold together.
        """

    def kept(self, connection: Connection, share: Half) -> None:
        """A half has its key now: note it in the transaction that makes that.

        Raises:
            ServiceError: CUSTODY_UNAVAILABLE: it is too late, the half is being destroyed.
        """

    def erased(self, connection: Connection, key_id: str) -> None:
        """The key has no half any more: note in that transaction what is left to be destroyed."""

    def sweep(self) -> None:
        """Destroy what is left to be destroyed. What cannot be destroyed now stays noted, for the next time."""

    def check(self) -> None:
        """See that it works.

        Raises:
            ServiceError: CUSTODY_UNAVAILABLE.
            OperatorError: it cannot work as it is set up.
        """

    def works(self, share: OpenedShare) -> bool:
        """Whether a half is there, and is what it is said to be.

        Raises:
            ServiceError: CUSTODY_UNAVAILABLE.
        """

    def describe(self) -> dict[str, str]:
        """What it is, for people: names and values.

        Raises:
            ServiceError: CUSTODY_UNAVAILABLE.
        """

    def objects(self) -> dict[str, str]:
        """What a token has of ours, or of who calls theirs so: names by object id. Nothing without a token.

        Raises:
            ServiceError: CUSTODY_UNAVAILABLE.
        """

    def close(self) -> None:
        """Give up everything that was not kept."""


class DatabaseHolder:
    """Holds halves in this process; what is sealed are their numbers.

    Args:
        ahead: how many fresh ones are kept ready, see ``ReadyShares``.
    """

    kind = "key-share"
    in_token = False
    engine = None

    def __init__(self, ahead: int = 0) -> None:
        self.ready = ReadyShares(ahead)
        self.keys = DatabaseKeys()

    def take(self, key_id: str, purpose: Purpose, half_bits: int) -> OpenedShare:  # noqa: ARG002  # any is good
        """See ``Holder``."""
        return self.ready.take(purpose, half_bits)

    def to_bytes(self, share: Half) -> bytes:
        """See ``Holder``."""
        assert isinstance(share, KeyShare)  # noqa: S101  # it gives no others
        return share.to_secret_bytes()

    def from_bytes(self, key_id: str, public: PublicShare, data: bytes) -> OpenedShare:  # noqa: ARG002  # sealed for it
        """See ``Holder``."""
        return load_key_share(public.role, public.purpose, data)

    def kept(self, connection: Connection, share: Half) -> None:
        """Its row is all there is of it."""

    def erased(self, connection: Connection, key_id: str) -> None:
        """And was."""

    def sweep(self) -> None:
        """Nothing is ever left."""

    def check(self) -> None:
        """It always works."""

    def works(self, share: OpenedShare) -> bool:  # noqa: ARG002  # its numbers held together when it was opened
        """See ``Holder``."""
        return True

    def describe(self) -> dict[str, str]:
        """See ``Holder``."""
        return {"custody": "database"}

    def objects(self) -> dict[str, str]:
        """None."""
        return {}

    def close(self) -> None:
        """See ``Holder``."""
        self.ready.close()
