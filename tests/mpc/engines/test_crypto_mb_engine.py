"""Intel's multi-buffer engine: who does what, blinding, wiping, and what it says where it cannot be used."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence

import pytest

from mpc.engines import EngineName, Exponentiation, Gmpy2Engine, Random
from mpc.engines.crypto_mb_engine import CryptoMbEngine
from mpc.engines.multi_buffer import Library, MultiBufferKey
from mpc.errors import EngineUnavailable
from tests.mpc.engines.conftest import opened
from tests.mpc.engines.keys import make_key, power
from tests.mpc.parties import RANDOM
from tests.mpc.refusals import fault_detected


class Other(Gmpy2Engine):
    """The engine for the rest. It keeps account."""

    def __init__(self) -> None:
        self.counts: list[int] = []

    def exponentiate(self, operations: Sequence[Exponentiation], random: Random) -> list[int]:
        """See ``Engine.exponentiate``."""
        self.counts.append(len(operations))
        return super().exponentiate(operations, random)


@pytest.fixture
def other() -> Other:
    """Does the rest."""
    return Other()


@pytest.fixture
def engine(other: Other) -> CryptoMbEngine:
    """One of its own, whose library a test can listen to."""
    opened(EngineName.CRYPTO_MB)
    return CryptoMbEngine(other)


def listen(engine: CryptoMbEngine, hear: Callable[..., int | None]) -> None:
    """Have all arguments of the eightfold exponentiation heard first; a status returned is what it comes to."""
    real = engine._library.calls.mbx_rsa_private_crt_mb8

    def call(*given: object) -> int:
        status = hear(*given)
        return int(real(*given)) if status is None else status

    setattr(engine._library.calls, "mbx_rsa_private_crt_mb8", call)  # noqa: B010  # of a library, mypy knows no names


@pytest.mark.parametrize(
    ("bits", "count", "together", "rest"),
    [
        (2048, 1, 0, [1]),
        (2048, 2, 0, [2]),
        (2048, 3, 1, []),
        (2048, 8, 1, []),
        (2048, 10, 1, [2]),
        (2048, 11, 2, []),
        (3072, 3, 0, [3]),
        (3072, 4, 1, []),
        (1024, 9, 0, [8, 1]),
    ],
)
def test_enough_go_together_and_fewer_elsewhere(
    bits: int, count: int, together: int, rest: list[int], engine: CryptoMbEngine, other: Other
) -> None:
    """A batch that is not full costs as much as a full one."""
    calls: list[object] = []
    listen(engine, lambda *given: calls.append(given))
    key = make_key(bits)
    bases = range(2, 2 + count)
    assert engine.exponentiate([(key, base) for base in bases], RANDOM) == [power(key, base) for base in bases]
    assert (len(calls), other.counts) == (together, rest)


def test_sizes_are_not_mixed(engine: CryptoMbEngine, other: Other) -> None:
    """Each goes with its own; a key whose primes differ in length with none."""
    calls: list[object] = []
    listen(engine, lambda *given: calls.append(given[7]))
    keys = [*[make_key(2048)] * 3, make_key(3072), make_key(2048, 1040)]
    operations = [(key, 5) for key in [*keys, *reversed(keys)]]
    assert engine.exponentiate(operations, RANDOM) == [power(*operation) for operation in operations]
    assert calls == [2048]
    assert sorted(other.counts) == [2, 2]


def test_base_is_blinded_before_the_library_sees_it(engine: CryptoMbEngine) -> None:
    """For one base and one key, another number in every lane."""
    seen: list[bytes] = []

    def hear(inputs: Sequence[int], *_: object) -> None:
        seen.extend(ctypes.string_at(address, 256) for address in inputs)

    listen(engine, hear)
    key = make_key(2048)
    for _ in range(2):
        engine.exponentiate([(key, 5)] * 8, RANDOM)
    assert len(set(seen)) == 16
    assert (5).to_bytes(256, "big") not in seen


def test_buffers_are_wiped(engine: CryptoMbEngine) -> None:
    """Those of an operation after it, those of a key with it."""
    kept: list[ctypes.Array[ctypes.c_char]] = []
    full: list[bool] = []

    def hear(*given: ctypes.Array[ctypes.c_char]) -> None:
        kept.append(given[-1])

    listen(engine, hear)
    key = make_key(2048)
    engine.exponentiate([(key, 5)] * 3, RANDOM)
    numbers = key.prepared(MultiBufferKey)._numbers
    full.append(any(numbers.raw))
    del key
    assert full == [True]
    assert not any(numbers.raw)
    assert len(kept[0]) > 10_000
    assert not any(kept[0].raw)


def test_what_the_library_refuses_is_a_fault(engine: CryptoMbEngine) -> None:
    """A status of one lane: nothing of that call is used."""
    listen(engine, lambda *_: 0x00000020)
    with fault_detected():
        engine.exponentiate([(make_key(2048), 5)] * 3, RANDOM)


def test_without_the_packages(monkeypatch: pytest.MonkeyPatch, other: Other) -> None:
    """Said by their names."""
    monkeypatch.setattr(sys, "prefix", "/nowhere")
    with pytest.raises(EngineUnavailable, match="ipp-crypto and intel-cmplr-lib-rt are not installed"):
        CryptoMbEngine(other)


def test_processor_without_the_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is asked before anything of it runs: it would be killed by its first instruction."""

    class Asked:
        def __init__(self, _: str) -> None:
            self.mbx_is_crypto_mb_applicable = lambda features: features

    monkeypatch.setattr(ctypes, "CDLL", Asked)
    with pytest.raises(EngineUnavailable, match="no AVX-512 IFMA"):
        Library()
