"""A whole run, right and wrong: what it says at every place, and that no secret is in it."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import replace

import pytest

from mpc.errors import FoursealError
from mpc.four_prime_rsa import (
    Ciphertext,
    EncodedMessage,
    HashAlgorithm,
    KeyShare,
    OaepParameters,
    Purpose,
    Role,
    SignatureAlgorithm,
    check_joint_signature,
    combine_decryption,
    combine_signature,
    create_partial_decryption,
    create_partial_signature,
    load_key_share,
    parse_partial_decryption,
    parse_partial_signature,
)
from tests.mpc.four_prime_rsa.faulty_engine import ALTERED_NUMBERS, FaultyEngine
from tests.mpc.four_prime_rsa.generations import Generation, generation
from tests.mpc.leaks import leaked
from tests.mpc.parties import ENGINE, RANDOM, Decrypters, Signers

OAEP = OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA256)
PLAINTEXT = b"The key is under the mat."


def refusals(calls: list[Callable[[], object]]) -> str:
    """Make each call, expect it to be refused, and return all that the errors say."""
    told = []
    for call in calls:
        with pytest.raises(FoursealError) as caught:
            call()
        error = caught.value
        told += [*traceback.format_exception(error), repr(error), str(error.metadata), repr(error.args)]
    return "".join(told)


def assert_silent(text: str, *shares: KeyShare) -> None:
    """Look for every secret number of the shares."""
    assert leaked(text, *shares) == []


def test_generation_tells_no_secret() -> None:
    """What is sent, what both parties hold, what is refused."""
    run = generation()
    opening, client, server = run.open(), run.commitment.share, run.server_share
    other = generation(key_id="key-" + "b" * 26)
    calls: list[Callable[[], object]] = [
        lambda: replace(run, server_roots=other.server_roots).open(),
        lambda: replace(run, server_modulus=bytes(256)).open(),
        lambda: replace(run, terms=other.terms).open(),
        lambda: run.check(replace(opening, nonce=bytes(32))),
        lambda: run.check(replace(opening, roots=other.server_roots)),
        lambda: run.check(other.open()),
    ]
    told = refusals(calls) + repr((run, opening, run.check(opening), client, server))
    assert run.commitment.nonce.hex() not in repr(run)
    assert_silent(told, client, server, other.commitment.share, other.server_share)
    sent = b"".join([run.server_modulus, *run.server_roots, opening.modulus, opening.nonce, *opening.roots])
    assert_silent(sent.hex(), client, server)


def test_signing_tells_no_secret(signers: Signers, other_signers: Signers) -> None:
    """Each way to go wrong, and the right one."""
    message = signers.message(SignatureAlgorithm.PSS_SHA256)
    client = create_partial_signature(signers.client, message, ENGINE, RANDOM)
    server = create_partial_signature(signers.server, message, ENGINE, RANDOM)
    calls: list[Callable[[], object]] = [
        lambda: create_partial_signature(other_signers.client, message, ENGINE, RANDOM),
        *(
            lambda fault=fault: create_partial_signature(signers.client, message, FaultyEngine(fault), RANDOM)
            for fault in ALTERED_NUMBERS
        ),
        lambda: parse_partial_signature(message, Role.CLIENT, server.to_bytes()),
        lambda: parse_partial_signature(message, Role.CLIENT, b""),
        lambda: combine_signature(message, server, client),
        lambda: check_joint_signature(client, bytes(512)),
        lambda: check_joint_signature(server, bytes(512)),
        lambda: EncodedMessage(signers.key, SignatureAlgorithm.PSS_SHA256, b"", b""),
        lambda: load_key_share(Role.CLIENT, Purpose.SIGN, signers.client.to_secret_bytes()[:-1]),
    ]
    signature = combine_signature(message, client, server)
    told = refusals(calls) + repr((signers, message, client, server, signers.key)) + signature.hex()
    assert_silent(told, signers.client, signers.server)


def test_decryption_tells_no_secret(decrypters: Decrypters, other_decrypters: Decrypters) -> None:
    """Each way to go wrong, and the right one; the plaintext is told to nobody but who asked."""
    data = decrypters.key.to_cryptography().encrypt(PLAINTEXT, OAEP.to_cryptography_padding())
    ciphertext = Ciphertext(decrypters.key, data)
    client = create_partial_decryption(decrypters.client, ciphertext, ENGINE, RANDOM)
    server = create_partial_decryption(decrypters.server, ciphertext, ENGINE, RANDOM)
    wrong = OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA256, b"another label")
    calls: list[Callable[[], object]] = [
        lambda: create_partial_decryption(other_decrypters.server, ciphertext, ENGINE, RANDOM),
        *(
            lambda fault=fault: create_partial_decryption(decrypters.server, ciphertext, FaultyEngine(fault), RANDOM)
            for fault in ALTERED_NUMBERS
        ),
        lambda: parse_partial_decryption(ciphertext, Role.SERVER, client.to_bytes()),
        lambda: combine_decryption(ciphertext, server, client, OAEP),
        lambda: combine_decryption(ciphertext, client, server, wrong),
        lambda: Ciphertext(decrypters.key, bytes(512)),
    ]
    told = refusals(calls) + repr((decrypters, ciphertext, client, server, OAEP))
    assert combine_decryption(ciphertext, client, server, OAEP) == PLAINTEXT
    assert_silent(told, decrypters.client, decrypters.server)
    assert str(PLAINTEXT) not in told
    assert PLAINTEXT.hex() not in told
    padded = decrypters.key.combine(client.value, server.value)
    assert str(padded) not in told


def test_the_shares_of_a_run_are_held_by_its_objects(signers: Signers) -> None:
    """Or the searches above would look for something that is nowhere."""
    run: Generation = generation(client=signers.client)
    assert run.commitment.share is signers.client
    assert leaked(str(signers.client.crt.p), signers.client) == ["p of the client"]
