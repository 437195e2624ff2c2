"""The default engine, on numbers small enough to follow by hand and on real ones."""

from __future__ import annotations

import gmpy2
import pytest
import sympy  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from mpc.engines import CrtPrivateKey, Gmpy2Engine
from tests.mpc.parties import ENGINE, RANDOM, Signers
from tests.mpc.refusals import fault_detected

# p = 61, q = 53: N = 3233, lcm(60, 52) = 780, and 17 * 413 = 7021 = 9 * 780 + 1, so d = 413.
# d mod 60 = 53, d mod 52 = 49, and 53 * 38 = 2014 = 33 * 61 + 1, so q^-1 mod p = 38.
SMALL = CrtPrivateKey(modulus=3233, public_exponent=17, p=61, q=53, exponent_p=53, exponent_q=49, q_inverse=38)
# The same with p and q exchanged: 61 mod 53 = 8 and 8 * 20 = 160 = 3 * 53 + 1, so q^-1 mod p = 20.
SWAPPED = CrtPrivateKey(modulus=3233, public_exponent=17, p=53, q=61, exponent_p=49, exponent_q=53, q_inverse=20)


def test_worked_example() -> None:
    """65^17 mod 3233 = 2790, so 2790 to the secret exponent is 65."""
    assert ENGINE.exponentiate([(SMALL, 2790)], _coprime_random) == [65]


@pytest.mark.parametrize("key", [SMALL, SWAPPED])
def test_every_base_of_a_small_modulus(key: CrtPrivateKey) -> None:
    """Also those that share a factor with it, zero among them."""
    operations = [(key, base) for base in range(3233)]
    assert ENGINE.exponentiate(operations, _coprime_random) == [pow(base, 413, 3233) for base in range(3233)]


@given(data=st.data())
def test_small_keys_agree_with_sympy(data: st.DataObject) -> None:
    """Any two odd primes and any exponent that suits them."""
    primes = list(sympy.primerange(5, 400))
    p, q = data.draw(st.lists(st.sampled_from(primes), min_size=2, max_size=2, unique=True))
    order = int(sympy.ilcm(p - 1, q - 1))
    e = data.draw(st.integers(3, 10_000).filter(lambda number: sympy.gcd(number, order) == 1))
    d = int(sympy.mod_inverse(e, order))
    key = CrtPrivateKey(
        modulus=p * q,
        public_exponent=e,
        p=p,
        q=q,
        exponent_p=d % (p - 1),
        exponent_q=d % (q - 1),
        q_inverse=int(sympy.mod_inverse(q, p)),
    )
    base = data.draw(st.integers(0, p * q - 1))
    expected, _ = sympy.ntheory.modular.crt([p, q], [pow(base, d, p), pow(base, d, q)])
    assert ENGINE.exponentiate([(key, base)], lambda _: b"\x01") == [expected]


def test_blinding_is_fresh_and_does_not_show(signers: Signers) -> None:
    """Every call asks for a number 128 bits longer than N, once; the result is the same for all of them."""
    asked: list[int] = []

    def random(size: int) -> bytes:
        asked.append(size)
        return RANDOM(size)

    key = signers.client.crt
    results = set(ENGINE.exponentiate([(key, 2)] * 3, random))
    assert asked == [256 + 16] * 3
    assert len(results) == 1
    assert pow(results.pop(), 65537, key.modulus) == 2


def test_base_is_blinded_before_a_secret_touches_it(signers: Signers, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the secret exponents see is base * r^e: for one base, another number each time."""
    seen: list[int] = []
    real = gmpy2.powmod_sec

    def powmod_sec(base: int, exponent: int, modulus: int) -> int:
        seen.append(int(base))
        return int(real(base, exponent, modulus))

    monkeypatch.setattr(gmpy2, "powmod_sec", powmod_sec)
    key = signers.client.crt
    ENGINE.exponentiate([(key, 5)] * 2, RANDOM)
    assert len(set(seen)) == 4
    assert not {5, 5 % key.p, 5 % key.q} & set(seen)


@pytest.mark.parametrize("number", [0, 53])
def test_randomness_that_is_none_is_a_fault(number: int) -> None:
    """A blinding factor of 0, or one that shares a prime with N, never comes by chance."""
    with fault_detected():
        ENGINE.exponentiate([(SMALL, 2)], lambda _: number.to_bytes(1, "big"))


def test_others_run_while_it_works(signers: Signers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock of the interpreter is released, for this work only."""
    released: list[bool] = []
    real = gmpy2.powmod_sec

    def powmod_sec(*numbers: int) -> int:
        released.append(gmpy2.get_context().allow_release_gil)
        return int(real(*numbers))

    monkeypatch.setattr(gmpy2, "powmod_sec", powmod_sec)
    ENGINE.exponentiate([(signers.client.crt, 2)], RANDOM)
    assert released == [True, True]
    assert not gmpy2.get_context().allow_release_gil


def test_name() -> None:
    """Configuration, doctor and bench know it by this."""
    assert Gmpy2Engine().name == "gmpy2"


def _coprime_random(size: int) -> bytes:
    return b"\x02".rjust(size, b"\0")
