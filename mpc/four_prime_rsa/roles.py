"""The two parties of a joint key and the two purposes of a share."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """Who holds a share. There are two roles, and a joint operation always needs both."""

    CLIENT = "client"
    SERVER = "server"


class Purpose(StrEnum):
    """What a share does, for its whole life: one of the two, never both.

    Partial decryption is a raw exponentiation of a number that somebody else chose. A share that did that and signed
    as well would sign anything for whoever may ask for decryptions.
    """

    SIGN = "sign"
    DECRYPT = "decrypt"
