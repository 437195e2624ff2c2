"""Control messages: taken from who may say them, by whom they are for, about their alarm, now, and once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from contract.announcements.announcement import SignedAnnouncement
from contract.announcements.contents import Block, Decision, EarlyWarning, Feedback, Side, Unblock
from contract.announcements.control import (
    MAY_ISSUE,
    Issuer,
    IssuerRole,
    Kind,
    LastSeen,
    SignedControl,
    require_fresh,
)
from contract.announcements.history import HistoryFact, Identity
from contract.signer_keys import sign_alone
from tests.contract.announcements.examples import (
    ALICE,
    ALICE_NEW,
    CLAIM,
    CONTENTS,
    CONTROL,
    FACT,
    FORGED,
    GUARD,
    IMPOSTOR,
    INTRUDER,
    JUDGEMENT,
    LAPTOP,
    SIGNED,
    announce,
    control,
    key_of,
)
from tests.contract.disclosure import LOG_KEY
from tests.contract.refusals import unverified
from tests.contract.world import NOW
from tests.mpc.refusals import malformed

KINDS = pytest.mark.parametrize("kind", Kind)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


@KINDS
def test_an_honest_message_is_taken(kind: Kind) -> None:
    """After it travelled."""
    signed = SignedControl.from_der(CONTROL[kind].to_der())
    signed.check(GUARD.public_key())
    assert signed.message.kind is kind
    assert signed.message.content == CONTENTS[kind]
    assert require_fresh(signed.message, "gateway-b", None, NOW)


@KINDS
def test_no_word_of_it_can_be_changed(kind: Kind) -> None:
    """Its alarm, claim, issuer, recipient, number and time are signed with its content."""
    signed = CONTROL[kind]
    changed = [
        replace(signed.message, recipient="gateway-c"),
        replace(signed.message, number=2),
        replace(signed.message, time=NOW + MINUTE),
        replace(signed.message, issuer=replace(signed.message.issuer, name="guard-2")),
        replace(signed.message, issuer=replace(signed.message.issuer, certificate=b"\x01" * 32)),
    ]
    if kind is not Kind.BLOCK:  # whose alarm and claim follow from its announcements
        changed.append(replace(signed.message, alarm=f"alarm-{'0' * 32}"))
        changed.append(replace(signed.message, claim=replace(CLAIM, source="192.0.2.8")))
    for message in changed:
        with unverified("SIGNATURE_INVALID"):
            replace(signed, message=message).check(GUARD.public_key())
    with unverified("SIGNATURE_INVALID"):
        replace(signed, signature=sign_alone(IMPOSTOR, signed.message.to_der())).check(GUARD.public_key())


@pytest.mark.parametrize(("kind", "role"), list(product(Kind, IssuerRole)))
def test_each_role_says_what_it_may(kind: Kind, role: IssuerRole) -> None:
    """A gateway blocks nobody, and a guard has no history."""
    issuer = Issuer(role, "bob", b"\x01" * 32)
    if role in MAY_ISSUE[kind]:
        assert replace(control(kind), issuer=issuer).issuer == issuer
        return
    with malformed("CONTROL_MALFORMED"):
        replace(control(kind), issuer=issuer)


def test_a_receiver_speaks_of_what_it_receives() -> None:
    """Carol cannot have Bob's traffic blocked, nor released."""
    carol = Issuer(IssuerRole.RECEIVER, "carol", b"\x01" * 32)
    for kind in (Kind.BLOCK, Kind.DECISION, Kind.UNBLOCK):
        with malformed("CONTROL_MALFORMED"):
            replace(control(kind), issuer=carol)


def test_a_block_shows_a_conflict() -> None:
    """Two announcements of one claim by two keys, and those of its alarm."""
    of_other_claim = announce(IMPOSTOR, claim=replace(CLAIM, source="192.0.2.8"))
    for other in (of_other_claim, SIGNED, announce(ALICE, NOW + MINUTE)):
        with malformed("CONTROL_MALFORMED"):
            Block((SIGNED, other))
    for block in (
        Block((SIGNED, announce(ALICE_NEW))),
        Block((of_other_claim, announce(ALICE, claim=of_other_claim.announcement.claim))),
    ):
        with malformed("CONTROL_MALFORMED"):
            replace(control(Kind.BLOCK), content=block)
    assert replace(control(Kind.BLOCK), content=Block((FORGED, SIGNED))).alarm == control(Kind.BLOCK).alarm


def test_who_blocks_sees_that_both_keys_have_signed() -> None:
    """Otherwise whoever directs, or got hold of its key, could block anybody by words of nobody."""
    Block((SIGNED, FORGED)).check(LOG_KEY)
    words = announce(IMPOSTOR).announcement
    for forged in (SignedAnnouncement(words, SIGNED.signature), SignedAnnouncement(words, bytes(64))):
        for block in (Block((SIGNED, forged)), Block((forged, SIGNED))):
            with unverified("SIGNATURE_INVALID"):
                block.check(LOG_KEY)


def test_a_message_is_for_its_recipient_alone() -> None:
    """What was said to one gateway is no order to another."""
    with unverified("CONTROL_OF_OTHER_RECIPIENT"):
        require_fresh(control(Kind.UNBLOCK), "gateway-c", None, NOW)


def test_a_message_is_of_now() -> None:
    """To the second, on both sides."""
    for late in (-2 * MINUTE, 5 * MINUTE):
        assert require_fresh(control(Kind.UNBLOCK), "gateway-b", None, NOW + late)
    for late in (-2 * MINUTE - SECOND, 5 * MINUTE + SECOND):
        with unverified("CONTROL_TIME_WRONG"):
            require_fresh(control(Kind.UNBLOCK), "gateway-b", None, NOW + late)


def test_a_message_is_taken_once() -> None:
    """The last one again changes nothing; an earlier one, or another with its number, is a replay."""
    message = control(Kind.UNBLOCK, 7)
    last = LastSeen(7, message.digest)
    assert not require_fresh(message, "gateway-b", last, NOW)
    assert require_fresh(control(Kind.UNBLOCK, 8), "gateway-b", last, NOW)
    for replayed in (control(Kind.UNBLOCK, 6), control(Kind.BLOCK, 7), control(Kind.UNBLOCK, 7, NOW + SECOND)):
        with unverified("CONTROL_REPLAYED"):
            require_fresh(replayed, "gateway-b", last, NOW)


def test_an_unblock_without_a_block_of_its_own_is_no_block() -> None:
    """Kinds do not turn into each other: the kind stands in what is signed."""
    digests = {control(kind).digest for kind in Kind}
    assert len(digests) == len(Kind)


def test_contents_that_contradict_themselves() -> None:
    """Each is refused when it is made, and so when it is read."""
    alice, impostor = key_of(ALICE), key_of(IMPOSTOR)
    with malformed("CONTROL_MALFORMED"):
        Unblock((alice,), (alice,))
    with malformed("CONTROL_MALFORMED"):
        Unblock((), ())
    with malformed("CONTROL_MALFORMED"):
        Unblock((max(alice, impostor), min(alice, impostor)), ())
    with malformed("CONTROL_MALFORMED"):
        Decision(JUDGEMENT, (LAPTOP,))
    with malformed("CONTROL_MALFORMED"):
        EarlyWarning(())
    with malformed("CONTROL_MALFORMED"):
        EarlyWarning((INTRUDER,) * 65)
    with malformed("CONTROL_MALFORMED"):
        Feedback(Side.SENDER, (FACT,) * 65)


def test_a_hundred_channels_hide_no_key() -> None:
    """The earliest fact of every key is told, whatever room the others need."""
    intruders = [
        HistoryFact(Identity(key_of(IMPOSTOR), replace(INTRUDER.channel, agent=f"a{index}")), NOW - MINUTE, NOW, 1)
        for index in range(100)
    ]
    feedback = Feedback.of(Side.SENDER, [*intruders, FACT])
    assert len(feedback.facts) == 64
    assert feedback.facts[0] == FACT
    late = replace(FACT, first_time=NOW)
    assert late in Feedback.of(Side.SENDER, [*intruders, late]).facts
