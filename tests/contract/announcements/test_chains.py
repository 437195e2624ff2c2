"""Keys that were changed more than once within a window: a chain of changes excuses all before it, link by link."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.announcements.announcement import MAX_EARLIER_CHANGES, SignedAnnouncement
from contract.announcements.judgement import Candidate
from contract.announcements.key_change import ChangeByOldKey, KeyChangeProof
from contract.announcements.window import Window, WindowLimits, are_in_conflict
from contract.signer_keys import sign_alone
from tests.contract.announcements.examples import ALICE, CLAIM, IMPOSTOR, announce, change, checked, key_of, logged
from tests.contract.disclosure import LOG_KEY
from tests.contract.refusals import unverified
from tests.contract.world import NOW
from tests.mpc.refusals import malformed

MINUTE = timedelta(minutes=1)
KEYS = [ALICE, *(Ed25519PrivateKey.from_private_bytes(bytes([50 + number]) * 32) for number in range(5))]
"""Of Alice's, each in the place of the one before."""
CHANGES = [ChangeByOldKey.sign(change(old, new), old) for old, new in pairwise(KEYS)]


def third(*earlier: KeyChangeProof, last: KeyChangeProof = CHANGES[2], time: datetime = NOW) -> SignedAnnouncement:
    """The third key after the first, by these changes."""
    return announce(KEYS[3], time, CLAIM, last, earlier)


def test_two_renewals_within_minutes() -> None:
    """Whoever has heard of the first key alone hears of the third, and holds nothing against it; nor does the judge."""
    window = Window(WindowLimits())
    assert window.observe(checked(KEYS[0]), "laptop", NOW) is None
    later = NOW + MINUTE
    announced = checked(KEYS[2], later, CLAIM, CHANGES[1], (CHANGES[0],))
    assert window.observe(announced, "laptop", later) is None
    assert window.observe(checked(KEYS[1], later, CLAIM, CHANGES[0]), "laptop", later) is None  # it was on its way
    first = checked(KEYS[0]).announcement
    assert not are_in_conflict(first, announced.announcement)
    assert not are_in_conflict(announced.announcement, first)
    assert are_in_conflict(first, replace(announced.announcement, earlier_changes=()))
    assert Candidate.of(announced.announcement).earlier_keys == {key_of(KEYS[0]), key_of(KEYS[1])}


def test_old_keys_of_a_chain_do_not_come_back() -> None:
    """Each is excused for two minutes after it was changed, as after one change."""
    window, later = Window(WindowLimits()), NOW + 3 * MINUTE
    window.observe(checked(KEYS[2], NOW, CLAIM, CHANGES[1], (CHANGES[0],)), "laptop", NOW)
    for old in KEYS[:2]:
        conflict = window.observe(checked(old, later), "intruder", later)
        assert conflict is not None
        assert key_of(KEYS[2]) in {each.key for each in conflict.others}
        assert are_in_conflict(
            checked(KEYS[2], NOW, CLAIM, CHANGES[1], (CHANGES[0],)).announcement, checked(old, later).announcement
        )


def test_a_chain_is_proven_link_by_link() -> None:
    """By old keys or by the log; as long as it may be, and no longer."""
    decided = logged(CHANGES[1].change)
    signed = SignedAnnouncement.from_der(third(CHANGES[0], decided).to_der())
    assert signed.check(NOW, LOG_KEY).announcement.changes == (CHANGES[0], decided, CHANGES[2])
    assert signed.announcement.need_log
    with unverified("KEY_CHANGE_UNPROVEN"):
        signed.check(NOW, None)
    assert not third(CHANGES[0], CHANGES[1]).announcement.need_log
    longest = announce(KEYS[4], NOW, CLAIM, CHANGES[3], tuple(CHANGES[:MAX_EARLIER_CHANGES]))
    assert len(SignedAnnouncement.from_der(longest.to_der()).check(NOW, LOG_KEY).announcement.changes) == 4
    with malformed("ANNOUNCEMENT_MALFORMED"):
        announce(KEYS[5], NOW, CLAIM, CHANGES[4], tuple(CHANGES[:4]))


@pytest.mark.parametrize(
    "earlier",
    [
        (CHANGES[0],),
        (CHANGES[1], CHANGES[0]),
        (CHANGES[1], CHANGES[1]),
        (CHANGES[0], CHANGES[1], CHANGES[2]),
        (ChangeByOldKey.sign(replace(CHANGES[1].change, user="mallory"), KEYS[1]),),
        (ChangeByOldKey.sign(replace(CHANGES[1].change, time=NOW + MINUTE), KEYS[1]),),
        (ChangeByOldKey.sign(change(KEYS[3], KEYS[1]), KEYS[3]), CHANGES[1]),
        (ChangeByOldKey.sign(change(ALICE, IMPOSTOR), ALICE), CHANGES[1]),
    ],
    ids=["link missing", "order", "twice", "too many", "user", "later than the next", "round", "to a third key"],
)
def test_what_is_no_chain(earlier: tuple[KeyChangeProof, ...]) -> None:
    """It is refused before anything is checked."""
    with malformed("ANNOUNCEMENT_MALFORMED"):
        third(*earlier)


def test_a_chain_leads_to_the_key() -> None:
    """Without the last change it leads nowhere."""
    with malformed("ANNOUNCEMENT_MALFORMED"):
        announce(KEYS[2], earlier_changes=(CHANGES[0],))


def test_a_link_that_another_key_signed() -> None:
    """An impostor who has the last keys alone does not lead from the first: at the begin, or within the chain."""
    by_impostor = [replace(each, signature=sign_alone(IMPOSTOR, each.change.to_der())) for each in CHANGES[:2]]
    for forged in ((by_impostor[0], CHANGES[1]), (CHANGES[0], by_impostor[1])):
        signed = SignedAnnouncement.from_der(third(*forged).to_der())
        with unverified("KEY_CHANGE_UNPROVEN"):
            signed.check(NOW, LOG_KEY)


def test_a_stolen_old_key_leads_past_nobody() -> None:
    """From the first key straight to the impostor's, or by one of its own: the genuine one is held against it."""
    own = ChangeByOldKey.sign(change(ALICE, KEYS[4]), ALICE)
    to_impostor = ChangeByOldKey.sign(change(KEYS[4], IMPOSTOR), KEYS[4])
    window = Window(WindowLimits())
    window.observe(checked(KEYS[2], NOW, CLAIM, CHANGES[1], (CHANGES[0],)), "laptop", NOW)
    conflict = window.observe(checked(IMPOSTOR, NOW, CLAIM, to_impostor, (own,)), "intruder", NOW)
    assert conflict is not None
    assert {each.key for each in conflict.others} == {key_of(KEYS[2])}
