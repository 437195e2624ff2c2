"""Which engine exponentiates, and what each would do on this machine."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from mpc.engines import Engine, EngineName, open_engine
from mpc.errors import EngineUnavailable, FaultDetected
from mpc.four_prime_rsa import PUBLIC_EXPONENT, KeyShare, Purpose, Role, generate_key_share
from server.errors import OperatorError

_MEASURED_BITS: Final = (2048, 3072)
_MEASURED_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class EngineReport:
    """What an engine does on this machine.

    Args:
        name: which.
        missing: what it lacks; empty if it is available.
        rates: exponentiations a second on one core, self-check not counted, by bits of the half.
    """

    name: EngineName
    missing: str = ""
    rates: dict[int, float] = field(default_factory=dict)


def choose_engine(name: EngineName) -> Engine:
    """Open the engine that the configuration names.

    Raises:
        OperatorError: the machine lacks what it needs.
    """
    try:
        return open_engine(name)
    except EngineUnavailable as error:
        action = "Set engine to another one; fourseal-server doctor shows which there are."
        raise OperatorError(str(error), action) from None


def measure_engines() -> list[EngineReport]:
    """Measure every engine for some tenths of a second, with shares that are thrown away.

    Raises:
        FaultDetected: an engine's result does not hold.
    """
    shares = [generate_key_share(Role.SERVER, Purpose.SIGN, bits) for bits in _MEASURED_BITS]
    return [_report(name, shares) for name in EngineName]


def _report(name: EngineName, shares: Sequence[KeyShare]) -> EngineReport:
    try:
        engine = open_engine(name)
    except EngineUnavailable as error:
        return EngineReport(name, missing=error.metadata["cause"])
    return EngineReport(name, rates={share.public.half_bits: _rate(engine, share) for share in shares})


def _rate(engine: Engine, share: KeyShare) -> float:
    numbers = [secrets.randbelow(share.public.modulus) for _ in range(engine.width)]
    operations = [(share.crt, number) for number in numbers]
    for number, result in zip(numbers, engine.exponentiate(operations, secrets.token_bytes), strict=True):
        if pow(result, PUBLIC_EXPONENT, share.public.modulus) != number:
            raise FaultDetected(f"engine {engine.name}")
    begin, done = time.thread_time(), 0
    while time.thread_time() - begin < _MEASURED_SECONDS:
        engine.exponentiate(operations, secrets.token_bytes)
        done += engine.width
    return done / (time.thread_time() - begin)
