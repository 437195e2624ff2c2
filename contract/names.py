"""Names, ids and texts that stand in what is signed. Every check returns what it was given, or raises MalformedInput.

Texts that people read (display names, subjects, file names) are in Unicode's normal form C and hold no control,
format, private or unassigned characters and no line breaks. Format characters are those that turn the direction of
writing (bidirectional overrides) or are invisible: with them two texts that differ look the same.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from typing import Final

from mpc.engines.interface import Random
from mpc.errors import MalformedInput

MAX_DISPLAY_NAME: Final = 64
"""Characters of a display name: what X.509 allows a common name (RFC 5280 appendix A, ub-common-name)."""
MAX_SUBJECT: Final = 200
"""Characters of a session's subject."""
MAX_TITLE: Final = 200
"""Characters of a contract's title."""
MAX_PLACE: Final = 2000
"""Characters of a session's place."""
MAX_CONTENT_TYPE: Final = 127
"""Characters of a media type."""
MAX_FILE_NAME_BYTES: Final = 255
"""Bytes of a file name in UTF-8: what file systems allow."""
MAX_WHY_BYTES: Final = 1024
"""Bytes, in UTF-8, of what somebody says who asks for a permission."""

_ACCOUNT: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?", re.ASCII)
_SESSION_ID: Final = re.compile(r"session-[a-z2-7]{26}", re.ASCII)
_ENVELOPE_ID: Final = re.compile(r"envelope-[a-z2-7]{26}", re.ASCII)
_CONTRACT_ID: Final = re.compile(r"contract-[a-z2-7]{26}", re.ASCII)
_URI: Final = re.compile(r"[a-z][a-z0-9+.-]*:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+", re.ASCII)  # RFC 3986
_RESTRICTED: Final = r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}"  # RFC 6838 section 4.2, in lower case
_MEDIA_TYPE: Final = re.compile(
    rf"{_RESTRICTED}/{_RESTRICTED}(?:; {_RESTRICTED}=[A-Za-z0-9!#$&^_.+-]{{1,63}})*", re.ASCII
)
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_RANDOM_BYTES: Final = 16


def new_session_id(random: Random) -> str:
    """A fresh session id: "session-" and 26 characters of lower-case base32."""
    return "session-" + _base32(random)


def new_envelope_id(random: Random) -> str:
    """A fresh envelope id: "envelope-" and 26 characters of lower-case base32."""
    return "envelope-" + _base32(random)


def new_contract_id(random: Random) -> str:
    """A fresh contract id: "contract-" and 26 characters of lower-case base32."""
    return "contract-" + _base32(random)


def check_account_name(name: str) -> str:
    """Raises ACCOUNT_NAME_MALFORMED unless 1 to 63 of [a-z0-9._-] that begin and end with one of [a-z0-9]."""
    if not _ACCOUNT.fullmatch(name):
        raise MalformedInput(
            "ACCOUNT_NAME_MALFORMED",
            "an account's name has 1 to 63 characters of [a-z0-9._-] and begins and ends with one of [a-z0-9]",
        )
    return name


def check_display_name(name: str) -> str:
    """Raises DISPLAY_NAME_MALFORMED unless it is a text of 1 to 64 characters."""
    if problem := text_problem(name, 1, MAX_DISPLAY_NAME):
        raise MalformedInput("DISPLAY_NAME_MALFORMED", f"a display name {problem}", problem=problem)
    return name


def check_session_id(session_id: str) -> str:
    """Raises SESSION_ID_MALFORMED unless it looks like one of ``new_session_id``."""
    if not _SESSION_ID.fullmatch(session_id):
        raise MalformedInput("SESSION_ID_MALFORMED", 'a session id is "session-" and 26 characters of [a-z2-7]')
    return session_id


def check_envelope_id(envelope_id: str) -> str:
    """Raises ENVELOPE_ID_MALFORMED unless it looks like one of ``new_envelope_id``."""
    if not _ENVELOPE_ID.fullmatch(envelope_id):
        raise MalformedInput("ENVELOPE_ID_MALFORMED", 'an envelope id is "envelope-" and 26 characters of [a-z2-7]')
    return envelope_id


def check_contract_id(contract_id: str) -> str:
    """Raises CONTRACT_ID_MALFORMED unless it looks like one of ``new_contract_id``."""
    if not _CONTRACT_ID.fullmatch(contract_id):
        raise MalformedInput("CONTRACT_ID_MALFORMED", 'a contract id is "contract-" and 26 characters of [a-z2-7]')
    return contract_id


def check_title(title: str) -> str:
    """Raises TITLE_MALFORMED unless it is a text of 1 to 200 characters."""
    if problem := text_problem(title, 1, MAX_TITLE):
        raise MalformedInput("TITLE_MALFORMED", f"a contract's title {problem}", problem=problem)
    return title


def check_subject(subject: str) -> str:
    """Raises SUBJECT_MALFORMED unless it is a text of 1 to 200 characters."""
    if problem := text_problem(subject, 1, MAX_SUBJECT):
        raise MalformedInput("SUBJECT_MALFORMED", f"a session's subject {problem}", problem=problem)
    return subject


def check_place(place: str) -> str:
    """Raises PLACE_MALFORMED unless it is empty, or a URI of at most 2000 characters."""
    if place and not (len(place) <= MAX_PLACE and _URI.fullmatch(place)):
        raise MalformedInput(
            "PLACE_MALFORMED", f"a session's place is empty or a URI of at most {MAX_PLACE} characters"
        )
    return place


def check_content_type(content_type: str) -> str:
    """Raises CONTENT_TYPE_MALFORMED unless it is a media type of at most 127 characters.

    One spelling of each: type, subtype and names of parameters in lower case, "; " before a parameter, no quotes.
    """
    if len(content_type) > MAX_CONTENT_TYPE or not _MEDIA_TYPE.fullmatch(content_type):
        raise MalformedInput(
            "CONTENT_TYPE_MALFORMED", f"a content type is a media type in lower case, at most {MAX_CONTENT_TYPE} long"
        )
    return content_type


def check_file_name(name: str) -> str:
    """Raises FILE_NAME_MALFORMED unless it is empty, or a text of at most 255 bytes that is no path."""
    problem = text_problem(name, 0, MAX_FILE_NAME_BYTES)
    if not problem and len(name.encode()) > MAX_FILE_NAME_BYTES:
        problem = f"has at most {MAX_FILE_NAME_BYTES} bytes"
    if not problem and ("/" in name or "\\" in name or name in {".", ".."}):
        problem = "is no path"
    if problem:
        raise MalformedInput("FILE_NAME_MALFORMED", f"a file name {problem}", problem=problem)
    return name


def check_why(why: str) -> str:
    """Raises WHY_MALFORMED unless it is a text of 1 to 1024 bytes."""
    problem = text_problem(why, 1, MAX_WHY_BYTES)
    if not problem and len(why.encode()) > MAX_WHY_BYTES:
        problem = f"has at most {MAX_WHY_BYTES} bytes"
    if problem:
        raise MalformedInput("WHY_MALFORMED", f"the reason of a request {problem}", problem=problem)
    return why


def text_problem(text: str, minimum: int, maximum: int) -> str:
    """Return which rule of texts this one breaks, to be read after "a text"; empty if none.

    Args:
        text: that people will read.
        minimum: fewest characters.
        maximum: most characters.
    """
    if not minimum <= len(text) <= maximum:
        return f"has {minimum} to {maximum} characters"
    if any(unicodedata.category(character) in _HIDDEN for character in text):
        return "has no control, invisible or unassigned characters"
    if not unicodedata.is_normalized("NFC", text):
        return "is in Unicode's normal form C"
    if text != text.strip():
        return "does not begin or end with a space"
    return ""


def _base32(random: Random) -> str:
    return base64.b32encode(random(_RANDOM_BYTES)).decode().rstrip("=").lower()
