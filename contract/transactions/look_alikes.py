"""Look-alikes: what in a name or text may be taken for something else. It is shown with a warning, not refused.

Source: Unicode Technical Standard 39, sections 4 (skeletons) and 5 (mixed scripts, mixed numbers), with its data by the
package ``confusable_homoglyphs``. We depart from it: skeletons fold case, and forms of compatibility warn too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from confusable_homoglyphs.categories import unique_aliases
from confusable_homoglyphs.confusables import confusables_data

from contract.transactions.text import has_unseen

_WORD: Final = re.compile(r"[^\W_]+")
_NEUTRAL: Final = frozenset({"COMMON", "INHERITED"})
# UTS 39, 5.2, highly restrictive: scripts that people write side by side in one word.
_TOGETHER: Final = (
    frozenset({"LATIN", "HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "HAN", "BOPOMOFO"}),
    frozenset({"LATIN", "HAN", "HANGUL"}),
)
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})
_COMPATIBILITY: Final = ("L", "N", "So")


class Caution(StrEnum):
    """What may be taken for something else. The value is what the device shows."""

    MIXED_SCRIPTS = "letters of several scripts in one word"
    LOOKS_LATIN = "letters or digits that look like Latin ones and are others"
    OTHER_FORMS = "unusual forms of letters or digits"
    OTHER_DIGITS = "digits of another script"
    RIGHT_TO_LEFT = "letters that run from right to left"
    UNSEEN = "characters that cannot be seen"
    LOOKS_LIKE_ANOTHER = "looks like another name that you know"


def find_cautions(text: str) -> frozenset[Caution]:
    """What in a text may be taken for something else."""
    words = [(word, unique_aliases(word) - _NEUTRAL) for word in _WORD.findall(text)]
    found = {
        Caution.MIXED_SCRIPTS: any(
            len(scripts) > 1 and not any(scripts <= allowed for allowed in _TOGETHER) for _, scripts in words
        ),
        Caution.LOOKS_LATIN: any(
            scripts and "LATIN" not in scripts and skeleton(word).isascii() for word, scripts in words
        ),
        Caution.OTHER_FORMS: any(
            unicodedata.category(each).startswith(_COMPATIBILITY) and unicodedata.normalize("NFKC", each) != each
            for each in text
        ),
        Caution.OTHER_DIGITS: any(unicodedata.category(each) == "Nd" and not each.isascii() for each in text),
        Caution.RIGHT_TO_LEFT: any(unicodedata.bidirectional(each) in _RIGHT_TO_LEFT for each in text),
        Caution.UNSEEN: has_unseen(text),
    }
    return frozenset(caution for caution, applies in found.items() if applies)


def looks_like_another(account: str, name: str, known: Mapping[str, str]) -> bool:
    """Whether an account that is not known yet could be taken for one that is.

    Args:
        account: its name.
        name: its display name; empty: it has none.
        known: display names of accounts that the user knows, by account; those without one are empty.
    """
    if account in known:
        return False
    accounts = {skeleton(each) for each in known}
    names = {skeleton(each) for each in known.values() if each}
    return skeleton(account) in accounts or (bool(name) and skeleton(name) in names)


def skeleton(text: str) -> str:
    """What texts have in common that look alike: UTS 39 section 4, without regard to case."""
    folded = "".join(map(_prototype, unicodedata.normalize("NFD", text)))
    return unicodedata.normalize("NFD", folded).casefold()


def _prototype(character: str) -> str:
    # The table leads both ways: from a look-alike to its one prototype, and from a prototype to all its look-alikes.
    look_alikes = confusables_data.get(character, ())
    if len(look_alikes) != 1:
        return character
    other: str = look_alikes[0]["c"]
    back = confusables_data.get(other, ())
    return min(character, other) if len(back) == 1 else other
