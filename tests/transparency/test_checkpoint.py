"""Checkpoints: written, signed, read strictly, and believed of one log alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpc.errors import FoursealError
from tests.mpc.refusals import malformed
from tests.transparency.refusals import not_proven
from tests.transparency.signers import LOG, LOG_KEY, ORIGIN, checkpoint, private_key
from transparency.checkpoint import Checkpoint, verify_checkpoint
from transparency.hashing import EMPTY_ROOT, hash_leaf
from transparency.nodes import MAX_SIZE
from transparency.note import Note

VECTORS: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors/signed_note.json").read_text(encoding="utf-8")
)["checkpoint"]
ROOT: Final = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
EMPTY: Final = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="  # base64 of SHA-256 of nothing


def test_checkpoint_of_another_implementation() -> None:
    """The source is in the file."""
    expected = Checkpoint("go.sum database tree", VECTORS["size"], hash_leaf(VECTORS["leaf"].encode()))
    assert Checkpoint.from_text(VECTORS["text"]) == expected
    assert expected.to_text() == VECTORS["text"]
    for wrong in VECTORS["wrong_texts"]:
        with malformed("CHECKPOINT_MALFORMED"):
            Checkpoint.from_text(wrong)


def test_checkpoint_of_the_specification() -> None:
    """The text of the example of tlog-checkpoint."""
    read = Checkpoint.from_text(f"example.com/behind-the-sofa\n20852163\n{ROOT}\n")
    assert (read.origin, read.size, read.extensions) == ("example.com/behind-the-sofa", 20852163, ())
    assert read.root.hex()[:8] == "0ac5186a"


@given(
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1),
    st.integers(1, MAX_SIZE),
    st.binary(min_size=32, max_size=32),
    st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1), max_size=3),
)
def test_checkpoints_are_read_as_they_were_written(origin: str, size: int, root: bytes, extensions: list[str]) -> None:
    """Any origin, any size, further lines."""
    made = Checkpoint(origin, size, root, tuple(extensions))
    assert Checkpoint.from_text(made.to_text()) == made


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"a\n5\n{ROOT}",
        f"a\n{ROOT}\n",
        f"a\n5\n{ROOT}\n\n",
        f"\n5\n{ROOT}\n",
        f"a\n\n{ROOT}\n",
        "a\n5\n\n",
        f"a\n5\n{ROOT}\n\nextension\n",
        f"a\n05\n{ROOT}\n",
        f"a\n+5\n{ROOT}\n",
        f"a\n-5\n{ROOT}\n",
        f"a\n5 \n{ROOT}\n",
        f"a\n5_0\n{ROOT}\n",
        f"a\n0x5\n{ROOT}\n",
        f"a\n\u0665\n{ROOT}\n",
        f"a\n00\n{EMPTY}\n",
        f"a\n0\n{ROOT}\n",
        f"a\n{MAX_SIZE + 1}\n{ROOT}\n",
        f"a\n{'9' * 5000}\n{ROOT}\n",
        f"a\n5\n{ROOT} \n",
        f"a\n5\n{ROOT[:-1]}\n",
        f"a\n5\n{ROOT.replace('2I=', '2J=')}\n",
        f"a\n5\n{ROOT.replace('/', '_')}\n",
        "a\n5\nAAAA\n",
    ],
)
def test_what_is_no_checkpoint(text: str) -> None:
    """One form of each, and no other."""
    with malformed("CHECKPOINT_MALFORMED"):
        Checkpoint.from_text(text)


@pytest.mark.parametrize(
    ("origin", "size", "root", "extensions"),
    [
        ("", 1, bytes(32), ()),
        ("a\nb", 1, bytes(32), ()),
        ("a", -1, bytes(32), ()),
        ("a", MAX_SIZE + 1, bytes(32), ()),
        ("a", 1, bytes(31), ()),
        ("a", 1, bytes(33), ()),
        ("a", 0, bytes(32), ()),
        ("a", 1, bytes(32), ("",)),
        ("a", 1, bytes(32), ("b\nc",)),
    ],
)
def test_checkpoints_that_cannot_be_made(origin: str, size: int, root: bytes, extensions: tuple[str, ...]) -> None:
    """What exists is valid."""
    with malformed("CHECKPOINT_MALFORMED"):
        Checkpoint(origin, size, root, extensions)


@pytest.mark.parametrize("size", [0, 1, 7, 64])
def test_checkpoint_is_verified(size: int) -> None:
    """Also that of the empty log."""
    note = checkpoint(size).sign(LOG)
    assert verify_checkpoint(Note.from_bytes(note.to_bytes()), LOG_KEY) == checkpoint(size)


def test_empty_log() -> None:
    """Has the root hash of nothing."""
    assert checkpoint(0).to_text() == f"{ORIGIN}\n0\n{EMPTY}\n"
    assert checkpoint(0).root == EMPTY_ROOT


@pytest.mark.parametrize("origin", ["two words", "a+b", "a" * 256])
def test_origin_that_is_no_name_of_a_key(origin: str) -> None:
    """It can be read of other logs; ours has none."""
    made = Checkpoint(origin, 1, bytes(32))
    assert Checkpoint.from_text(made.to_text()) == made
    with malformed("LOG_KEY_MALFORMED"):
        made.sign(LOG)


def test_line_that_no_note_has() -> None:
    """Is not signed."""
    with malformed("NOTE_MALFORMED"):
        Checkpoint(ORIGIN, 1, bytes(32), ("a\rb",)).sign(LOG)


def test_checkpoint_of_another_key() -> None:
    """A forged one; one that another log signed; one that our log's key signed for another origin."""
    forged = checkpoint(7).sign(private_key("other"))
    other = Checkpoint("example.com/other", 7, bytes(32)).sign(LOG)
    for note in (forged, other):
        with not_proven("NOTE_NOT_SIGNED"):
            verify_checkpoint(note, LOG_KEY)
    disguised = Note.sign(Checkpoint("example.com/other", 7, bytes(32)).to_text(), ORIGIN, LOG)
    with not_proven("CHECKPOINT_OF_OTHER_LOG"):
        verify_checkpoint(disguised, LOG_KEY)


def test_note_that_is_no_checkpoint() -> None:
    """Though the log signed it."""
    with malformed("CHECKPOINT_MALFORMED"):
        verify_checkpoint(Note.sign("hello\n", ORIGIN, LOG), LOG_KEY)


def test_changed_checkpoint() -> None:
    """Larger, smaller, with another root, with a further line: the signature does not hold."""
    good = checkpoint(7)
    for wrong in (
        checkpoint(8),
        checkpoint(6),
        Checkpoint(ORIGIN, 7, bytes(32)),
        Checkpoint(ORIGIN, 7, good.root, ("x",)),
    ):
        with not_proven("NOTE_SIGNATURE_WRONG"):
            verify_checkpoint(Note(wrong.to_text(), good.sign(LOG).signatures), LOG_KEY)


@given(st.text(alphabet="a0159\n=/+A", max_size=60))
def test_any_text_is_refused_or_written_the_same(text: str) -> None:
    """Nothing but our error, and one form of each checkpoint."""
    try:
        assert Checkpoint.from_text(text).to_text() == text
    except FoursealError as error:
        assert error.reason == "CHECKPOINT_MALFORMED"  # noqa: PT017  # either outcome is right
