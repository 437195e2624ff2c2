"""What the structures say is checked when they are made: each case spoils one thing of a valid one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from contract.description import ContentDescription
from contract.envelope import EnvelopeHeader, RecipientKey
from contract.key_ciphertext import JointKeyCiphertext, NestedKeyCiphertext
from contract.session_info import Member, SessionInfo
from contract.signatures import JointSignature, SeparateSignature
from contract.signer_keys import SignerAlgorithm
from contract.statement import Answer, Decision, Recipient, Statement
from tests.contract.structures import (
    ANSWER,
    DESCRIPTION,
    HEADER,
    INFO,
    JOINT_KEY,
    MEMBERS,
    NESTED_KEY,
    STATEMENT,
    fields,
    number,
    sequence,
    tlv,
)
from tests.contract.world import NOW, SESSION_ID
from tests.mpc.refusals import malformed

PEOPLE = tuple(f"person{index:02}" for index in range(51))
WRONG_TIMES = [
    NOW.replace(microsecond=1),
    NOW.replace(tzinfo=None),
    NOW.replace(tzinfo=timezone(timedelta(hours=1))),
    datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
]
BOB, CAROL = STATEMENT.recipients

INFOS: list[tuple[str, dict[str, Any]]] = [
    ("SESSION_ID_MALFORMED", {"session_id": "session-x"}),
    *(("SESSION_INFO_MALFORMED", {"revision": value}) for value in (0, -1, 1 << 63)),
    *(("SESSION_INFO_MALFORMED", {"half_bits": value}) for value in (0, 1024, 2049, 8192)),
    ("SUBJECT_MALFORMED", {"subject": "a\u202eb"}),
    ("PLACE_MALFORMED", {"place": "no link"}),
    *(("SESSION_INFO_MALFORMED", {"begin": value}) for value in WRONG_TIMES),
    *(("SESSION_INFO_MALFORMED", {"end": value}) for value in (*WRONG_TIMES, INFO.begin)),
    ("ACCOUNT_NAME_MALFORMED", {"creator": "Alice"}),
    ("SESSION_INFO_MALFORMED", {"members": MEMBERS[::-1]}),
    ("SESSION_INFO_MALFORMED", {"members": (MEMBERS[0], MEMBERS[0])}),
    ("SESSION_INFO_MALFORMED", {"members": (MEMBERS[0], replace(MEMBERS[1], name="alice"))}),
    ("SESSION_INFO_MALFORMED", {"members": (MEMBERS[0], replace(MEMBERS[1], sign_certificate=number(1)))}),
    ("SESSION_INFO_MALFORMED", {"members": (MEMBERS[0], replace(MEMBERS[1], encrypt_certificate=number(1)))}),
    ("SESSION_INFO_MALFORMED", {"invited": ("bob",)}),
    ("SESSION_INFO_MALFORMED", {"invited": ("dora", "carol")}),
    ("SESSION_INFO_MALFORMED", {"invited": ("carol", "carol")}),
    ("ACCOUNT_NAME_MALFORMED", {"invited": ("car\x00ol",)}),
    ("SESSION_INFO_MALFORMED", {"members": MEMBERS[:1], "invited": ()}),
    ("SESSION_INFO_MALFORMED", {"members": (), "invited": PEOPLE}),
]

STATEMENTS: list[tuple[str, dict[str, Any]]] = [
    ("SESSION_ID_MALFORMED", {"session_id": "envelope-" + "a" * 26}),
    ("STATEMENT_MALFORMED", {"session_certificate": b"\x01" * 31}),
    ("ACCOUNT_NAME_MALFORMED", {"author": "alice\n"}),
    ("STATEMENT_MALFORMED", {"author_certificate": b""}),
    *(("STATEMENT_MALFORMED", {"time": value}) for value in WRONG_TIMES),
    *(("STATEMENT_MALFORMED", {"sequence": value}) for value in (0, -1, 1 << 63)),
    ("STATEMENT_MALFORMED", {"recipients": ()}),
    ("STATEMENT_MALFORMED", {"recipients": (CAROL, BOB)}),
    ("STATEMENT_MALFORMED", {"recipients": (BOB, BOB)}),
    ("STATEMENT_MALFORMED", {"recipients": (BOB, replace(BOB, encrypt_certificate=number(9)))}),
    ("STATEMENT_MALFORMED", {"recipients": (BOB, replace(CAROL, encrypt_certificate=number(4)))}),
    ("STATEMENT_MALFORMED", {"recipients": (Recipient("alice", number(2), 1), BOB)}),
    ("STATEMENT_MALFORMED", {"recipients": tuple(Recipient(n, n.encode() * 4, 1) for n in PEOPLE[:50])}),
    ("STATEMENT_MALFORMED", {"description": b"\x01" * 33}),
]

DESCRIPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("DESCRIPTION_MALFORMED", {"nonce": b"\x01" * 31}),
    ("CONTENT_TYPE_MALFORMED", {"content_type": "text"}),
    ("FILE_NAME_MALFORMED", {"name": "../../etc/passwd"}),
    *(("DESCRIPTION_MALFORMED", {"length": value}) for value in (-1, 1 << 63)),
    ("DESCRIPTION_MALFORMED", {"digest": b""}),
    ("DESCRIPTION_MALFORMED", {"in_reply_to": b""}),
]

HEADERS: list[tuple[str, dict[str, Any]]] = [
    ("ENVELOPE_ID_MALFORMED", {"envelope_id": SESSION_ID}),
    ("SESSION_ID_MALFORMED", {"session_id": ""}),
    ("ACCOUNT_NAME_MALFORMED", {"author": ""}),
    ("ENVELOPE_MALFORMED", {"author": "bob"}),
    ("ENVELOPE_MALFORMED", {"session_certificate": b"\x01"}),
    ("ENVELOPE_MALFORMED", {"keys": ()}),
    ("ENVELOPE_MALFORMED", {"keys": HEADER.keys[::-1]}),
    ("ENVELOPE_MALFORMED", {"keys": (HEADER.keys[0], HEADER.keys[0])}),
    ("ENVELOPE_MALFORMED", {"keys": (HEADER.keys[0], RecipientKey("carol", NESTED_KEY))}),
    ("ENVELOPE_MALFORMED", {"keys": tuple(RecipientKey(name, JOINT_KEY) for name in PEOPLE[:50])}),
    ("ACCOUNT_NAME_MALFORMED", {"keys": (RecipientKey("Bob", JOINT_KEY),)}),
]


@pytest.mark.parametrize(
    ("valid", "reason", "changes"),
    [
        (valid, reason, changes)
        for valid, cases in (
            (INFO, INFOS),
            (STATEMENT, STATEMENTS),
            (DESCRIPTION, DESCRIPTIONS),
            (HEADER, HEADERS),
        )
        for reason, changes in cases
    ],
)
def test_refused(
    valid: SessionInfo | Statement | ContentDescription | EnvelopeHeader, reason: str, changes: dict[str, Any]
) -> None:
    """Each breaks one rule."""
    with malformed(reason):
        replace(valid, **changes)


def test_limits_are_allowed() -> None:
    """Fifty people, forty-nine recipients; a creator that left; a session that nobody has joined."""
    assert replace(INFO, members=(), invited=PEOPLE[:50], creator="zoe").invited == PEOPLE[:50]
    recipients = tuple(Recipient(name, name.encode() * 4, 1) for name in PEOPLE[:49])
    statement = replace(STATEMENT, recipients=recipients)
    assert Statement.from_der(statement.to_der()) == statement


@pytest.mark.parametrize("changes", [{"sign_certificate": b""}, {"encrypt_certificate": b"\x01" * 33}])
def test_members_certificate_of_a_wrong_length(changes: dict[str, Any]) -> None:
    """A fingerprint has 32 bytes."""
    with malformed("SESSION_INFO_MALFORMED"):
        replace(MEMBERS[0], **changes)
    with malformed("ACCOUNT_NAME_MALFORMED"):
        Member("", number(1), number(2))


@pytest.mark.parametrize("changes", [{"encrypt_certificate": b""}, {"number": 0}, {"number": 1 << 63}])
def test_recipient_refused(changes: dict[str, Any]) -> None:
    """Numbers count from 1."""
    with malformed("STATEMENT_MALFORMED"):
        replace(BOB, **changes)


@pytest.mark.parametrize(
    "changes",
    [{"author": "dora"}, {"author": "alice", "recipients": (BOB,)}, {"session_id": "session-" + "b" * 26}],
)
def test_answer_by_somebody_it_was_not_for(changes: dict[str, Any]) -> None:
    """Its author must have received what it answers, in this session."""
    with malformed("STATEMENT_MALFORMED"):
        replace(ANSWER, **changes)


def test_answer_to_an_answer() -> None:
    """Refused when it is made, and when it is read: before what is nested any deeper is looked at."""
    with malformed("STATEMENT_MALFORMED"):
        Answer(Decision.REJECT, ANSWER)
    nested = ANSWER.to_der()
    for _ in range(200):
        members = fields(nested)
        nested = sequence([*members[:-1], tlv(0xA0, tlv(0x02, b"\x01") + tlv(0x04, nested))])
        if len(nested) > 128 << 10:
            break
        with malformed("STATEMENT_MALFORMED"):
            Statement.from_der(nested)


def test_unknown_numbers() -> None:
    """Schemes and decisions that do not exist."""
    members = fields(INFO.to_der())
    members[3] = tlv(0x02, b"\x03")
    with malformed("SESSION_INFO_MALFORMED"):
        SessionInfo.from_der(sequence(members))
    members = fields(ANSWER.to_der())
    members[-1] = tlv(0xA0, tlv(0x02, b"\x03") + tlv(0x04, STATEMENT.to_der()))
    with malformed("STATEMENT_MALFORMED"):
        Statement.from_der(sequence(members))


def test_names_are_found() -> None:
    """Or refused."""
    assert INFO.member("bob") is MEMBERS[1]
    assert STATEMENT.recipient("carol") is CAROL
    assert HEADER.key_for("bob") == JOINT_KEY
    with malformed("NOT_A_MEMBER"):
        INFO.member("carol")
    for find in (STATEMENT.recipient, HEADER.key_for):
        with malformed("NOT_A_RECIPIENT"):
            find("alice")
    with malformed("NOT_A_RECIPIENT"):
        HEADER.label("zoe")
    assert HEADER.label("alice") != HEADER.label("bob"), "the author has a key ciphertext too, in evidence"


@pytest.mark.parametrize("length", [0, 1, 256, 511, 513, 2048])
def test_joint_lengths(length: int) -> None:
    """Exactly those of a joint modulus."""
    with malformed("KEY_CIPHERTEXT_MALFORMED"):
        JointKeyCiphertext(bytes(length))
    with malformed("SIGNATURE_MALFORMED"):
        JointSignature(bytes(length))


def test_lengths_of_the_separate_scheme() -> None:
    """Exactly those of a half, and of what is inside."""
    for session, box in ((512 + 1, 96), (0, 96), (256, 95), (256, 97), (256, 0), (256, 1041), (256, 271)):
        with malformed("KEY_CIPHERTEXT_MALFORMED"):
            NestedKeyCiphertext(bytes(session), bytes(box))
    for signer, session in ((0, 256), (1025, 256), (64, 255), (64, 1024)):
        with malformed("SIGNATURE_MALFORMED"):
            SeparateSignature(SignerAlgorithm.ED25519, bytes(signer), bytes(session))
