"""Alice announces to Bob, somebody else announces as Alice, and what is told about it. Keys are fixed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.announcements.announcement import Announcement, CheckedAnnouncement, SignedAnnouncement
from contract.announcements.claim import Claim
from contract.announcements.contents import Block, Check, Content, Decision, EarlyWarning, Feedback, Side, Unblock
from contract.announcements.control import ControlMessage, Issuer, IssuerRole, Kind, SignedControl
from contract.announcements.history import Channel, HistoryFact, Identity
from contract.announcements.judgement import Judgement, Rule
from contract.announcements.key_change import ChangeByOldKey, ChangeInLog, KeyChange, KeyChangeProof
from contract.announcements.keys import fingerprint_of, write_signer_key
from contract.log_entry import EntryKind, LogEntry
from contract.signer_keys import SignerPrivateKey
from tests.contract.disclosure import LOG, LOG_KEY, ORIGIN
from tests.contract.world import NOW, SESSION_ID
from transparency.checkpoint import Checkpoint
from transparency.receipt import Receipt

CLAIM: Final = Claim("192.0.2.7", "alice", "bob")
ALICE, IMPOSTOR, ALICE_NEW, GUARD = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2, 3, 4))
"""Keys: Alice's, of somebody who sends as Alice, Alice's next, the guard's."""


def certificate_of(key: SignerPrivateKey) -> bytes:
    """What stands for the fingerprint of its certificate."""
    return fingerprint_of(key_of(key))


def key_of(key: SignerPrivateKey) -> bytes:
    """Fingerprint of its public key."""
    return fingerprint_of(write_signer_key(key.public_key()))


def announce(
    key: SignerPrivateKey,
    time: datetime = NOW,
    claim: Claim = CLAIM,
    key_change: KeyChangeProof | None = None,
    earlier_changes: tuple[KeyChangeProof, ...] = (),
) -> SignedAnnouncement:
    """By that key, at that time."""
    announcement = Announcement(
        claim=claim,
        certificate=certificate_of(key),
        public_key=write_signer_key(key.public_key()),
        session_id=SESSION_ID,
        document=b"\x05" * 32,
        time=time,
        key_change=key_change,
        earlier_changes=earlier_changes,
    )
    return SignedAnnouncement.sign(announcement, key)


def checked(
    key: SignerPrivateKey,
    time: datetime = NOW,
    claim: Claim = CLAIM,
    key_change: KeyChangeProof | None = None,
    earlier_changes: tuple[KeyChangeProof, ...] = (),
) -> CheckedAnnouncement:
    """The same after it travelled and was checked."""
    announced = announce(key, time, claim, key_change, earlier_changes)
    return SignedAnnouncement.from_der(announced.to_der()).check(time, LOG_KEY)


def change(old: SignerPrivateKey, new: SignerPrivateKey, time: datetime = NOW, user: str = "alice") -> KeyChange:
    """From one key to the other."""
    return KeyChange(user, key_of(old), key_of(new), certificate_of(new), time)


def logged(decided: KeyChange, kind: EntryKind = EntryKind.GUARD, log: Ed25519PrivateKey = LOG) -> ChangeInLog:
    """As the registration authority decided it, in a log that has nothing else."""
    entry = LogEntry(kind, decided.time, b"\x06" * 32, decided.to_der())
    return ChangeInLog(entry, Receipt(0, (), Checkpoint(ORIGIN, 1, entry.leaf_hash).sign(log)).to_bytes())


BY_OLD_KEY: Final = ChangeByOldKey.sign(change(ALICE, ALICE_NEW), ALICE)
IN_LOG: Final = logged(change(ALICE, ALICE_NEW))
SIGNED: Final = announce(ALICE)
FORGED: Final = announce(IMPOSTOR, NOW + timedelta(minutes=1))
CHANGED: Final = announce(ALICE_NEW, key_change=BY_OLD_KEY)
THIRD: Final = Ed25519PrivateKey.from_private_bytes(bytes([5]) * 32)
"""Alice's key after the next one."""
TO_THIRD: Final = ChangeByOldKey.sign(change(ALICE_NEW, THIRD), ALICE_NEW)
CHANGED_TWICE: Final = announce(THIRD, key_change=TO_THIRD, earlier_changes=(BY_OLD_KEY,))
ALARM: Final = CLAIM.alarm_id(key_of(ALICE), key_of(IMPOSTOR))
LAPTOP: Final = Identity(key_of(ALICE), Channel("laptop", b"\x07" * 32, "198.51.100.4"))
INTRUDER: Final = Identity(key_of(IMPOSTOR), Channel("intruder", b"\x08" * 32, "2001:db8::9"))
FACT: Final = HistoryFact(LAPTOP, NOW - timedelta(days=7), NOW, 12)
JUDGEMENT: Final = Judgement(Rule.ONE_HAS_HISTORY, (key_of(ALICE),), (key_of(IMPOSTOR),))
ISSUER: Final = Issuer(IssuerRole.GUARD, "guard-1", certificate_of(GUARD))
CONTENTS: Final[dict[Kind, Content]] = {
    Kind.BLOCK: Block((SIGNED, FORGED)),
    Kind.CHECK: Check(),
    Kind.FEEDBACK: Feedback(Side.RECEIVER, (FACT,)),
    Kind.DECISION: Decision(JUDGEMENT, (INTRUDER,)),
    Kind.UNBLOCK: Unblock((key_of(ALICE),), (key_of(IMPOSTOR),)),
    Kind.WARNING: EarlyWarning((INTRUDER,)),
}


def control(kind: Kind, number: int = 1, time: datetime = NOW, recipient: str = "gateway-b") -> ControlMessage:
    """One of each kind, by whoever may say it."""
    issuer = Issuer(IssuerRole.GATEWAY, "gateway-a", ISSUER.certificate) if kind is Kind.FEEDBACK else ISSUER
    return ControlMessage(issuer, recipient, ALARM, CLAIM, number, time, CONTENTS[kind])


CONTROL: Final = {kind: SignedControl.sign(control(kind), GUARD) for kind in Kind}
