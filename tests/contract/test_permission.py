"""Permissions: the grantee opens the content key, nobody else does, and every word is signed."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from contract.permission import PermissionCore, SignedPermission
from contract.signer_keys import sign_alone
from mpc.errors import FoursealError
from mpc.four_prime_rsa.roles import Role
from tests.contract.evidence import CONTENT_KEY
from tests.contract.refusals import undecrypted, unverified
from tests.contract.structures import PERMISSION, STATEMENT, number
from tests.contract.world import NOW, Issuer, Person, World, person
from tests.mpc.parties import decryption_share
from tests.mpc.refusals import malformed, wrong_purpose


def core(grantor: Person, grantee: Person) -> PermissionCore:
    """For a week."""
    return PermissionCore(
        statement=STATEMENT.digest,
        entry=number(1),
        grantor=grantor.name,
        grantor_certificate=grantor.sign.fingerprint,
        grantee=grantee.name,
        grantee_certificate=grantee.encrypt.fingerprint,
        begin=NOW,
        end=NOW + timedelta(days=7),
    )


def grant(grantor: Person, grantee: Person) -> SignedPermission:
    """Signed."""
    return SignedPermission.grant(core(grantor, grantee), CONTENT_KEY, grantee.encrypt, grantor.sign_key)


@pytest.fixture
def good(separate: World) -> SignedPermission:
    """Of Bob (ECDSA) for Carol (X25519)."""
    return grant(separate.person("bob"), separate.person("carol"))


@pytest.mark.parametrize(("by", "to"), [("alice", "bob"), ("bob", "alice"), ("carol", "alice"), ("carol", "bob")])
def test_the_grantee_opens_the_key(separate: World, by: str, to: str) -> None:
    """RSA, ECDSA and Ed25519 sign; RSA and X25519 open; a half opens as the whole key does."""
    grantor, grantee = separate.person(by), separate.person(to)
    permission = SignedPermission.from_der(grant(grantor, grantee).to_der())
    permission.check(grantor.sign)
    keys = [grantee.decrypt_key, *([grantee.decryption_share] if grantee.decryption_share else [])]
    for key in keys:
        assert permission.open_key(key).to_secret_bytes() == CONTENT_KEY.to_secret_bytes()


def test_nobody_else_opens_it(separate: World, good: SignedPermission) -> None:
    """Nor the grantor, nor another half."""
    for name in ("alice", "bob"):
        with undecrypted():
            good.open_key(separate.person(name).decrypt_key)
    for_alice = grant(separate.person("bob"), separate.person("alice"))
    with undecrypted():
        for_alice.open_key(decryption_share(Role.SERVER))


def test_sealed_key_of_another_permission(separate: World, good: SignedPermission) -> None:
    """It is bound to every word: a longer term does not open."""
    longer = replace(good, core=replace(good.core, end=NOW + timedelta(days=8)))
    with undecrypted():
        longer.open_key(separate.person("carol").decrypt_key)


@pytest.mark.parametrize(
    "change",
    [
        {"statement": number(2)},
        {"entry": number(2)},
        {"grantee": "dora"},
        {"grantee_certificate": number(2)},
        {"begin": NOW - timedelta(days=1)},
        {"end": NOW + timedelta(days=8)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_word_is_not_signed(separate: World, good: SignedPermission, change: dict[str, Any]) -> None:
    """Each field by itself; and the sealed key."""
    with unverified("SIGNATURE_INVALID"):
        replace(good, core=replace(good.core, **change)).check(separate.person("bob").sign)
    with unverified("SIGNATURE_INVALID"):
        replace(good, key_ciphertext=bytes(80)).check(separate.person("bob").sign)


def test_somebody_elses_signature(authority: Issuer, separate: World, good: SignedPermission) -> None:
    """Another account, another certificate of the same account, or one for encryption."""
    bob, carol = separate.person("bob"), separate.person("carol")
    renewed = person(authority, "bob", ec.generate_private_key(ec.SECP256R1()), bob.decrypt_key)
    for other in (carol, renewed):
        with unverified("PERMISSION_OF_OTHER_CERTIFICATE"):
            good.check(other.sign)
    with wrong_purpose():
        good.check(bob.encrypt)
    named = replace(good.core, grantor_certificate=renewed.sign.fingerprint)
    with unverified("SIGNATURE_INVALID"):
        replace(good, core=named).check(renewed.sign)


def test_what_the_key_signs_otherwise_is_no_permission(separate: World, good: SignedPermission) -> None:
    """A statement's signature, here: both begin with a version and a text, and the texts differ."""
    alice = separate.person("alice")
    signature = sign_alone(alice.sign_key, STATEMENT.to_der())
    mine = replace(good, core=core(alice, separate.person("carol")), signature=signature)
    with unverified("SIGNATURE_INVALID"):
        mine.check(alice.sign)


def test_sealing_for_another_certificate(separate: World) -> None:
    """Than the one that the permission names, or for one that signs."""
    alice, bob, carol = separate.people
    with unverified("PERMISSION_OF_OTHER_CERTIFICATE"):
        SignedPermission.grant(core(alice, bob), CONTENT_KEY, carol.encrypt, alice.sign_key)
    with wrong_purpose():
        SignedPermission.grant(core(alice, bob), CONTENT_KEY, bob.sign, alice.sign_key)


@pytest.mark.parametrize(
    ("now", "holds"),
    [
        (NOW - timedelta(seconds=1), False),
        (NOW, True),
        (NOW + timedelta(days=7, seconds=-1), True),
        (NOW + timedelta(days=7), False),
    ],
)
def test_time(now: datetime, holds: bool) -> None:  # noqa: FBT001  # a parameter of a test
    """From the begin on, and before the end."""
    if holds:
        PERMISSION.require_time(now)
    else:
        with unverified("PERMISSION_NOT_VALID"):
            PERMISSION.require_time(now)


def test_values_that_no_permission_has() -> None:
    """Ends before it begins, for oneself, and lengths."""
    cores: list[dict[str, Any]] = [{"end": NOW}, {"grantee": "alice"}, {"statement": b"short"}, {"entry": b""}]
    for wrong in cores:
        with malformed("PERMISSION_MALFORMED"):
            replace(PERMISSION.core, **wrong)
    wholes: list[dict[str, Any]] = [{"key_ciphertext": bytes(79)}, {"key_ciphertext": b""}, {"signature": b""}]
    for wrong in wholes:
        with malformed("PERMISSION_MALFORMED"):
            replace(PERMISSION, **wrong)
    with malformed("ACCOUNT_NAME_MALFORMED"):
        replace(PERMISSION.core, grantee="Dora")


def test_no_flipped_bit_is_a_permission(separate: World, good: SignedPermission) -> None:
    """Refused, or not signed."""
    data, chance = good.to_der(), random.Random(1)  # noqa: S311  # no secret
    for bit in sorted(chance.sample(range(8 * len(data)), 400)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(FoursealError):
            SignedPermission.from_der(bytes(changed)).check(separate.person("bob").sign)
