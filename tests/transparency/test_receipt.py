"""Receipts: written, read strictly, and verified offline against a leaf and the log's key."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpc.errors import FoursealError
from tests.mpc.refusals import malformed
from tests.transparency.refusals import not_proven
from tests.transparency.signers import LOG, LOG_KEY, ORIGIN, checkpoint, leaf, private_key, receipt
from tests.transparency.trees import LEAVES, NODES, SMALL
from transparency.checkpoint import Checkpoint
from transparency.frontier import Frontier
from transparency.hashing import hash_children, hash_leaf
from transparency.keys import VerifierKey
from transparency.nodes import MAX_SIZE
from transparency.note import Note
from transparency.receipt import MAX_PROOF, MAX_RECEIPT_BYTES, Receipt

SMALLEST = receipt(2, 3)
TEXT = SMALLEST.to_bytes().decode()
HASH = base64.b64encode(SMALLEST.proof[0]).decode()


def test_text_of_a_receipt() -> None:
    """Snapshot: a change of the format shows here."""
    assert TEXT == (
        "c2sp.org/tlog-proof@v1\n"
        "index 2\n"
        "/F9riP+FVPdbsvnm85wxsZNtRLaSdu33sSBalVuXYeM=\n"
        "\n"
        "example.com/log\n"
        "3\n"
        "1Pksj7uJcg6ztVZ3x9fvrd/rENEaGoSguo8aIzN/qpU=\n"
        "\n"
        "— example.com/log "
        "r2CzYEIb9ZOXnzIAjIu6VC5DeQkMM1fP+EBuTYHMC79u0rBNjNUa9PDkcWqgt40EP/CI3lh3ITEIB2WcZIREH5Dqago=\n"
    )


@pytest.mark.parametrize("size", range(1, SMALL + 1, 3))
def test_receipt_of_every_leaf(size: int) -> None:
    """It is read as it was written, holds for its leaf, and for no other."""
    for index in range(size):
        read = Receipt.from_bytes(receipt(index, size).to_bytes())
        assert read == receipt(index, size)
        assert read.verify(leaf(index), LOG_KEY) == checkpoint(size)
        with not_proven("INCLUSION_NOT_PROVEN"):
            read.verify(leaf((index + 1) % SMALL), LOG_KEY)


def test_every_flipped_bit_is_noticed() -> None:
    """Wherever it is."""
    good = receipt(2, 7)
    data = good.to_bytes()
    for place in range(8 * len(data)):
        flipped = (int.from_bytes(data) ^ 1 << place).to_bytes(len(data))
        with pytest.raises(FoursealError):
            Receipt.from_bytes(flipped).verify(leaf(2), LOG_KEY)


@pytest.mark.parametrize("place", range(0, len(TEXT.encode()), 7))
def test_cut_and_lengthened_receipts(place: int) -> None:
    """Anywhere."""
    data = TEXT.encode()
    for wrong in (data[:place], data[place + 1 :], data[:place] + data[place : place + 1] + data[place:], data + b"\n"):
        if wrong != data:
            with pytest.raises(FoursealError):
                Receipt.from_bytes(wrong).verify(leaf(2), LOG_KEY)


def test_extra_data_prove_nothing() -> None:
    """They are carried, and can be exchanged by anybody."""
    with_extra = replace(SMALLEST, extra=b"what the application likes")
    read = Receipt.from_bytes(with_extra.to_bytes())
    assert read == with_extra
    assert read.verify(leaf(2), LOG_KEY) == replace(read, extra=b"other").verify(leaf(2), LOG_KEY)


def test_receipt_of_another_log() -> None:
    """Another key; another origin; a checkpoint that our log never signed."""
    other = VerifierKey.of(ORIGIN, private_key("other"))
    for key in (other, VerifierKey("example.com/other", LOG_KEY.public_key)):
        with not_proven("NOTE_NOT_SIGNED"):
            SMALLEST.verify(leaf(2), key)
    forged = Frontier().append([hash_leaf(b"forged")]).frontier
    for signer in (LOG, private_key("other")):
        signature = Checkpoint(ORIGIN, 1, forged.root).sign(signer).signatures
        mixed = Receipt(0, (), Note(checkpoint(1).to_text(), signature))
        reason = "NOTE_SIGNATURE_WRONG" if signer is LOG else "NOTE_NOT_SIGNED"
        with not_proven(reason):
            mixed.verify(b"forged", LOG_KEY)


def test_proof_of_another_checkpoint() -> None:
    """Each is genuine; together they prove nothing."""
    for size in (4, 5, SMALL):
        with not_proven("INCLUSION_NOT_PROVEN"):
            replace(SMALLEST, checkpoint=checkpoint(size).sign(LOG)).verify(leaf(2), LOG_KEY)


def test_inner_node_is_no_leaf() -> None:
    """Whoever presents two hashes as a leaf, with a proof for their parent, is refused (second preimage)."""
    parent = hash_children(hash_leaf(LEAVES[0]), hash_leaf(LEAVES[1]))
    assert parent in NODES.values()
    preimage = hash_leaf(LEAVES[0]) + hash_leaf(LEAVES[1])
    for index in range(4):
        for proof in (receipt(0, 4).proof[1:], receipt(0, 4).proof):
            with not_proven("INCLUSION_NOT_PROVEN"):
                Receipt(index, proof, checkpoint(4).sign(LOG)).verify(preimage, LOG_KEY)


def test_witnesses_may_sign_too() -> None:
    """Signatures of unknown keys are kept as they are."""
    note = SMALLEST.checkpoint
    witness = Note.sign(note.text, "witness.example", private_key("witness")).signatures[0]
    more = replace(SMALLEST, checkpoint=Note(note.text, (*note.signatures, witness)))
    assert Receipt.from_bytes(more.to_bytes()) == more
    assert more.verify(leaf(2), LOG_KEY) == checkpoint(3)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("c2sp.org/tlog-proof@v1\n", ""),
        ("tlog-proof@v1", "tlog-proof@v2"),
        ("tlog-proof@v1\n", "tlog-proof@v1\r\n"),
        ("@v1\n", "@v1\n\n"),
        ("index 2\n", ""),
        ("index 2\n", "index 02\n"),
        ("index 2\n", "index +2\n"),
        ("index 2\n", "index  2\n"),
        ("index 2\n", "index 2 \n"),
        ("index 2\n", "index -2\n"),
        ("index 2\n", "index \u0662\n"),
        ("index 2\n", "index\n"),
        ("index 2\n", "Index 2\n"),
        ("index 2\n", f"index {MAX_SIZE + 1}\n"),
        ("index 2\n", "index 2\nindex 2\n"),
        ("index 2\n", "index 2\nextra AAAA\n"),
        ("index 2\n", "extra AAAA\nextra AAAA\nindex 2\n"),
        ("index 2\n", "extra \nindex 2\n"),
        ("index 2\n", "extra\nindex 2\n"),
        ("index 2\n", "extra AAA\nindex 2\n"),
        ("index 2\n", "extra AB==\nindex 2\n"),
        ("index 2\n", "unknown\nindex 2\n"),
        (HASH, HASH[:-1]),
        (HASH, HASH + " "),
        (HASH, "AAAA"),
        (HASH, "\n".join([HASH] * (MAX_PROOF + 1))),
    ],
)
def test_what_is_no_receipt(old: str, new: str) -> None:
    """One form of each, and no other."""
    assert old in TEXT
    with malformed("RECEIPT_MALFORMED"):
        Receipt.from_bytes(TEXT.replace(old, new).encode())


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xff", b"c2sp.org/tlog-proof@v1\nindex 0\n"])
def test_bytes_that_are_no_receipt(data: bytes) -> None:
    """Refused as what they are."""
    with malformed("RECEIPT_MALFORMED"):
        Receipt.from_bytes(data)


def test_receipt_without_a_note() -> None:
    """What is wrong with the note is said of the note."""
    for note in ("", "\n", "text\n"):
        with malformed("NOTE_MALFORMED"):
            Receipt.from_bytes(f"c2sp.org/tlog-proof@v1\nindex 0\n\n{note}".encode())


def test_receipt_of_what_is_no_checkpoint() -> None:
    """The log signed it, but not as a checkpoint."""
    with malformed("CHECKPOINT_MALFORMED"):
        replace(SMALLEST, checkpoint=Note.sign("hello\n", ORIGIN, LOG)).verify(leaf(2), LOG_KEY)


@pytest.mark.parametrize(
    ("index", "proof", "extra"),
    [
        (-1, (), b""),
        (MAX_SIZE + 1, (), b""),
        (0, (bytes(31),), b""),
        (0, (bytes(32), bytes(33)), b""),
        (0, (bytes(32),) * (MAX_PROOF + 1), b""),
        (0, (), bytes(MAX_RECEIPT_BYTES)),
    ],
)
def test_receipts_that_cannot_be_made(index: int, proof: tuple[bytes, ...], extra: bytes) -> None:
    """What exists is valid."""
    with malformed("RECEIPT_MALFORMED"):
        Receipt(index, proof, SMALLEST.checkpoint, extra)


def test_longest_receipt() -> None:
    """Of the largest tree, with as many extra data as fit: what may be written may be read."""
    note = Checkpoint(ORIGIN, MAX_SIZE, bytes(32)).sign(LOG)
    empty = Receipt(MAX_SIZE, (bytes(32),) * MAX_PROOF, note)
    room = MAX_RECEIPT_BYTES - len(empty.to_bytes()) - len("extra \n")
    longest = replace(empty, extra=bytes(room // 4 * 3))
    assert Receipt.from_bytes(longest.to_bytes()) == longest
    with malformed("RECEIPT_MALFORMED"):
        Receipt.from_bytes(longest.to_bytes() + bytes(4))


@given(
    st.integers(0, MAX_SIZE),
    st.lists(st.binary(min_size=32, max_size=32), max_size=MAX_PROOF),
    st.binary(max_size=100),
)
def test_receipts_are_read_as_they_were_written(index: int, proof: list[bytes], extra: bytes) -> None:
    """Whatever they say."""
    made = Receipt(index, tuple(proof), SMALLEST.checkpoint, extra)
    assert Receipt.from_bytes(made.to_bytes()) == made
