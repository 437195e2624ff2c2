"""Checkpoints: a log's size and root hash, signed by the log: https://c2sp.org/tlog-checkpoint.

Our log's key has the origin as its name, which the specification recommends: so a key says for which log it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from transparency.errors import NotProven, require_that
from transparency.hashing import EMPTY_ROOT, HASH_BYTES
from transparency.keys import VerifierKey
from transparency.nodes import MAX_SIZE
from transparency.note import Note
from transparency.text import read_base64, read_number, write_base64

_CHECKPOINT_REASON: Final = "CHECKPOINT_MALFORMED"
_LINES: Final = 3  # origin, size, root


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log.

    Args:
        origin: which log; one line, not empty. Ours have one that is the name of a key, such as ``example.com/log``.
        size: leaves, 0 to 2^63 - 1.
        root: root hash of so many leaves, 32 bytes.
        extensions: further lines, opaque, none empty. No verifier looks at them.

    Raises:
        MalformedInput: CHECKPOINT_MALFORMED.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lines = (self.origin, *self.extensions)
        require_that(all(lines), "a line is empty", reason=_CHECKPOINT_REASON)
        require_that(not any("\n" in line for line in lines), "a line has a newline", reason=_CHECKPOINT_REASON)
        require_that(0 <= self.size <= MAX_SIZE, "its size is out of range", reason=_CHECKPOINT_REASON)
        fits = len(self.root) == HASH_BYTES
        require_that(fits, f"its root hash has not {HASH_BYTES} bytes", reason=_CHECKPOINT_REASON)
        empty = self.size > 0 or self.root == EMPTY_ROOT
        require_that(empty, "the empty tree has another root hash", reason=_CHECKPOINT_REASON)

    def to_text(self) -> str:
        """The text of the note: a line for each value."""
        lines = (self.origin, str(self.size), write_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read ``to_text``. Raises as the constructor does."""
        lines = text.removesuffix("\n").split("\n")
        complete = text.endswith("\n") and len(lines) >= _LINES
        require_that(complete, f"it has not {_LINES} lines", reason=_CHECKPOINT_REASON)
        size = read_number(lines[1], "its size", reason=_CHECKPOINT_REASON)
        root = read_base64(lines[2], "its root hash", reason=_CHECKPOINT_REASON)
        return cls(lines[0], size, root, tuple(lines[_LINES:]))

    def sign(self, private_key: Ed25519PrivateKey) -> Note:
        """Sign as the log of this origin.

        Danger: a log must never sign two checkpoints that are not consistent. Sign only what is durable.

        Args:
            private_key: of the log, for checkpoints alone.

        Raises:
            MalformedInput: LOG_KEY_MALFORMED: the origin is no name of a key; NOTE_MALFORMED: there is a control
                character in a line.
        """
        return Note.sign(self.to_text(), self.origin, private_key)


def verify_checkpoint(note: Note, key: VerifierKey) -> Checkpoint:
    """The checkpoint of a note, if the log signed it.

    Args:
        note: from anywhere.
        key: of the log; its name is the origin that is expected.

    Raises:
        MalformedInput: CHECKPOINT_MALFORMED: what the log signed is no checkpoint.
        NotProven: NOTE_NOT_SIGNED, NOTE_SIGNATURE_WRONG; CHECKPOINT_OF_OTHER_LOG: it is signed, and of another origin.
    """
    note.verify((key,))
    checkpoint = Checkpoint.from_text(note.text)
    if checkpoint.origin != key.name:
        raise NotProven(
            "CHECKPOINT_OF_OTHER_LOG",
            f"the checkpoint is of the log {checkpoint.origin}, not of {key.name}",
            origin=checkpoint.origin,
            expected=key.name,
        )
    return checkpoint
