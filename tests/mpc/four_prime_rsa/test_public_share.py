"""Public shares: every check has a modulus that only it refuses."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import gmpy2
import pytest
import sympy  # type: ignore[import-untyped]

from mpc.four_prime_rsa import HALF_BITS, PUBLIC_EXPONENT, PublicShare, Purpose, Role, admit_foreign_share, public_share
from tests.mpc.four_prime_rsa import moduli
from tests.mpc.four_prime_rsa.moduli import as_bytes
from tests.mpc.parties import Signers
from tests.mpc.refusals import blamed, malformed

Break = Callable[[pytest.MonkeyPatch], None]

SIGN, CLIENT, SERVER = Purpose.SIGN, Role.CLIENT, Role.SERVER


def _no_small_primes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(public_share, "_SMALL_PRIME_PRODUCT", 1)


def _no_powers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(gmpy2, "is_power", lambda _: False)


def _no_primes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(gmpy2, "is_strong_prp", lambda *_: False)


def _no_roca(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(public_share, "has_roca_fingerprint", lambda _: False)


def _no_fermat(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(public_share, "_FERMAT_ROUNDS", 0)


BAD: dict[str, tuple[Callable[[], int], str, Break]] = {
    "prime": (moduli.prime, "MODULUS_IS_PRIME", _no_primes),
    "square of a prime": (partial(moduli.power, 2), "MODULUS_IS_POWER", _no_powers),
    "fourth power of a prime": (partial(moduli.power, 4), "MODULUS_IS_POWER", _no_powers),
    "square of a composite": (moduli.power_of_a_composite, "MODULUS_IS_POWER", _no_powers),
    "factor 3": (partial(moduli.with_factor, 3), "MODULUS_HAS_SMALL_FACTOR", _no_small_primes),
    "largest small factor": (partial(moduli.with_factor, 65521), "MODULUS_HAS_SMALL_FACTOR", _no_small_primes),
    "ROCA": (moduli.roca, "MODULUS_HAS_ROCA_FINGERPRINT", _no_roca),
    "next primes": (partial(moduli.of_primes_apart, 2), "MODULUS_FACTORS_TOO_CLOSE", _no_fermat),
    "primes 2^517 apart": (partial(moduli.of_primes_apart, 1 << 517), "MODULUS_FACTORS_TOO_CLOSE", _no_fermat),
}


def admit(modulus: int, role: Role = CLIENT) -> PublicShare:
    """Admit a modulus of 2048 bits."""
    return admit_foreign_share(role, SIGN, 2048, as_bytes(modulus))


@pytest.mark.parametrize("name", BAD)
def test_bad_modulus_is_refused_by_its_own_check_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sent it is blamed; and without that one check, it would come in."""
    make, reason, take_away = BAD[name]
    modulus = make()
    for role in Role:
        with blamed(role, reason):
            admit(modulus, role)
    take_away(monkeypatch)
    assert admit(modulus).modulus == modulus


def test_honest_moduli_of_every_size_are_admitted(sized_signers: Signers) -> None:
    """For either purpose, and what comes out is what was sent."""
    ours = sized_signers.client.public
    for purpose in Purpose:
        share = admit_foreign_share(CLIENT, purpose, ours.half_bits, ours.to_bytes(), PUBLIC_EXPONENT)
        assert (share.role, share.purpose, share.modulus) == (CLIENT, purpose, ours.modulus)
        assert PublicShare.from_bytes(CLIENT, purpose, share.to_bytes()) == share
        assert (share.half_bits, share.byte_length) == (ours.half_bits, ours.half_bits // 8)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 65535, 65539, -65537, 65537 + 2**64])
def test_other_exponent_is_refused(exponent: int, signers: Signers) -> None:
    """Also where the modulus is good."""
    with blamed(SERVER, "EXPONENT_WRONG"):
        admit_foreign_share(SERVER, SIGN, 2048, signers.server.public.to_bytes(), exponent)


@pytest.mark.parametrize(
    "change", [lambda data: data[:-1], lambda data: b"\0" + data, lambda _: b""], ids=["cut", "padded", "empty"]
)
def test_wrong_length_is_refused(change: Callable[[bytes], bytes], signers: Signers) -> None:
    """One byte less, a zero in front, nothing at all: there is one encoding of each number."""
    with malformed("MODULUS_LENGTH_WRONG"):
        admit_foreign_share(CLIENT, SIGN, 2048, change(signers.client.public.to_bytes()))


@pytest.mark.parametrize("bits", [-2048, 0, 1024, 2047, 2056, 8192])
def test_size_that_no_half_has_is_refused(bits: int) -> None:
    """It is our caller who agreed on it."""
    with malformed("HALF_BITS_WRONG"):
        admit_foreign_share(CLIENT, SIGN, bits, bytes(abs(bits) // 8))


def test_size_other_than_agreed_is_refused(signers: Signers) -> None:
    """A smaller modulus in a longer field, be its own size one that halves have or not."""
    good = signers.client.public.modulus
    with blamed(CLIENT, "MODULUS_SIZE_WRONG"):
        admit_foreign_share(CLIENT, SIGN, 3072, good.to_bytes(384, "big"))
    with blamed(CLIENT, "MODULUS_SIZE_WRONG"):
        admit_foreign_share(CLIENT, SIGN, 2048, (good >> 1 | 1).to_bytes(256, "big"))
    with blamed(CLIENT, "MODULUS_SIZE_WRONG"):
        admit_foreign_share(CLIENT, SIGN, 2048, bytes(256))


def test_modulus_that_makes_the_product_short_is_refused() -> None:
    """The modulus itself has all its bits."""
    modulus = moduli.short()
    assert modulus.bit_length() == 2048
    with blamed(CLIENT, "MODULUS_TOO_SMALL"):
        admit(modulus)


def test_even_modulus_is_refused() -> None:
    """By a check of its own, before the one for small factors."""
    with blamed(SERVER, "MODULUS_EVEN"):
        admit(moduli.even(), SERVER)


@pytest.mark.parametrize("bits", HALF_BITS)
def test_least_modulus_is_the_root_of_the_least_product(bits: int) -> None:
    """2^(k - 1/2) is no integer: the one below it squares to 2k - 1 bits, the one above to 2k."""
    least = int(gmpy2.isqrt(1 << (2 * bits - 1))) + 1
    odd_above, odd_below = least | 1, (least - 1) - (least % 2)
    assert (odd_below * odd_below).bit_length() == 2 * bits - 1
    assert PublicShare(CLIENT, SIGN, odd_above).half_bits == bits
    with blamed(CLIENT, "MODULUS_TOO_SMALL"):
        PublicShare(CLIENT, SIGN, odd_below)
    greatest = (1 << bits) - 1
    assert PublicShare(CLIENT, SIGN, greatest).modulus == greatest
    with blamed(CLIENT, "MODULUS_SIZE_WRONG"):
        PublicShare(CLIENT, SIGN, greatest + 2)


@pytest.mark.parametrize("modulus", [0, 1, -1, 15])
def test_constructor_refuses_what_is_no_size(modulus: int, signers: Signers) -> None:
    """Nor does a sign hide in the number of bits."""
    for number in (modulus, -signers.client.public.modulus):
        with blamed(CLIENT, "MODULUS_SIZE_WRONG"):
            PublicShare(CLIENT, SIGN, number)


def test_roca_fingerprint_hides_in_a_product_with_an_honest_half(signers: Signers) -> None:
    """Why each half is looked at, and not the joint modulus."""
    faulty = moduli.roca()
    assert public_share.has_roca_fingerprint(faulty)
    assert not public_share.has_roca_fingerprint(signers.client.public.modulus)
    assert not public_share.has_roca_fingerprint(faulty * signers.client.public.modulus)


def test_roca_primes_are_those_of_the_paper() -> None:
    """The 38 odd primes to 167, and the powers of 65537 modulo each: mod 11, 65537 = 10 = -1, so 1 and 10."""
    assert [prime for prime, _ in public_share._ROCA_POWERS] == list(sympy.primerange(3, 168))
    assert dict(public_share._ROCA_POWERS)[11] == {1, 10}
    for prime, powers in public_share._ROCA_POWERS:
        assert len(powers) == sympy.n_order(65537, prime)


def test_small_primes_are_all_below_2_to_the_16() -> None:
    """Two is among them, 65521 is the last, and 65537 is none."""
    product = public_share._SMALL_PRIME_PRODUCT
    assert all(product % prime == 0 for prime in sympy.primerange(2, 1 << 16))
    assert product % 65537


@pytest.mark.parametrize(
    "make",
    [
        partial(moduli.with_factor, 65537),
        partial(moduli.with_factor, int(sympy.nextprime(1 << 40))),
        partial(moduli.of_primes_apart, 1 << 520),
        lambda: moduli.random_prime(682) * moduli.random_prime(683) * moduli.random_prime(683),
    ],
    ids=["factor 65537", "factor of 41 bits", "primes 2^520 apart", "three primes"],
)
def test_what_the_checks_do_not_find(make: Callable[[], int]) -> None:
    """Who wants a bad half can have one: it harms that half, and the joint key is as strong as the other one."""
    modulus = make()
    assert admit(modulus).modulus == modulus


def test_public_share_may_be_shown(signers: Signers) -> None:
    """It is public, and says what it is."""
    text = repr(signers.client.public)
    assert "client" in text
    assert str(signers.client.public.modulus) in text
