"""Signed notes and the keys that verify them: read strictly, written the same, refused when anything is wrong."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from mpc.errors import FoursealError
from tests.mpc.refusals import malformed
from tests.transparency.refusals import not_proven
from tests.transparency.signers import LOG, LOG_KEY, ORIGIN, private_key
from transparency.keys import VerifierKey
from transparency.note import MAX_NOTE_BYTES, Note, NoteSignature

VECTORS: Final = json.loads((Path(__file__).parent / "vectors/signed_note.json").read_text(encoding="utf-8"))
TEXT: Final[str] = VECTORS["text"]
PETER: Final = VerifierKey.from_text(VECTORS["peter"]["verifier_key"])
ENOCH: Final = VerifierKey.from_text(VECTORS["enoch"]["verifier_key"])
PETERS_LINE: Final[str] = VECTORS["peter"]["line"]
ENOCHS_LINE: Final[str] = VECTORS["enoch"]["line"]
ODD_NAMES: Final = ["", "a b", "a+b", "a\tb", "a\nb", "a\u00a0b", "a\u2003b", "a\u3000b", "a\x00b", "a\x1fb", "\ud800"]


def note(*lines: str, text: str = TEXT) -> Note:
    """Read a note."""
    return Note.from_bytes("".join((text, "\n", *lines)).encode())


def signed(text: str, *names: str) -> Note:
    """A note that several keys signed."""
    signatures = [Note.sign(text, name, private_key(name)).signatures[0] for name in names]
    return Note(text, tuple(signatures))


def test_note_of_another_implementation() -> None:
    """The source is in the file. Ed25519 is deterministic: we sign the same."""
    secret = base64.b64decode(VECTORS["peter"]["private_key"])
    key = Ed25519PrivateKey.from_private_bytes(secret[1:])
    assert VerifierKey.of("PeterNeumann", key) == PETER
    made = Note.sign(TEXT, "PeterNeumann", key)
    assert made.to_bytes().decode() == TEXT + "\n" + PETERS_LINE
    assert made.verify([PETER]) == (PETER,)


def test_several_signatures() -> None:
    """Known keys are named, in the note's order; unknown ones are passed over, and kept."""
    read = note(PETERS_LINE, ENOCHS_LINE)
    assert read.verify([ENOCH, PETER]) == (PETER, ENOCH)
    assert read.verify([ENOCH]) == (ENOCH,)
    assert [each.name for each in read.signatures] == ["PeterNeumann", "EnochRoot"]
    assert read.to_bytes().decode() == TEXT + "\n" + PETERS_LINE + ENOCHS_LINE
    assert note(*[PETERS_LINE] * 2, *[ENOCHS_LINE] * 14).verify([PETER]) == (PETER,)


def test_no_known_key() -> None:
    """Without one, the note says nothing."""
    for keys in ([], [LOG_KEY], [ENOCH]):
        with not_proven("NOTE_NOT_SIGNED"):
            note(PETERS_LINE).verify(keys)


def test_name_and_id_together_are_the_key() -> None:
    """Another key under the name, or with the id, is another key: not verified, and not believed."""
    other = private_key("other")
    impostor = Note.sign(TEXT, ORIGIN, other).signatures[0]
    with not_proven("NOTE_NOT_SIGNED"):
        Note(TEXT, (impostor,)).verify([LOG_KEY])
    genuine = Note.sign(TEXT, ORIGIN, LOG).signatures[0]
    renamed = NoteSignature("example.com/other", genuine.key_id, genuine.data)
    with not_proven("NOTE_NOT_SIGNED"):
        Note(TEXT, (renamed,)).verify([LOG_KEY])
    assert Note(TEXT, (impostor, renamed, genuine)).verify([LOG_KEY]) == (LOG_KEY,)


def test_wrong_signature_of_a_known_key() -> None:
    """Refuses the note, whatever else is right about it: of another text, another key, another length."""
    genuine = Note.sign(TEXT, ORIGIN, LOG).signatures[0]
    of_other_text = Note.sign("another\n", ORIGIN, LOG).signatures[0].data
    of_other_key = private_key("other").sign(TEXT.encode())
    for data in (of_other_text, of_other_key, genuine.data[:-1], genuine.data + b"\0", b"\0" * 64):
        wrong = NoteSignature(ORIGIN, LOG_KEY.key_id, data)
        for signatures in ((wrong,), (genuine, wrong), (wrong, genuine)):
            with not_proven("NOTE_SIGNATURE_WRONG"):
                Note(TEXT, signatures).verify([LOG_KEY])


@pytest.mark.parametrize(
    "data",
    [
        TEXT,
        TEXT + "\n",
        TEXT + "\n" + PETERS_LINE[:-1],
        TEXT + PETERS_LINE,
        TEXT + "\n" + PETERS_LINE + "\n",
        TEXT + "\n" + PETERS_LINE + "Unexpected line.\n",
        "\n" + PETERS_LINE,
        "\n\n",
        "",
        "\x01" + TEXT + "\n" + PETERS_LINE,
        "\t" + TEXT + "\n" + PETERS_LINE,
        TEXT.replace("\n", "\r\n") + "\r\n" + PETERS_LINE,
        TEXT + "\n" + PETERS_LINE.replace("\n", "\r\n"),
        TEXT + "\n" + PETERS_LINE.replace("—", "-"),
        TEXT + "\n" + PETERS_LINE.replace("— ", "—"),
        TEXT + "\n" + PETERS_LINE.replace(" x08", "  x08"),
        TEXT + "\n" + PETERS_LINE.replace(" x08", "\u00a0x08"),
        TEXT + "\n" + PETERS_LINE.replace("Peter", "Peter "),
        TEXT + "\n" + PETERS_LINE.replace("Peter", "Peter+"),
        TEXT + "\n" + PETERS_LINE.replace("PeterNeumann", ""),
        TEXT + "\n" + PETERS_LINE.replace("=", ""),
        TEXT + "\n" + PETERS_LINE.replace("M=", "N="),  # bits behind the data
        TEXT + "\n" + PETERS_LINE.replace("M=", "M=="),
        TEXT + "\n" + PETERS_LINE.replace("M=", "M= "),
        TEXT + "\n" + PETERS_LINE.replace("/", "_"),
        TEXT + "\n— PeterNeumann\n",
        TEXT + "\n— PeterNeumann \n",
        TEXT + "\n— PeterNeumann x08g\n",
        TEXT + "\n— PeterNeumann x08gow==\n",
    ],
)
def test_what_is_no_note(data: str) -> None:
    """One form of each note, and no other."""
    with malformed("NOTE_MALFORMED"):
        Note.from_bytes(data.encode())


@pytest.mark.parametrize("data", [b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xef\xbb\xbf\xff"])
def test_note_that_is_not_utf_8(data: bytes) -> None:
    """Lone surrogates and long forms of characters among it."""
    with malformed("NOTE_MALFORMED"):
        Note.from_bytes(data + (TEXT + "\n" + PETERS_LINE).encode())


@pytest.mark.parametrize(
    "text", ["\n", "\n\n", "a\n\n\n", "a\n\nb\n", "\u2014 a b\n", "a\n\n\u2014 x AAAAAAA=\n", "ä\n"]
)
def test_texts_that_look_odd(text: str) -> None:
    """The last empty line ends the text, which may have others, and lines that look like signatures."""
    made = signed(text, "a", "b")
    assert Note.from_bytes(made.to_bytes()) == made
    assert made.text == text


@pytest.mark.parametrize("text", ["", "a", "a\nb", "\r\n", "a\x00\n", "a\x1f\n", "\ud800\n"])
def test_texts_that_no_note_has(text: str) -> None:
    """They are not signed."""
    with malformed("NOTE_MALFORMED"):
        Note.sign(text, ORIGIN, LOG)


def test_longest_note() -> None:
    """What may be written may be read; one byte more may not. Sixteen signatures of any known algorithm fit."""
    room = MAX_NOTE_BYTES - len(Note.sign("\n", ORIGIN, LOG).to_bytes())
    longest = Note.sign("a" * room + "\n", ORIGIN, LOG)
    assert Note.from_bytes(longest.to_bytes()).verify([LOG_KEY]) == (LOG_KEY,)
    with malformed("NOTE_MALFORMED"):
        Note.sign("a" * (room + 1) + "\n", ORIGIN, LOG)
    with malformed("NOTE_MALFORMED"):
        Note.from_bytes(b"a" + longest.to_bytes())
    of_ml_dsa_87 = NoteSignature("witness.example/" + "w" * 200, bytes(4), bytes(8 + 4627))
    many = Note("a\n", (of_ml_dsa_87,) * 16)
    assert Note.from_bytes(many.to_bytes()) == many


def test_every_flipped_bit_is_noticed() -> None:
    """In text, name, id and signature."""
    good = Note.sign(TEXT, ORIGIN, LOG).to_bytes()
    for place in range(8 * len(good)):
        flipped = (int.from_bytes(good) ^ 1 << place).to_bytes(len(good))
        with pytest.raises(FoursealError):
            Note.from_bytes(flipped).verify([LOG_KEY])


@given(st.binary(max_size=200) | st.text(alphabet="a\n \u2014+=AB", max_size=60).map(str.encode))
def test_any_bytes_are_refused_or_written_the_same(data: bytes) -> None:
    """Nothing but our error, and one form of each note."""
    try:
        assert Note.from_bytes(data).to_bytes() == data
    except FoursealError as error:
        assert error.reason == "NOTE_MALFORMED"  # noqa: PT017  # either outcome is right


@given(
    st.text(st.characters(exclude_categories=["Cc", "Cs"])),
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cc", "Cs", "Z"], exclude_characters="+"), min_size=1),
            st.binary(min_size=5, max_size=80),
        ),
        min_size=1,
        max_size=5,
    ),
)
def test_notes_are_read_as_they_were_written(text: str, lines: list[tuple[str, bytes]]) -> None:
    """Any text, any names, any algorithms."""
    made = Note(text + "\n", tuple(NoteSignature(name, data[:4], data[4:]) for name, data in lines))
    assert Note.from_bytes(made.to_bytes()) == made


def test_key_is_read_as_it_was_written() -> None:
    """Also one whose base64 has a plus."""
    names = [f"example.com/{number}" for number in range(50)]
    keys = [VerifierKey.of(name, private_key(name)) for name in names]
    assert any("+" in key.to_text().split("+", 2)[2] for key in keys)
    assert [VerifierKey.from_text(key.to_text()) for key in keys] == keys


def test_every_part_of_a_key_is_checked() -> None:
    """No part of the text form is one, and no character can be another."""
    text: str = VECTORS["peter"]["verifier_key"]
    for begin in range(len(text)):
        for end in range(begin, len(text) + (begin > 0)):
            with malformed("LOG_KEY_MALFORMED"):
                VerifierKey.from_text(text[begin:end])
    for place, character in enumerate(text):
        for other in (chr(ord(character) + 1), chr(ord(character) ^ 32), "\ud800"):
            with malformed("LOG_KEY_MALFORMED"):
                VerifierKey.from_text(text[:place] + other + text[place + 1 :])
    for wrong in VECTORS["wrong_verifier_keys"]:
        with malformed("LOG_KEY_MALFORMED"):
            VerifierKey.from_text(wrong)


@pytest.mark.parametrize("name", [*ODD_NAMES, "a" * 256])
def test_names_that_no_key_has(name: str) -> None:
    """Neither as a key nor in a signature."""
    with malformed("LOG_KEY_MALFORMED"):
        VerifierKey(name, bytes(32))
    with malformed("LOG_KEY_MALFORMED"):
        Note.sign(TEXT, name, LOG)
    with malformed("NOTE_MALFORMED"):
        NoteSignature(name, bytes(4), bytes(64))


@pytest.mark.parametrize(("key_id", "data"), [(b"", b"a"), (bytes(3), b"a"), (bytes(5), b"a"), (bytes(4), b"")])
def test_signatures_that_are_none(key_id: bytes, data: bytes) -> None:
    """An id has four bytes, a signature at least one."""
    with malformed("NOTE_MALFORMED"):
        NoteSignature("name", key_id, data)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_public_keys_of_another_length(length: int) -> None:
    """Ed25519 has 32 bytes."""
    with malformed("LOG_KEY_MALFORMED"):
        VerifierKey("name", bytes(length))


def test_note_without_signatures() -> None:
    """Is none."""
    with malformed("NOTE_MALFORMED"):
        Note(TEXT, ())
