"""Receipts: what proves offline that a leaf is in a log: https://c2sp.org/tlog-proof.

A receipt has the leaf's index, its inclusion proof, and the signed checkpoint that the proof leads to. The leaf itself
is not in it: who verifies has that from elsewhere, and hashes it anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from transparency.checkpoint import Checkpoint, verify_checkpoint
from transparency.errors import require_that
from transparency.hashing import HASH_BYTES, hash_leaf
from transparency.keys import VerifierKey
from transparency.nodes import MAX_SIZE
from transparency.note import MAX_NOTE_BYTES, Note
from transparency.text import read_base64, read_number, read_utf8, write_base64
from transparency.verification import verify_inclusion

MAX_RECEIPT_BYTES: Final = 2 * MAX_NOTE_BYTES
"""Longest receipt that is looked at."""
MAX_PROOF: Final = 63
"""Most hashes of an inclusion proof: levels of the largest tree."""

_RECEIPT_REASON: Final = "RECEIPT_MALFORMED"
_HEAD: Final = "c2sp.org/tlog-proof@v1"
_EXTRA: Final = "extra "
_INDEX: Final = "index "


@dataclass(frozen=True, slots=True)
class Receipt:
    """A proof that a leaf is in a log.

    Args:
        index: of the leaf, 0 to 2^63 - 1.
        proof: the inclusion proof, from the leaf's sibling up: at most 63 hashes of 32 bytes.
        checkpoint: signed, of a tree that has the leaf.
        extra: data of the application, which nothing protects: it can be changed by anybody. Empty: there is none.

    Raises:
        MalformedInput: RECEIPT_MALFORMED.
    """

    index: int
    proof: tuple[bytes, ...]
    checkpoint: Note
    extra: bytes = b""

    def __post_init__(self) -> None:
        require_that(0 <= self.index <= MAX_SIZE, "its index is out of range", reason=_RECEIPT_REASON)
        fits = len(self.proof) <= MAX_PROOF and all(len(each) == HASH_BYTES for each in self.proof)
        require_that(fits, f"its proof is not at most {MAX_PROOF} hashes of 32 bytes", reason=_RECEIPT_REASON)
        fits = len(self.to_bytes()) <= MAX_RECEIPT_BYTES
        require_that(fits, f"longer than {MAX_RECEIPT_BYTES} bytes", reason=_RECEIPT_REASON)

    def to_bytes(self) -> bytes:
        """The text of a receipt, to be kept in a file that ends in ``.tlog-proof``."""
        extra = (_EXTRA + write_base64(self.extra),) if self.extra else ()
        lines = (_HEAD, *extra, f"{_INDEX}{self.index}", *map(write_base64, self.proof), "")
        return "".join(f"{line}\n" for line in lines).encode() + self.checkpoint.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read ``to_bytes``. Nothing is verified.

        Raises:
            MalformedInput: RECEIPT_MALFORMED, NOTE_MALFORMED.
        """
        text = read_utf8(data, MAX_RECEIPT_BYTES, reason=_RECEIPT_REASON)
        head, gap, note = text.partition("\n\n")
        first, *lines = head.split("\n")
        require_that(gap and first == _HEAD, f"it does not begin as {_HEAD}", reason=_RECEIPT_REASON)
        extra = b""
        if lines and lines[0].startswith(_EXTRA):
            extra = read_base64(lines.pop(0).removeprefix(_EXTRA), "its extra data", reason=_RECEIPT_REASON)
            require_that(extra, "its extra data are empty", reason=_RECEIPT_REASON)
        require_that(lines and lines[0].startswith(_INDEX), "it has no index", reason=_RECEIPT_REASON)
        index = read_number(lines.pop(0).removeprefix(_INDEX), "its index", reason=_RECEIPT_REASON)
        proof = tuple(read_base64(line, "a hash", reason=_RECEIPT_REASON) for line in lines)
        return cls(index, proof, Note.from_bytes(note.encode()), extra)

    def verify(self, leaf: bytes, key: VerifierKey) -> Checkpoint:
        """Check that the log had the leaf at that index when it signed the checkpoint.

        Args:
            leaf: its data, not its hash.
            key: of the log, known from elsewhere.

        Returns:
            The checkpoint, verified: size and root of the log at that time.

        Raises:
            MalformedInput: CHECKPOINT_MALFORMED.
            NotProven: what ``verify_checkpoint`` and ``verify_inclusion`` raise.
        """
        checkpoint = verify_checkpoint(self.checkpoint, key)
        verify_inclusion(hash_leaf(leaf), self.index, checkpoint.size, self.proof, checkpoint.root)
        return checkpoint
