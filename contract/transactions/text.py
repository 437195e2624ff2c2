"""The free text of a transaction: the one thing on the device's display whose words the terminal chooses."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from contract.names import text_problem
from mpc.errors import MalformedInput

MAX_TEXT: Final = 500
"""Characters of a transaction's text."""

_SPACES: Final = frozenset({" ", "\u3000"})
_MAX_MARKS: Final = 4
# Characters that cannot be seen and are not of category Cf: Default_Ignorable_Code_Point in DerivedCoreProperties.txt
# of Unicode 15.1, and the empty pattern of Braille.
_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def check_transaction_text(text: str) -> str:
    """Return it, if people can see all of it.

    Beyond what holds for all texts, it has no characters that cannot be seen, no spaces but U+0020 and U+3000, never
    two of them side by side (they could push words into another line, where they look like the device's own), and at
    most four combining marks in a row.

    Raises:
        MalformedInput: TRANSACTION_TEXT_MALFORMED.
    """
    problem = text_problem(text, 0, MAX_TEXT)
    if not problem and has_unseen(text):
        problem = "has no characters that cannot be seen"
    if not problem and _has_run(text, "Zs", 1):
        problem = "has no two spaces side by side"
    if not problem and any(unicodedata.category(each) == "Zs" and each not in _SPACES for each in text):
        problem = "has no special spaces"
    if not problem and _has_run(text, "M", _MAX_MARKS):
        problem = f"has no more than {_MAX_MARKS} marks on one character"
    if problem:
        raise MalformedInput("TRANSACTION_TEXT_MALFORMED", f"a transaction's text {problem}", problem=problem)
    return text


def has_unseen(text: str) -> bool:
    """Whether there are characters that cannot be seen, beyond those that no text has."""
    return _INVISIBLE.search(text) is not None


def _has_run(text: str, category: str, most: int) -> bool:
    run = 0
    for character in text:
        run = run + 1 if unicodedata.category(character).startswith(category) else 0
        if run > most:
            return True
    return False
