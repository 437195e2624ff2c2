"""What the demo's attackers try is the best that one half can do, and it is not enough."""

from __future__ import annotations

import secrets
from hashlib import sha256

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from demo.forgery import forgeries
from mpc.engines import Gmpy2Engine
from mpc.four_prime_rsa import (
    EncodedMessage,
    JointPublicKey,
    Purpose,
    Role,
    SignatureAlgorithm,
    SigningShare,
    combine_signature,
    create_partial_signature,
    generate_key_share,
)

GENUINE, FORGED = b"what was agreed", b"what was not"


def _share(role: Role) -> SigningShare:
    share = generate_key_share(role, Purpose.SIGN, 2048)
    assert isinstance(share, SigningShare)
    return share


def _message(key: JointPublicKey, document: bytes) -> EncodedMessage:
    return EncodedMessage(key, SignatureAlgorithm.PSS_SHA256, sha256(document).digest(), secrets.token_bytes(32))


def _sign(message: EncodedMessage, client: SigningShare, server: SigningShare) -> bytes:
    partials = [
        create_partial_signature(share, message, Gmpy2Engine(), secrets.token_bytes) for share in (client, server)
    ]
    return combine_signature(message, *partials)


def _verify(key: JointPublicKey, signature: bytes, document: bytes) -> None:
    key.to_cryptography().verify(signature, document, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


@pytest.mark.parametrize("attacker", list(Role))
def test_one_share_alone_makes_no_signature(attacker: Role) -> None:
    """Neither with an old signature, nor with the bare digest, nor with its own exponent alone."""
    shares = {role: _share(role) for role in Role}
    key = JointPublicKey(shares[Role.CLIENT].public, shares[Role.SERVER].public)
    genuine = _sign(_message(key, GENUINE), shares[Role.CLIENT], shares[Role.SERVER])
    _verify(key, genuine, GENUINE)
    tried = forgeries(_message(key, FORGED), shares[attacker], genuine)
    assert len(tried) == 3
    for forgery in tried:
        with pytest.raises(InvalidSignature):
            _verify(key, forgery.signature, FORGED)


@pytest.mark.parametrize("attacker", list(Role))
def test_the_attempt_is_a_real_one(attacker: Role) -> None:
    """Were the other half of the right message known, the first attempt would succeed."""
    shares = {role: _share(role) for role in Role}
    key = JointPublicKey(shares[Role.CLIENT].public, shares[Role.SERVER].public)
    message = _message(key, FORGED)
    complete = _sign(message, shares[Role.CLIENT], shares[Role.SERVER])
    first = forgeries(message, shares[attacker], complete)[0]
    _verify(key, first.signature, FORGED)


@pytest.mark.parametrize("attacker", list(Role))
def test_stolen_halves_are_really_tried(attacker: Role) -> None:
    """Those of other keys make no signature. Were the other half of this key among them, two attempts would succeed."""
    shares = {role: _share(role) for role in Role}
    key = JointPublicKey(shares[Role.CLIENT].public, shares[Role.SERVER].public)
    genuine = _sign(_message(key, GENUINE), shares[Role.CLIENT], shares[Role.SERVER])
    (other,) = set(Role) - {attacker}
    stolen, message = [_share(Role.CLIENT), _share(Role.CLIENT)], _message(key, FORGED)
    for halves, succeed in ((stolen, 0), ([*stolen, shares[other]], 2)):
        tried = forgeries(message, shares[attacker], genuine, halves)
        assert len(tried) == 3 + len(halves) + 1
        assert sum(_holds(key, each.signature) for each in tried) == succeed


def _holds(key: JointPublicKey, signature: bytes) -> bool:
    try:
        _verify(key, signature, FORGED)
    except InvalidSignature:
        return False
    return True
