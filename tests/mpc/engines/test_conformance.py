"""What every engine must do. Engines that this machine lacks are skipped, with the reason."""

from __future__ import annotations

import secrets
import threading
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from math import gcd

import pytest

from mpc.engines import CrtPrivateKey, Engine, Exponentiation, Random
from mpc.errors import FaultDetected
from mpc.four_prime_rsa.certification import certify_modulus, check_certification
from mpc.four_prime_rsa.partials import compute_partial
from tests.mpc.engines.keys import held, make_key, power
from tests.mpc.leaks import leaked
from tests.mpc.parties import RANDOM, Signers

KEYS_AT_ONCE = 11


@pytest.fixture(scope="module")
def keys() -> list[CrtPrivateKey]:
    """Different keys of 2048 bits."""
    return [make_key(2048) for _ in range(KEYS_AT_ONCE)]


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_agrees_with_pow(engine: Engine, bits: int) -> None:
    """Also for 0, 1 and -1, which blinding and CRT could treat in a special way, and p, which shares a factor."""
    key = make_key(bits)
    bases = [0, 1, key.modulus - 1, key.p, secrets.randbelow(key.modulus)]
    assert engine.exponentiate([(key, base) for base in bases], RANDOM) == [power(key, base) for base in bases]


@pytest.mark.parametrize(("p_bits", "q_bits"), [(512, 512), (769, 767), (1028, 1028), (1040, 1008)])
def test_keys_that_are_none_of_ours(engine: Engine, p_bits: int, q_bits: int) -> None:
    """Another size, a size of no whole bytes, primes of two lengths: right, or refused; never wrong."""
    key = make_key(p_bits + q_bits, p_bits)
    bases = [secrets.randbelow(key.modulus) for _ in range(2)]
    assert engine.exponentiate([(key, base) for base in bases], RANDOM) == [power(key, base) for base in bases]


def test_any_number_of_keys_at_once(engine: Engine, keys: Sequence[CrtPrivateKey]) -> None:
    """From none to more than go together, each with a key of its own, of several sizes; results in their order."""
    mixed = [*keys, make_key(1024)]
    for count in (0, 1, 2, 3, 8, 9, len(mixed)):
        operations = [(key, secrets.randbelow(key.modulus)) for key in mixed[len(mixed) - count :]]
        assert held(operations, engine.exponentiate(operations, RANDOM))


def test_several_threads_at_once(engine: Engine, keys: Sequence[CrtPrivateKey]) -> None:
    """One engine serves all threads with the same keys; none sees another's numbers."""
    barrier = threading.Barrier(4)

    def work(count: int) -> bool:
        barrier.wait()
        right = True
        for _ in range(8):
            operations = [(key, secrets.randbelow(key.modulus)) for key in keys[:count]]
            right &= held(operations, engine.exponentiate(operations, RANDOM))
        return right

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, (1, 2, 5, 8)))


def test_certifies_a_modulus(engine: Engine, signers: Signers) -> None:
    """With a key whose public exponent is longer than its modulus."""
    check_certification(signers.client.public, b"here", certify_modulus(signers.client, b"here", engine, RANDOM))


class Halved:
    """An engine with a fault in the half of q: what Boneh, DeMillo and Lipton want to see."""

    width = 1

    def __init__(self, engine: Engine) -> None:
        self.name = engine.name
        self.made: list[int] = []
        self._engine = engine

    def exponentiate(self, operations: Sequence[Exponentiation], random: Random) -> list[int]:
        """See ``Engine.exponentiate``."""
        results = self._engine.exponentiate(operations, random)
        self.made = [(result + key.p) % key.modulus for result, (key, _) in zip(results, operations, strict=True)]
        return self.made


def test_fault_gives_no_prime_away(engine: Engine, signers: Signers) -> None:
    """The caller checks what any engine made. What it kept back would have revealed p."""
    share, number, faulty = signers.client, 2**2000, Halved(engine)
    with pytest.raises(FaultDetected) as caught:
        compute_partial(share, number, faulty, RANDOM, what="partial signature")
    (made,) = faulty.made
    assert gcd(pow(made, 65537, share.crt.modulus) - number, share.crt.modulus) == share.crt.p
    told = "".join(traceback.format_exception(caught.value)) + repr((caught.value.args, caught.value.metadata))
    assert leaked(told, share) == []
    assert str(made) not in told
    assert f"{made:x}" not in told


def test_nothing_secret_is_shown(engine: Engine, signers: Signers) -> None:
    """Neither by the engine nor by a key that it has worked with."""
    compute_partial(signers.client, 2, engine, RANDOM, what="partial signature")
    assert leaked(repr((engine, vars(engine), signers.client.crt)), signers.client) == []
