"""Certification of a modulus: no prover gets past it with one on which x -> x^e is no permutation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gmpy2
import pytest

from mpc.engines import CrtPrivateKey
from mpc.four_prime_rsa import PublicShare, Purpose, Role, SigningShare, admit_foreign_share, certification
from mpc.four_prime_rsa.certification import CERTIFICATION_ROOTS, certify_modulus, check_certification
from tests.mpc.four_prime_rsa import moduli
from tests.mpc.four_prime_rsa.moduli import as_bytes, random_prime
from tests.mpc.four_prime_rsa.prover import Prover
from tests.mpc.parties import ENGINE, RANDOM, Signers
from tests.mpc.refusals import blamed, fault_detected, malformed

CLIENT, SERVER, SIGN, DECRYPT = Role.CLIENT, Role.SERVER, Purpose.SIGN, Purpose.DECRYPT
CONTEXT = b"context of these tests"


def prover_of(*powers: tuple[int, int], role: Role = SERVER) -> Prover:
    """Somebody who wants this modulus to be believed in."""
    return Prover(powers, role, SIGN, CONTEXT)


def check(prover: Prover) -> None:
    """Check the prover's best proof, and nothing else."""
    check_certification(PublicShare(prover.role, SIGN, prover.modulus), CONTEXT, prover.prove())


@pytest.fixture(scope="module")
def proof(signers: Signers) -> list[bytes]:
    """The server's proof of its modulus."""
    return certify_modulus(signers.server, CONTEXT, ENGINE, RANDOM)


@pytest.mark.parametrize("role", Role)
def test_proof_is_what_the_protocol_says(role: Role, signers: Signers) -> None:
    """A prover that knows only docs/protocol.md makes the same roots: there is one proof."""
    share = signers.share(role)
    roots = certify_modulus(share, CONTEXT, ENGINE, RANDOM)
    assert len(roots) == CERTIFICATION_ROOTS == 9
    assert {len(root) for root in roots} == {256}
    assert prover_of((share.crt.p, 1), (share.crt.q, 1), role=role).prove() == roots
    check_certification(share.public, CONTEXT, roots)


def test_proof_of_every_size_holds(sized_signers: Signers) -> None:
    """Roots as long as the modulus."""
    roots = certify_modulus(sized_signers.client, CONTEXT, ENGINE, RANDOM)
    assert {len(root) for root in roots} == {sized_signers.client.public.byte_length}
    check_certification(sized_signers.client.public, CONTEXT, roots)


def test_challenges_are_found_by_trying() -> None:
    """With the least modulus there is, 29 hashes in 100 are above it, and the next one is taken."""
    least = int(gmpy2.isqrt(1 << 4095)) + 1 | 1
    prover, public = prover_of((least, 1)), PublicShare(SERVER, SIGN, least)
    found = [prover.challenge(index) for index in range(100)]
    assert [certification._challenge(public, CONTEXT, index, CERTIFICATION_ROOTS) for index in range(100)] == [
        rho for rho, _ in found
    ]
    assert {attempt for _, attempt in found} > {0, 1}


def test_exponent_that_divides_an_order_is_found() -> None:
    """P = 1 mod e: only one number in e has a root, and its root would be one of e."""
    prover = prover_of((moduli.prime_one_above_a_multiple(65537), 1), (random_prime(), 1))
    assert admit_foreign_share(SERVER, SIGN, 2048, as_bytes(prover.modulus)).modulus == prover.modulus
    assert not all(prover.found())
    with blamed(SERVER, "CERTIFICATION_INVALID"):
        check(prover)


def test_square_factor_is_found() -> None:
    """p^2 q: e-th roots exist, N-th roots do not; that is what the first eight are for."""
    prover = prover_of((random_prime(683), 2), (random_prime(682), 1))
    assert admit_foreign_share(SERVER, SIGN, 2048, as_bytes(prover.modulus)).modulus == prover.modulus
    assert prover.found() == [False] * 8 + [True]
    with blamed(SERVER, "CERTIFICATION_INVALID"):
        check(prover)


def test_order_that_shares_a_prime_with_the_modulus_is_found() -> None:
    """Q = 1 mod p: x^N is no permutation. An honest party never meets it, and would stop."""
    p = random_prime(1000)
    q = moduli.prime_one_above_a_multiple(p, 1048)
    with blamed(SERVER, "CERTIFICATION_INVALID"):
        check(prover_of((p, 1), (q, 1)))
    crt = CrtPrivateKey(
        modulus=p * q,
        public_exponent=65537,
        p=p,
        q=q,
        exponent_p=int(gmpy2.invert(65537, p - 1)),
        exponent_q=int(gmpy2.invert(65537, q - 1)),
        q_inverse=int(gmpy2.invert(q, p)),
    )
    with fault_detected():
        certify_modulus(SigningShare(PublicShare(SERVER, SIGN, p * q), crt), CONTEXT, ENGINE, RANDOM)


@pytest.mark.parametrize("powers", [(2, 1), (1, 1)], ids=["square factor", "exponent divides an order"])
def test_the_cheat_fails_for_want_of_roots_alone(powers: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for roots that there are, the same prover finds all of them: it is as good as one can be."""
    p = random_prime(683) if powers == (2, 1) else moduli.prime_one_above_a_multiple(65537)
    prover = prover_of((p, powers[0]), (random_prime(682 if powers == (2, 1) else 1024), 1))
    easy = [pow(index + 2, exponent, prover.modulus) for index, exponent in enumerate(prover.exponents)]
    monkeypatch.setattr(certification, "_challenge", lambda _public, _context, index, _count: easy[index])
    monkeypatch.setattr(Prover, "challenge", lambda _self, index: (easy[index], 0))
    check(prover)


ACCEPTED: dict[str, Callable[[], Prover]] = {
    "a prime": lambda: prover_of((moduli.prime(), 1)),
    "a factor of 41 bits": lambda: prover_of(*((factor, 1) for factor in _with_factor_of_41_bits())),
    "three primes": lambda: prover_of((random_prime(682), 1), (random_prime(683), 1), (random_prime(683), 1)),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_the_proof_does_not_say(name: str) -> None:
    """It says that x -> x^e is a permutation; why the checks of a public share are needed beside it."""
    check(ACCEPTED[name]())


def test_prime_that_the_proof_accepts_is_refused_by_the_checks() -> None:
    """One of the two is not enough."""
    with blamed(SERVER, "MODULUS_IS_PRIME"):
        admit_foreign_share(SERVER, SIGN, 2048, as_bytes(ACCEPTED["a prime"]().modulus))


def test_proof_is_good_for_one_place(signers: Signers, other_signers: Signers, proof: list[bytes]) -> None:
    """Another context, role, purpose or modulus: it says nothing there."""
    modulus = signers.server.public.modulus
    check_certification(signers.server.public, CONTEXT, proof)
    for public, context in (
        (signers.server.public, CONTEXT + b"\0"),
        (signers.server.public, b""),
        (PublicShare(SERVER, DECRYPT, modulus), CONTEXT),
        (other_signers.server.public, CONTEXT),
    ):
        with blamed(SERVER, "CERTIFICATION_INVALID"):
            check_certification(public, context, proof)
    with blamed(CLIENT, "CERTIFICATION_INVALID"):
        check_certification(PublicShare(CLIENT, SIGN, modulus), CONTEXT, proof)


WRONG_ROOTS: dict[str, Callable[[int, int], int]] = {
    "zero": lambda *_: 0,
    "one": lambda *_: 1,
    "the modulus": lambda _, modulus: modulus,
    "above the modulus": lambda *_: (1 << 2048) - 1,
    "negated": lambda root, modulus: modulus - root,
    "lowest bit": lambda root, _: root ^ 1,
    "highest bit": lambda root, _: root ^ 1 << 2047,
}


@pytest.mark.parametrize("index", range(9))
@pytest.mark.parametrize("name", WRONG_ROOTS)
def test_every_root_counts(name: str, index: int, signers: Signers, proof: list[bytes]) -> None:
    """One wrong root among nine is one too many."""
    root = WRONG_ROOTS[name](int.from_bytes(proof[index], "big"), signers.server.public.modulus)
    with blamed(SERVER, "CERTIFICATION_INVALID"):
        check_certification(signers.server.public, CONTEXT, _with(proof, index, root.to_bytes(256, "big")))


@pytest.mark.parametrize("index", range(8))
def test_order_of_roots_counts(index: int, signers: Signers, proof: list[bytes]) -> None:
    """Two neighbours exchanged."""
    swapped = [*proof[:index], proof[index + 1], proof[index], *proof[index + 2 :]]
    with blamed(SERVER, "CERTIFICATION_INVALID"):
        check_certification(signers.server.public, CONTEXT, swapped)


def test_second_encoding_of_a_root_is_refused(signers: Signers) -> None:
    """Root + N has the same powers. Few roots leave room for it when N is near 2^2048: as many proofs as it takes."""
    modulus, context, roots, index = signers.server.public.modulus, b"", [b"\xff" * 256], 0
    while (int.from_bytes(roots[index], "big") + modulus) >> 2048:
        context += b"*"
        roots = certify_modulus(signers.server, context, ENGINE, RANDOM)
        index = roots.index(min(roots))
    second = int.from_bytes(roots[index], "big") + modulus
    with blamed(SERVER, "CERTIFICATION_INVALID"):
        check_certification(signers.server.public, context, _with(roots, index, second.to_bytes(256, "big")))


@pytest.mark.parametrize("count", [0, 1, 10, 18])
def test_wrong_number_of_roots_is_malformed(count: int, signers: Signers, proof: list[bytes]) -> None:
    """Also when those that are there are right."""
    with malformed("CERTIFICATION_MALFORMED"):
        check_certification(signers.server.public, CONTEXT, (proof * 2)[:count])


@pytest.mark.parametrize("index", range(9))
@pytest.mark.parametrize("change", [b"", b"\1" * 255, b"\0" + b"\1" * 256], ids=len)
def test_wrong_length_of_a_root_is_malformed(change: bytes, index: int, signers: Signers, proof: list[bytes]) -> None:
    """There is one length."""
    with malformed("CERTIFICATION_MALFORMED"):
        check_certification(signers.server.public, CONTEXT, _with(proof, index, change))


def _with(roots: Sequence[bytes], index: int, root: bytes) -> list[bytes]:
    return [*roots[:index], root, *roots[index + 1 :]]


def _with_factor_of_41_bits() -> tuple[int, int]:
    factor = int(gmpy2.next_prime(1 << 40))
    return factor, moduli.with_factor(factor) // factor
