"""Confirmation codes: what the device shows, and somebody types or scans at the terminal.

Eight characters of Crockford's base32 (https://www.crockford.com/base32.html), which has no I, L, O and U, and his
check symbol: the number modulo 37. As 37 is a prime above 32 and no power of 32 up to the seventh is 1 or -1 modulo 37,
it shows every single wrong character and every two that were swapped, wherever they stand. Beyond 31 the check symbol
would be a sign such as "~"; a code with one is not used, so all nine characters are of the one alphabet.

There are 32 * 2^40 / 37 codes, about 2^39.8, all as likely. Three tries find one with a chance below 2^-38.

Whoever types may write small letters, hyphens, spaces, I or L for 1, O for 0, and the wide forms of an East Asian
keyboard. What then is no code was mistyped: it is told at once, and was no try.
"""

from __future__ import annotations

import hmac
import unicodedata
from typing import Final

from mpc.engines.interface import Random
from mpc.errors import FaultDetected, MalformedInput
from mpc.secret import Secret

CODE_CHARACTERS: Final = 9
"""Characters of a code, with its check character."""

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHECK_MODULUS: Final = 37
_RANDOM_BYTES: Final = 5
_BITS: Final = 5
_GROUP: Final = 3
_MOST_DRAWS: Final = 64  # each is a code with 32 chances of 37: all fail once in 2^185
_LONGEST_TYPED: Final = 64
_LOOK_ALIKES: Final = str.maketrans({"I": "1", "L": "1", "O": "0", **dict.fromkeys(" -\t\u2010\u2012\u2013\u2014")})


class ConfirmationCode(Secret):
    """A code. From ``new`` or ``parse``.

    Security: the terminal gets it from the user alone, after the user confirmed at the device.

    Args:
        text: nine characters, as ``to_secret_text`` returns them.

    Raises:
        MalformedInput: CODE_MISTYPED.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if len(text) != CODE_CHARACTERS:
            raise _mistyped(f"it has not {CODE_CHARACTERS} characters")
        if not set(text) <= set(_ALPHABET):
            raise _mistyped("it has a character that no code has")
        *data, check = map(_ALPHABET.index, text)
        value = 0
        for digit in data:
            value = value << _BITS | digit
        if value % _CHECK_MODULUS != check:
            raise _mistyped("its check character does not fit")
        self._text = text

    @classmethod
    def new(cls, random: Random) -> ConfirmationCode:
        """A fresh one, for one transaction.

        Args:
            random: randomness; five bytes are drawn until they make a code.

        Raises:
            FaultDetected: the randomness is none.
        """
        for _ in range(_MOST_DRAWS):
            value = int.from_bytes(random(_RANDOM_BYTES))
            check = value % _CHECK_MODULUS
            if check < len(_ALPHABET):
                digits = [value >> _BITS * place & len(_ALPHABET) - 1 for place in reversed(range(CODE_CHARACTERS - 1))]
                return cls("".join(_ALPHABET[digit] for digit in (*digits, check)))
        raise FaultDetected("randomness")

    @classmethod
    def parse(cls, typed: str) -> ConfirmationCode:
        """Read what somebody typed.

        Raises:
            MalformedInput: CODE_MISTYPED: this is no code at all, and no try.
        """
        if len(typed) > _LONGEST_TYPED:
            raise _mistyped(f"it has not {CODE_CHARACTERS} characters")
        return cls(unicodedata.normalize("NFKC", typed).upper().translate(_LOOK_ALIKES))

    def to_secret_text(self) -> str:
        """The nine characters: for what seals them, at once."""
        return self._text

    def to_secret_groups(self) -> str:
        """In three groups, as the device shows it."""
        return "-".join(self._text[at : at + _GROUP] for at in range(0, CODE_CHARACTERS, _GROUP))

    def is_same_as(self, other: ConfirmationCode) -> bool:
        """Compare, in a time that does not depend on the codes."""
        return hmac.compare_digest(self._text, other._text)


def _mistyped(problem: str) -> MalformedInput:
    return MalformedInput("CODE_MISTYPED", f"this is no confirmation code: {problem}", problem=problem)
