"""A fault in our own arithmetic: it is found, and nothing that it made is released.

Boneh, DeMillo, Lipton, EUROCRYPT 1997: one wrong result, of which one CRT half is right, reveals a prime.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import replace
from math import gcd

import pytest

from mpc.errors import FaultDetected
from mpc.four_prime_rsa import (
    Ciphertext,
    EncodedMessage,
    HashAlgorithm,
    JointPublicKey,
    OaepParameters,
    PartialDecryption,
    PartialSignature,
    Role,
    SignatureAlgorithm,
    combine_decryption,
    combine_signature,
)
from mpc.four_prime_rsa.certification import certify_modulus
from mpc.four_prime_rsa.partials import Partial
from tests.mpc.four_prime_rsa.exchange import Exchange
from tests.mpc.four_prime_rsa.faulty_engine import ALTERED_NUMBERS, ALTERED_RESULTS, FaultyEngine
from tests.mpc.leaks import leaked
from tests.mpc.parties import RANDOM, Decrypters, Signers
from tests.mpc.refusals import fault_detected, malformed

OAEP = OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA256)


@pytest.fixture(params=["signature", "decryption"])
def exchange(request: pytest.FixtureRequest, signers: Signers, decrypters: Decrypters) -> Exchange:
    """A message to sign, or a ciphertext to decrypt."""
    if request.param == "signature":
        return Exchange(signers.message(SignatureAlgorithm.PSS_SHA256), signers.client, signers.server)
    return Exchange(Ciphertext(decrypters.key, b"\x11" * 512), decrypters.client, decrypters.server)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("fault", [*ALTERED_NUMBERS, *ALTERED_RESULTS])
def test_faulty_partial_is_not_released(fault: str, role: Role, exchange: Exchange) -> None:
    """It stands nowhere in the error, its text, metadata and traceback, nor do the share's numbers."""
    engine, share = FaultyEngine(fault), exchange.share(role)
    with pytest.raises(FaultDetected) as caught:
        exchange.create(role, engine)
    error = caught.value
    told = "".join(traceback.format_exception(error)) + repr((error.args, error.metadata))
    (made,) = engine.made
    assert made in (0, share.public.modulus) or (str(made) not in told and f"{made:x}" not in told)
    assert leaked(told, share) == []


@pytest.mark.parametrize(("fault", "revealed"), [("exponent_p", "q"), ("exponent_q", "p")])
def test_what_a_released_fault_would_have_cost(fault: str, revealed: str, exchange: Exchange) -> None:
    """gcd(s^e - m, N_i) is the prime whose half was right: the check is not for tidiness."""
    engine, crt = FaultyEngine(fault), exchange.client.crt
    with fault_detected():
        exchange.create(Role.CLIENT, engine)
    difference = pow(engine.made[0], 65537, crt.modulus) - exchange.number
    assert gcd(difference, crt.modulus) == getattr(crt, revealed)


@pytest.mark.parametrize("fault", [*ALTERED_NUMBERS, *ALTERED_RESULTS])
def test_faulty_certification_is_not_released(fault: str, signers: Signers) -> None:
    """Roots are partials too."""
    with fault_detected():
        certify_modulus(signers.client, b"context", FaultyEngine(fault), RANDOM)


@pytest.mark.parametrize("role", Role)
def test_there_is_no_partial_that_does_not_hold(role: Role, signers: Signers, decrypters: Decrypters) -> None:
    """Nobody gets past ``parse`` and ``create``: the type checks, and a partial of one thing is none of another."""
    message = signers.message(SignatureAlgorithm.PKCS1_SHA256)
    ciphertext = Ciphertext(decrypters.key, b"\x22" * 512)
    for public, number in (
        (signers.share(role).public, message.representative),
        (decrypters.share(role).public, ciphertext.value),
    ):
        for value in (0, 1, 2, -1, public.modulus - 1, public.modulus, number % public.modulus):
            with fault_detected():
                Partial(public, number, value, "partial")
    right = _sign(message, signers, role).partial
    for value in (right.value + right.public.modulus, right.value - right.public.modulus, right.public.modulus):
        with fault_detected():
            replace(right, value=value)
    with malformed("PARTIALS_MISMATCHED"):
        PartialSignature(signers.message(SignatureAlgorithm.PKCS1_SHA256), right)
    with malformed("PARTIALS_MISMATCHED"):
        PartialDecryption(Ciphertext(decrypters.key, b"\x23" * 512), _decrypt(ciphertext, decrypters, role).partial)


def test_fault_in_combining_is_found(signers: Signers, decrypters: Decrypters, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both partials hold, and their combination does not."""
    message = signers.message(SignatureAlgorithm.PSS_SHA384)
    ciphertext = Ciphertext(decrypters.key, b"\x33" * 512)
    client_signature, server_signature = (_sign(message, signers, role) for role in Role)
    client_decryption, server_decryption = (_decrypt(ciphertext, decrypters, role) for role in Role)
    right = JointPublicKey.combine
    wrong: list[Callable[[JointPublicKey, int, int], int]] = [
        lambda *given: right(*given) ^ 1 << 77,
        lambda key, client, server: right(key, server, client),
        lambda key, *given: right(key, *given) + key.modulus,
        lambda key, *given: right(key, *given) + key.client.modulus,
        lambda key, *given: right(key, *given) - key.server.modulus,
        lambda _, client, _server: client,
        lambda _, _client, server: server,
    ]
    for combine in wrong:
        monkeypatch.setattr(JointPublicKey, "combine", combine)
        with fault_detected():
            combine_signature(message, client_signature, server_signature)
        with fault_detected():
            combine_decryption(ciphertext, client_decryption, server_decryption, OAEP)


def _sign(message: EncodedMessage, signers: Signers, role: Role) -> PartialSignature:
    partial = Exchange(message, signers.client, signers.server).create(role)
    assert isinstance(partial, PartialSignature)
    return partial


def _decrypt(ciphertext: Ciphertext, decrypters: Decrypters, role: Role) -> PartialDecryption:
    partial = Exchange(ciphertext, decrypters.client, decrypters.server).create(role)
    assert isinstance(partial, PartialDecryption)
    return partial
