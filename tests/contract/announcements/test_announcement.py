"""Announcements and key changes: what an honest agent sends is taken, and every trick with them is refused by name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.announcements.announcement import SignedAnnouncement
from contract.announcements.claim import Claim, check_address
from contract.announcements.key_change import ChangeByOldKey, ChangeInLog
from contract.announcements.keys import fingerprint_of, write_signer_key
from contract.certificates import SignerCertificate
from contract.log_entry import EntryKind
from contract.oids import DEFAULT_ARC
from contract.profiles import signer_profile
from contract.signer_keys import SignerPrivateKey, sign_alone
from mpc.four_prime_rsa import Purpose, Role, own_private_key
from tests.contract.announcements.examples import (
    ALICE,
    ALICE_NEW,
    BY_OLD_KEY,
    CLAIM,
    IMPOSTOR,
    IN_LOG,
    SIGNED,
    announce,
    change,
    key_of,
    logged,
)
from tests.contract.disclosure import LOG_KEY
from tests.contract.refusals import unverified
from tests.contract.world import NOW, Issuer
from tests.mpc.parties import signing_share
from tests.mpc.refusals import malformed
from transparency.keys import VerifierKey

MINUTE = timedelta(minutes=1)
KEYS: dict[str, Callable[[], SignerPrivateKey]] = {
    "ed25519": Ed25519PrivateKey.generate,
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "half": lambda: own_private_key(signing_share(Role.CLIENT)),
}


@pytest.mark.parametrize("kind", KEYS)
def test_every_kind_of_key_announces_itself(kind: str) -> None:
    """A half too, which signs as the RSA key that it is."""
    key = KEYS[kind]()
    signed = SignedAnnouncement.from_der(announce(key).to_der())
    checked = signed.check(NOW, LOG_KEY)
    assert checked.announcement.key == key_of(key)
    assert checked.digest == signed.announcement.digest == hashlib.sha256(signed.announcement.to_der()).digest()


def test_nobody_announces_the_key_of_another() -> None:
    """Neither by a signature of its own, nor by a signature that it saw."""
    forged = sign_alone(IMPOSTOR, SIGNED.announcement.to_der())
    with unverified("SIGNATURE_INVALID"):
        replace(SIGNED, signature=forged).check(NOW, LOG_KEY)
    for changed in (
        replace(SIGNED.announcement, claim=replace(CLAIM, destination="carol")),
        replace(SIGNED.announcement, claim=replace(CLAIM, source="192.0.2.8")),
        replace(SIGNED.announcement, claim=replace(CLAIM, user="mallory")),
        replace(SIGNED.announcement, document=b"\x09" * 32),
        replace(SIGNED.announcement, time=NOW + MINUTE),
        replace(SIGNED.announcement, certificate=b"\x09" * 32),
        replace(SIGNED.announcement, public_key=write_signer_key(IMPOSTOR.public_key())),
    ):
        with unverified("SIGNATURE_INVALID"):
            SignedAnnouncement(changed, SIGNED.signature).check(NOW, LOG_KEY)


def test_clocks_may_be_two_minutes_apart_and_the_way_three_long() -> None:
    """To the second, on both sides; whoever keeps an announcement for later has nothing of it."""
    for late in (-2 * MINUTE, timedelta(0), 5 * MINUTE):
        SIGNED.check(NOW + late, LOG_KEY)
    for late in (-2 * MINUTE - timedelta(seconds=1), 5 * MINUTE + timedelta(seconds=1), timedelta(days=1)):
        with unverified("ANNOUNCEMENT_TIME_WRONG"):
            SIGNED.check(NOW + late, LOG_KEY)


def test_the_time_is_looked_at_before_the_signature() -> None:
    """What is refused by its time costs no signature."""
    with unverified("ANNOUNCEMENT_TIME_WRONG"):
        replace(SIGNED, signature=b"\x00").check(NOW + timedelta(days=1), LOG_KEY)


@pytest.mark.parametrize("public_key", [b"\x30\x00", b"no key", key_of(ALICE)])
def test_what_is_no_key_is_refused(public_key: bytes) -> None:
    """Never by another error."""
    signed = SignedAnnouncement(replace(SIGNED.announcement, public_key=public_key), SIGNED.signature)
    with malformed("SIGNER_KEY_UNSUITABLE"):
        signed.check(NOW, LOG_KEY)


def test_a_key_has_one_encoding() -> None:
    """A compressed point is the same key under another name: it would conflict with itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    plain = write_signer_key(key.public_key())
    point = plain[-65:]
    compressed = bytes([2 + point[-1] % 2]) + point[1:33]
    head = plain[2:-68]
    second = bytes([0x30, len(head) + 36]) + head + bytes([0x03, 0x22, 0x00]) + compressed
    assert fingerprint_of(second) != fingerprint_of(plain)
    twin = replace(announce(key).announcement, public_key=second)
    with malformed("SIGNER_KEY_UNSUITABLE"):
        SignedAnnouncement.sign(twin, key).check(NOW, LOG_KEY)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "alice",
        "192.0.2.7:80",
        "192.0.2.07",
        "::ffff:192.0.2.7",
        "2001:DB8::1",
        "2001:db8:0::1",
        "fe80::1%eth0",
        "1",
    ],
)
def test_an_address_has_one_spelling(address: str) -> None:
    """Otherwise one source would be two, and its conflicts none."""
    with malformed("CLAIM_MALFORMED"):
        Claim(address, "alice", "bob")


def test_addresses() -> None:
    """Of both versions."""
    for address in ("192.0.2.7", "2001:db8::1", "fe80::1", "::1", "127.0.0.1"):
        assert check_address(address, reason="CLAIM_MALFORMED") == address


def test_nobody_sends_to_itself() -> None:
    """A claim has two parties."""
    with malformed("CLAIM_MALFORMED"):
        replace(CLAIM, destination="alice")


def test_the_certificate_is_of_this_user_and_this_key() -> None:
    """As it was issued: another user, another key or another purpose does not fit."""
    issuer = Issuer()

    def issued(name: str, key: SignerPrivateKey) -> SignerCertificate:
        profile = signer_profile(name, "Alice", Purpose.SIGN, key.public_key(), DEFAULT_ARC)
        certificate: x509.Certificate = issuer.issue(profile, key.public_key())
        return SignerCertificate(certificate, DEFAULT_ARC)

    good = issued("alice", ALICE)
    announcement = replace(SIGNED.announcement, certificate=good.fingerprint)
    announcement.require_certificate(good)
    for other in (issued("alice", ALICE), issued("mallory", ALICE), issued("alice", IMPOSTOR)):
        with unverified("ANNOUNCEMENT_OF_OTHER_CERTIFICATE"):
            announcement.require_certificate(other)
        if other.name != "alice" or other.public_key != ALICE.public_key():
            with unverified("ANNOUNCEMENT_OF_OTHER_CERTIFICATE"):  # also when it names that certificate
                replace(announcement, certificate=other.fingerprint).require_certificate(other)


@pytest.mark.parametrize("proof", [BY_OLD_KEY, IN_LOG], ids=["old key", "log"])
def test_a_key_change_is_proven(proof: ChangeByOldKey | ChangeInLog) -> None:
    """By the old key, or by the log."""
    signed = SignedAnnouncement.from_der(announce(ALICE_NEW, key_change=proof).to_der())
    checked = signed.check(NOW, LOG_KEY)
    assert checked.announcement.key_change == proof


def test_an_unproven_change_is_no_change() -> None:
    """Not signed by the old key; in another log; in no log."""
    of_other_log = logged(change(ALICE, IMPOSTOR), log=IMPOSTOR)
    altered = replace(logged(change(ALICE, IMPOSTOR)), receipt=IN_LOG.receipt)
    self_signed = replace(
        ChangeByOldKey.sign(change(ALICE, IMPOSTOR), ALICE),
        signature=sign_alone(IMPOSTOR, change(ALICE, IMPOSTOR).to_der()),
    )
    for proof in (of_other_log, altered, self_signed):
        with unverified("KEY_CHANGE_UNPROVEN"):
            announce(IMPOSTOR, key_change=proof).check(NOW, LOG_KEY)
    with unverified("KEY_CHANGE_UNPROVEN"):
        announce(ALICE_NEW, key_change=IN_LOG).check(NOW, VerifierKey.of("other.example/log", IMPOSTOR))


def test_whoever_writes_into_the_log_does_not_decide_changes() -> None:
    """Evidence and permissions are what users bring; only the kind ``guard`` is the server's own word."""
    for kind in set(EntryKind) - {EntryKind.GUARD}:
        with malformed("KEY_CHANGE_MALFORMED"):
            logged(change(ALICE, IMPOSTOR), kind)


def test_a_change_belongs_to_its_announcement() -> None:
    """Another's change, a change to another key or certificate, a change that is still to come: none excuses."""
    of_mallory = ChangeByOldKey.sign(change(ALICE, IMPOSTOR, user="mallory"), ALICE)
    to_other = ChangeByOldKey.sign(change(ALICE, ALICE_NEW), ALICE)
    to_come = ChangeByOldKey.sign(change(ALICE, IMPOSTOR, NOW + 3 * MINUTE), ALICE)
    other_certificate = ChangeByOldKey.sign(replace(change(ALICE, IMPOSTOR), certificate=b"\x01" * 32), ALICE)
    for proof in (of_mallory, to_other, to_come, other_certificate):
        with malformed("ANNOUNCEMENT_MALFORMED"):
            announce(IMPOSTOR, key_change=proof)


def test_a_change_leads_to_another_key_and_is_signed_by_the_old_one() -> None:
    """A key does not change to itself, and the key that signs is the one that is named."""
    with malformed("KEY_CHANGE_MALFORMED"):
        change(ALICE, ALICE)
    with malformed("KEY_CHANGE_MALFORMED"):
        ChangeByOldKey.sign(change(ALICE, ALICE_NEW), IMPOSTOR)


def test_the_alarm_of_a_conflict_has_one_name() -> None:
    """Whoever sees it, in whatever order; and another claim or key another name."""
    alice, impostor = key_of(ALICE), key_of(IMPOSTOR)
    alarm = CLAIM.alarm_id(alice, impostor)
    assert CLAIM.alarm_id(impostor, alice) == alarm
    others = {
        CLAIM.alarm_id(alice, key_of(ALICE_NEW)),
        replace(CLAIM, source="192.0.2.8").alarm_id(alice, impostor),
        replace(CLAIM, user="carol").alarm_id(alice, impostor),
        replace(CLAIM, destination="carol").alarm_id(alice, impostor),
    }
    assert len(others - {alarm}) == 4
    with malformed("ALARM_MALFORMED"):
        CLAIM.alarm_id(alice, alice)
