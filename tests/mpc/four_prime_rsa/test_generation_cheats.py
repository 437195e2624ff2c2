"""A cheating party in a generation, at every step: the honest one stops, and blames it and nobody else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import gmpy2
import pytest

from mpc.four_prime_rsa import (
    ClientCommitment,
    KeyShare,
    Opening,
    Purpose,
    Role,
    check_opening,
    load_key_share,
)
from mpc.four_prime_rsa.certification import certify_modulus
from tests.mpc.four_prime_rsa import moduli
from tests.mpc.four_prime_rsa.generations import Generation, generation
from tests.mpc.four_prime_rsa.moduli import as_bytes, random_prime
from tests.mpc.four_prime_rsa.pkcs8 import pkcs8
from tests.mpc.four_prime_rsa.prover import Prover
from tests.mpc.parties import ENGINE, RANDOM
from tests.mpc.refusals import blamed, malformed

CLIENT, SERVER, SIGN, DECRYPT = Role.CLIENT, Role.SERVER, Purpose.SIGN, Purpose.DECRYPT


@pytest.fixture(scope="module")
def run() -> Generation:
    """A generation up to the server's answer."""
    return generation()


@pytest.fixture(scope="module")
def other_run() -> Generation:
    """Another one, with other shares and another key id."""
    return generation(key_id="key-" + "b" * 26)


@pytest.fixture(scope="module")
def opening(run: Generation) -> Opening:
    """The client's opening of the first."""
    return run.open()


BAD_MODULI: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "none": (lambda _: b"", "MODULUS_LENGTH_WRONG"),
    "cut": (lambda data: data[:-1], "MODULUS_LENGTH_WRONG"),
    "padded": (lambda data: b"\0" + data, "MODULUS_LENGTH_WRONG"),
    "even": (lambda _: as_bytes(moduli.even()), "MODULUS_EVEN"),
    "short": (lambda _: as_bytes(moduli.short()), "MODULUS_TOO_SMALL"),
    "smaller": (lambda data: as_bytes(int.from_bytes(data, "big") >> 1 | 1), "MODULUS_SIZE_WRONG"),
    "small factor": (lambda _: as_bytes(moduli.with_factor(3)), "MODULUS_HAS_SMALL_FACTOR"),
    "power": (lambda _: as_bytes(moduli.power(2)), "MODULUS_IS_POWER"),
    "prime": (lambda _: as_bytes(moduli.prime()), "MODULUS_IS_PRIME"),
    "ROCA": (lambda _: as_bytes(moduli.roca()), "MODULUS_HAS_ROCA_FINGERPRINT"),
    "close primes": (lambda _: as_bytes(moduli.of_primes_apart(2)), "MODULUS_FACTORS_TOO_CLOSE"),
}
SPOILED_ROOTS: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "none": (lambda _: [], "CERTIFICATION_MALFORMED"),
    "seven": (lambda roots: roots[:-2], "CERTIFICATION_MALFORMED"),
    "ten": (lambda roots: [*roots, roots[0]], "CERTIFICATION_MALFORMED"),
    "short": (lambda roots: [roots[0][:-1], *roots[1:]], "CERTIFICATION_MALFORMED"),
    "reversed": (lambda roots: roots[::-1], "CERTIFICATION_INVALID"),
    "one altered": (lambda roots: [*roots[:-1], roots[-1][:-1] + bytes([roots[-1][-1] ^ 1])], "CERTIFICATION_INVALID"),
    "zeros": (lambda roots: [bytes(256) for _ in roots], "CERTIFICATION_INVALID"),
}


@pytest.mark.parametrize("name", BAD_MODULI)
def test_bad_server_modulus(name: str, run: Generation) -> None:
    """The client reveals nothing of its own."""
    spoil, reason = BAD_MODULI[name]
    with blamed(SERVER, reason):
        replace(run, server_modulus=spoil(run.server_modulus)).open()


@pytest.mark.parametrize("name", BAD_MODULI)
def test_bad_client_modulus(name: str, run: Generation, opening: Opening) -> None:
    """Be it committed to or not."""
    spoil, reason = BAD_MODULI[name]
    with blamed(CLIENT, reason):
        run.check(replace(opening, modulus=spoil(opening.modulus)))


@pytest.mark.parametrize("name", SPOILED_ROOTS)
def test_spoiled_certification(name: str, run: Generation, opening: Opening) -> None:
    """Each party blames the other for its roots."""
    spoil, reason = SPOILED_ROOTS[name]
    with blamed(SERVER, reason):
        replace(run, server_roots=spoil(run.server_roots)).open()
    with blamed(CLIENT, reason):
        run.check(replace(opening, roots=spoil(opening.roots)))


def test_half_proof_is_no_tokens_proof(run: Generation, opening: Opening) -> None:
    """A token's has eight roots too, of another exponent and of challenges of its own; and a client has no token."""
    with blamed(SERVER, "CERTIFICATION_INVALID"):
        replace(run, server_roots=run.server_roots[:-1]).open()
    with blamed(CLIENT, "CERTIFICATION_MALFORMED"):
        run.check(replace(opening, roots=opening.roots[:-1]))


def test_answer_of_another_generation_is_no_answer(run: Generation, other_run: Generation) -> None:
    """Modulus and proof replayed together, or each alone."""
    for modulus, roots in (
        (other_run.server_modulus, other_run.server_roots),
        (other_run.server_modulus, run.server_roots),
        (run.server_modulus, other_run.server_roots),
    ):
        with blamed(SERVER, "CERTIFICATION_INVALID"):
            replace(run, server_modulus=modulus, server_roots=roots).open()


def test_opening_of_another_generation_opens_nothing(run: Generation, other_run: Generation, opening: Opening) -> None:
    """The commitment does not fit."""
    with blamed(CLIENT, "COMMITMENT_NOT_OPENED"):
        run.check(other_run.open())
    with blamed(CLIENT, "COMMITMENT_NOT_OPENED"):
        other_run.check(opening)


def test_share_used_for_a_second_generation_needs_a_proof_of_its_own(run: Generation, opening: Opening) -> None:
    """The same commitment under another key id, and the opening of the first time replayed."""
    terms = replace(run.terms, key_id="key-" + "c" * 26)
    with blamed(CLIENT, "CERTIFICATION_INVALID"):
        replace(run, terms=terms).check(opening)


def test_client_opens_to_something_else(run: Generation, other_run: Generation, opening: Opening) -> None:
    """A good modulus, or another nonce, after it has seen the server's modulus; also with a right proof."""
    other = other_run.commitment.share
    proof = certify_modulus(other, run.terms.transcript(run.server_modulus), ENGINE, RANDOM)
    for changed in (
        replace(opening, nonce=RANDOM(32)),
        replace(opening, modulus=other.public.to_bytes()),
        replace(opening, modulus=other.public.to_bytes(), roots=proof),
    ):
        with blamed(CLIENT, "COMMITMENT_NOT_OPENED"):
            run.check(changed)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_nonce_of_another_length_is_refused(length: int, run: Generation, opening: Opening) -> None:
    """No bytes can move between modulus and nonce."""
    with blamed(CLIENT, "NONCE_MALFORMED"):
        run.check(replace(opening, nonce=bytes(length)))


def test_client_copies_the_server(run: Generation, opening: Opening) -> None:
    """Modulus and roots sent back: it did not commit to them."""
    with blamed(CLIENT, "COMMITMENT_NOT_OPENED"):
        run.check(replace(opening, modulus=run.server_modulus, roots=run.server_roots))


def test_proofs_of_the_two_roles_are_not_exchanged(run: Generation, opening: Opening) -> None:
    """The other's roots are no proof, though context and lengths are the same."""
    with blamed(SERVER, "CERTIFICATION_INVALID"):
        replace(run, server_roots=opening.roots).open()
    with blamed(CLIENT, "CERTIFICATION_INVALID"):
        run.check(replace(opening, roots=run.server_roots))


def test_prime_shared_with_the_other_party_is_found() -> None:
    """Two machines with the same bad randomness; the one that speaks second is blamed by the one that hears it."""
    shared = random_prime()
    client = load_key_share(CLIENT, SIGN, pkcs8(shared, random_prime()))
    server = load_key_share(SERVER, SIGN, pkcs8(random_prime(), shared))
    _assert_pair_is_refused(client, server, "MODULI_NOT_COPRIME")


def test_modulus_next_to_the_other_partys_is_found() -> None:
    """Made to measure: its first prime at random, the second so that the product is close."""
    client = load_key_share(CLIENT, SIGN, pkcs8(random_prime(), int(gmpy2.next_prime(7 << 1021))))
    first = random_prime()
    second = int(gmpy2.next_prime(client.public.modulus // first))
    server = load_key_share(SERVER, SIGN, pkcs8(first, second))
    _assert_pair_is_refused(client, server, "MODULI_TOO_CLOSE")


UNPROVABLE: dict[str, Callable[[], list[tuple[int, int]]]] = {
    "p^2 q": lambda: [(random_prime(683), 2), (random_prime(682), 1)],
    "e divides p - 1": lambda: [(moduli.prime_one_above_a_multiple(65537), 1), (random_prime(), 1)],
}


@pytest.mark.parametrize("name", UNPROVABLE)
def test_modulus_without_a_proof_is_refused(name: str, run: Generation) -> None:
    """A server that may choose its modulus, and proves it as well as it can."""
    prover = Prover(UNPROVABLE[name](), SERVER, SIGN, b"")
    modulus = as_bytes(prover.modulus)
    roots = replace(prover, context=run.terms.transcript(modulus)).prove()
    with blamed(SERVER, "CERTIFICATION_INVALID"):
        replace(run, server_modulus=modulus, server_roots=roots).open()


def test_terms_of_another_commitment_are_not_ours(run: Generation, other_run: Generation) -> None:
    """The client does not open under terms that it did not make: its own caller's mistake."""
    with malformed("COMMITMENT_NOT_OURS"):
        replace(run, terms=other_run.terms).open()
    with malformed("COMMITMENT_NOT_OURS"):
        replace(run, commitment=ClientCommitment(run.commitment.share, bytes(32))).open()


def test_terms_that_do_not_fit_our_share_are_refused(run: Generation) -> None:
    """On both sides it is our own caller's mistake, and nobody is blamed."""
    for terms in (replace(run.terms, purpose=DECRYPT), replace(run.terms, half_bits=3072)):
        with malformed("SHARE_OF_OTHER_KEY"):
            replace(run, terms=terms).open()
        with malformed("SHARE_OF_OTHER_KEY"):
            check_opening(terms, run.server_share.public, b"", b"", [])


def test_server_does_not_check_with_a_share_of_the_client(run: Generation, opening: Opening) -> None:
    """Roles are not mixed up by our own caller either."""
    client = run.commitment.share.public
    with malformed("SHARE_OF_OTHER_KEY"):
        check_opening(run.terms, client, opening.modulus, opening.nonce, opening.roots)
    with malformed("SHARE_OF_OTHER_KEY"):
        replace(run, commitment=ClientCommitment(run.server_share, bytes(32))).open()


def test_server_that_checks_with_another_share_than_it_answered_with(
    run: Generation, other_run: Generation, opening: Opening
) -> None:
    """The client's proof names the modulus that it was shown."""
    with blamed(CLIENT, "CERTIFICATION_INVALID"):
        replace(run, server_share=other_run.server_share).check(opening)


def _assert_pair_is_refused(client: KeyShare, server: KeyShare, reason: str) -> None:
    run = generation(client=client, server=server)
    with blamed(SERVER, reason):
        run.open()
    roots = certify_modulus(client, run.terms.transcript(run.server_modulus), ENGINE, RANDOM)
    with blamed(CLIENT, reason):
        check_opening(run.terms, server.public, client.public.to_bytes(), run.commitment.nonce, roots)
