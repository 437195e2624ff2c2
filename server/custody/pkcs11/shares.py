"""What this process has of halves that live in a token: their names."""

from __future__ import annotations

from dataclasses import dataclass

from mpc.errors import MalformedInput
from mpc.four_prime_rsa import DecryptionHalf, Half, PublicShare, Purpose, SigningHalf

OBJECT_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A token's key, and what it must be.

    Args:
        key_id: whose it is.
        object_id: its CKA_ID, 16 bytes in hexadecimal.
        public: its public share.
    """

    key_id: str
    object_id: str
    public: PublicShare


class TokenHalf(Half):
    """A half in a token."""

    __slots__ = ("_key", "public")

    def __init__(self, key: TokenKey) -> None:
        self._key = key
        self.public = key.public

    @property
    def key(self) -> TokenKey:
        """For ``TokenEngine``."""
        return self._key

    def _public_summary(self) -> str:
        return f"object={self._key.object_id}"


class TokenSigningHalf(TokenHalf, SigningHalf):
    """One that signs, and does nothing else: the token would refuse."""

    __slots__ = ()


class TokenDecryptionHalf(TokenHalf, DecryptionHalf):
    """One that decrypts, and does nothing else."""

    __slots__ = ()


def token_half(key: TokenKey) -> TokenSigningHalf | TokenDecryptionHalf:
    """The half of its purpose.

    Raises:
        MalformedInput: SHARE_DAMAGED: the object's id is none.
    """
    if len(key.object_id) != 2 * OBJECT_ID_BYTES:
        raise MalformedInput("SHARE_DAMAGED", "this is no name of an object in a token")
    return TokenSigningHalf(key) if key.public.purpose is Purpose.SIGN else TokenDecryptionHalf(key)
