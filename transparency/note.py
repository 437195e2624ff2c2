"""Signed notes: a text, and signatures of it: https://c2sp.org/signed-note.

Danger: a text means nothing before its signature was verified.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from transparency.errors import NotProven, require_that
from transparency.keys import KEY_ID_BYTES, VerifierKey, check_key_name, is_unicode
from transparency.text import read_base64, read_utf8, write_base64

MAX_NOTE_BYTES: Final = 256 << 10
"""Longest note that is looked at: room for 16 signatures of any kind, which every verifier must take, and more."""

_NOTE_REASON: Final = "NOTE_MALFORMED"
_DASH: Final = "\u2014 "  # em dash
_PARTS: Final = 2


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line, of any key and algorithm.

    Args:
        name: of the key; see ``check_key_name``.
        key_id: 4 bytes.
        data: the signature, at least one byte.

    Raises:
        MalformedInput: NOTE_MALFORMED.
    """

    name: str
    key_id: bytes
    data: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name, reason=_NOTE_REASON)
        fits = len(self.key_id) == KEY_ID_BYTES and self.data
        require_that(fits, "a signature is too short", reason=_NOTE_REASON)

    def to_line(self) -> str:
        """As it stands in the note, without the newline."""
        return f"{_DASH}{self.name} {write_base64(self.key_id + self.data)}"

    @classmethod
    def from_line(cls, line: str) -> Self:
        """Read ``to_line``. Raises as the constructor does."""
        parts = line.removeprefix(_DASH).split(" ")
        require_that(line.startswith(_DASH) and len(parts) == _PARTS, "no line of a signature", reason=_NOTE_REASON)
        data = read_base64(parts[1], "a signature", reason=_NOTE_REASON)
        return cls(parts[0], data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])


@dataclass(frozen=True, slots=True)
class Note:
    """A text with its signatures, of known and unknown keys, verified or not.

    Args:
        text: ends with a newline; has no control characters (below U+0020) but newlines.
        signatures: at least one, in their order.

    Raises:
        MalformedInput: NOTE_MALFORMED.
    """

    text: str
    signatures: tuple[NoteSignature, ...]

    def __post_init__(self) -> None:
        plain = is_unicode(self.text) and not any(each < " " and each != "\n" for each in self.text)
        require_that(plain, "there is a control character in it", reason=_NOTE_REASON)
        require_that(self.text.endswith("\n"), "its text does not end with a newline", reason=_NOTE_REASON)
        require_that(self.signatures, "it has no signature", reason=_NOTE_REASON)
        fits = len(self.to_bytes()) <= MAX_NOTE_BYTES
        require_that(fits, f"longer than {MAX_NOTE_BYTES} bytes", reason=_NOTE_REASON)

    def to_bytes(self) -> bytes:
        """UTF-8: the text, an empty line, a line for each signature."""
        return "".join((self.text, "\n", *(f"{each.to_line()}\n" for each in self.signatures))).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read ``to_bytes``. Raises as the constructor does. No signature is verified."""
        whole = read_utf8(data, MAX_NOTE_BYTES, reason=_NOTE_REASON)
        end = whole.rfind("\n\n") + 1
        require_that(end and whole.endswith("\n"), "it has no signature", reason=_NOTE_REASON)
        lines = whole[end + 1 : -1].split("\n")
        return cls(whole[:end], tuple(NoteSignature.from_line(line) for line in lines))

    @classmethod
    def sign(cls, text: str, name: str, private_key: Ed25519PrivateKey) -> Self:
        """A note with one signature.

        Args:
            text: see the class.
            name: of the key.
            private_key: that signs, for notes alone: nothing but the form of the text says what is signed.

        Raises:
            MalformedInput: NOTE_MALFORMED, LOG_KEY_MALFORMED; nothing was signed.
        """
        key = VerifierKey.of(name, private_key)
        cls(text, (NoteSignature(name, key.key_id, b"unsigned"),))  # refuse a wrong text before it is signed
        return cls(text, (NoteSignature(name, key.key_id, private_key.sign(text.encode())),))

    def verify(self, keys: Collection[VerifierKey]) -> tuple[VerifierKey, ...]:
        """Check every signature of a known key; unknown keys are passed over, also those that share name or id.

        Args:
            keys: that are known and trusted, no two with the same name and id.

        Returns:
            The keys that signed, in the order of their signatures: at least one.

        Raises:
            NotProven: NOTE_SIGNATURE_WRONG: a known key did not make a signature that is said to be its;
                NOTE_NOT_SIGNED: there is none of a known key.
        """
        known = {(key.name, key.key_id): key for key in keys}
        signers: dict[VerifierKey, None] = {}
        for signature in self.signatures:
            key = known.get((signature.name, signature.key_id))
            if key is None:
                continue
            if not key.holds(signature.data, self.text):
                raise NotProven("NOTE_SIGNATURE_WRONG", f"the signature of {key.name} does not hold", name=key.name)
            signers[key] = None
        if not signers:
            names = ", ".join(key.name for key in keys)
            raise NotProven("NOTE_NOT_SIGNED", f"it is not signed by a known key: {names}", names=names)
        return tuple(signers)
