"""Every structure has one encoding: what is accepted is written back byte by byte, and all else is refused."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from cryptography.hazmat import asn1
from hypothesis import given
from hypothesis import strategies as st

from contract import der
from contract.description import ContentDescription
from contract.envelope import EnvelopeCore, EnvelopeHeader, RecipientKey
from contract.key_ciphertext import KeyCiphertext
from contract.names import check_account_name
from contract.session_info import Member, Scheme, SessionInfo
from contract.statement import Answer, Decision, Recipient, Statement
from mpc.errors import MalformedInput
from tests.contract.structures import EXAMPLES, JOINT_KEY, NESTED_KEY, Example, fields, not_der, sequence, tlv
from tests.contract.world import ENVELOPE_ID, SESSION_ID
from tests.mpc.refusals import malformed

ACCOUNTS = st.from_regex(r"\A[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?\Z").filter(check_account_name)
DIGESTS = st.binary(min_size=32, max_size=32)
COUNTS = st.integers(1, der.MAX_COUNT)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1)).map(  # noqa: DTZ001  # made aware here
    lambda time: time.replace(microsecond=0, tzinfo=UTC)
)


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_round_trip(example: Example) -> None:
    """What was written is read."""
    assert example.read_and_write(example.data) == example.data


@pytest.mark.parametrize(
    ("example", "wrong"),
    [
        pytest.param(example, wrong, id=f"{name}: {what}")
        for name, example in EXAMPLES.items()
        for what, wrong in not_der(example.data)
        if what not in example.also_valid
    ],
)
def test_other_encodings_are_refused(example: Example, wrong: bytes) -> None:
    """Whatever is wrong with them, by MalformedInput and nothing else."""
    with pytest.raises(MalformedInput):
        example.read_and_write(wrong)


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_no_change_of_a_byte_is_read_as_something_else(example: Example) -> None:
    """Either it is refused, or what is read is what stands there."""
    chance = random.Random(1)  # noqa: S311  # no secret
    for _ in range(400):
        changed = bytearray(example.data)
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        try:
            assert example.read_and_write(bytes(changed)) == bytes(changed)
        except MalformedInput:
            continue


@given(st.sampled_from(sorted(EXAMPLES)), st.binary(max_size=80))
def test_garbage_is_refused(name: str, garbage: bytes) -> None:
    """Never by another error."""
    with malformed(EXAMPLES[name].reason):
        EXAMPLES[name].read_and_write(garbage)


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_long_input_is_refused_before_it_is_read(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    """The decoder never sees it."""
    monkeypatch.setattr(asn1, "decode_der", None)
    with malformed(example.reason):
        example.read_and_write(tlv(0x30, bytes(3 << 20)))


def test_what_was_read_is_compared_with_what_was_given() -> None:
    """The decoder refuses what is not DER by itself; this holds whatever it lets pass one day."""
    with malformed("STATEMENT_MALFORMED"):
        der.require_canonical(b"\x30\x81\x00", b"\x30\x00", reason="STATEMENT_MALFORMED")


def test_a_fraction_of_a_second_is_refused() -> None:
    """GeneralizedTime may have one; ours has none."""
    for name, index in (("session info", 7), ("statement", 5)):
        members = fields(EXAMPLES[name].data)
        assert members[index].endswith(b"00Z")
        for text in (b"20260504103100.5Z", b"20260504103100+0000", b"202605041031Z", b"19691231235959Z"):
            members[index] = tlv(0x18, text)
            with malformed(EXAMPLES[name].reason):
                EXAMPLES[name].read_and_write(sequence(members))


@st.composite
def session_infos(draw: st.DrawFn) -> SessionInfo:
    """Any."""
    names = draw(st.lists(ACCOUNTS, min_size=2, max_size=8, unique=True))
    joined = draw(st.integers(0, len(names)))
    digests = draw(st.lists(DIGESTS, min_size=2 * joined, max_size=2 * joined, unique=True))
    begin, end = sorted(draw(st.lists(TIMES, min_size=2, max_size=2, unique=True)))
    return SessionInfo(
        session_id=SESSION_ID,
        revision=draw(COUNTS),
        scheme=draw(st.sampled_from(Scheme)),
        half_bits=draw(st.sampled_from([2048, 3072, 4096])),
        subject="x" + draw(st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=199)),
        place=draw(st.sampled_from(["", "https://meet.example/", "tel:+49-30"])),
        begin=begin,
        end=end,
        creator=draw(ACCOUNTS),
        members=tuple(
            Member(name, *digests[2 * index : 2 * index + 2]) for index, name in enumerate(sorted(names[:joined]))
        ),
        invited=tuple(sorted(names[joined:])),
        all_is_evidence=draw(st.booleans()),
    )


@st.composite
def statements(draw: st.DrawFn, *, author: str | None = None, answer: Answer | None = None) -> Statement:
    """Any."""
    by = draw(ACCOUNTS) if author is None else author
    names = sorted(draw(st.lists(ACCOUNTS.filter(lambda name: name != by), min_size=1, max_size=6, unique=True)))
    digests = draw(st.lists(DIGESTS, min_size=len(names), max_size=len(names), unique=True))
    return Statement(
        session_id=SESSION_ID,
        session_certificate=draw(DIGESTS),
        author=by,
        author_certificate=draw(DIGESTS),
        time=draw(TIMES),
        sequence=draw(COUNTS),
        recipients=tuple(Recipient(*each, draw(COUNTS)) for each in zip(names, digests, strict=True)),
        description=draw(DIGESTS),
        answer=answer,
    )


@given(session_infos())
def test_any_session_info_round_trips(info: SessionInfo) -> None:
    """Equal in every field."""
    assert SessionInfo.from_der(info.to_der()) == info


@given(st.data(), statements(), st.sampled_from(Decision))
def test_any_statement_and_answer_round_trips(data: st.DataObject, statement: Statement, decision: Decision) -> None:
    """Equal in every field, those of the answered statement too."""
    assert Statement.from_der(statement.to_der()) == statement
    author = data.draw(st.sampled_from(statement.recipients)).name
    answer = data.draw(statements(author=author, answer=Answer(decision, statement)))
    assert Statement.from_der(answer.to_der()) == answer


@given(DIGESTS, st.integers(0, der.MAX_COUNT), DIGESTS, st.none() | DIGESTS)
def test_any_description_round_trips(nonce: bytes, length: int, digest: bytes, reply: bytes | None) -> None:
    """Equal in every field."""
    description = ContentDescription(nonce, "image/png", "\u5408\u540c.png", length, digest, reply)
    assert ContentDescription.from_der(description.to_der()) == description


@given(st.lists(ACCOUNTS, min_size=2, max_size=9, unique=True), DIGESTS, st.sampled_from([JOINT_KEY, NESTED_KEY]))
def test_any_header_round_trips(names: list[str], certificate: bytes, ciphertext: KeyCiphertext) -> None:
    """Equal in every field; the core has all but the ciphertexts."""
    author, *recipients = names
    keys = tuple(RecipientKey(name, ciphertext) for name in sorted(recipients))
    header = EnvelopeHeader(ENVELOPE_ID, SESSION_ID, author, certificate, keys)
    assert EnvelopeHeader.from_der(header.to_der()) == header
    assert header.core == EnvelopeCore(ENVELOPE_ID, SESSION_ID, author, certificate, tuple(sorted(recipients)))
