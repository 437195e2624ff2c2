"""The engines by their names, and which of them this machine has."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import cache
from typing import Final

from mpc.engines.crypto_mb_engine import CryptoMbEngine
from mpc.engines.gmpy2_engine import Gmpy2Engine
from mpc.engines.interface import Engine
from mpc.engines.libcrypto_engine import LibcryptoEngine
from mpc.errors import EngineUnavailable


class EngineName(StrEnum):
    """Names of engines, as in configuration."""

    GMPY2 = "gmpy2"
    LIBCRYPTO = "libcrypto"
    CRYPTO_MB = "crypto_mb"


def _make_crypto_mb() -> Engine:
    try:
        other = open_engine(EngineName.LIBCRYPTO)
    except EngineUnavailable:
        other = open_engine(EngineName.GMPY2)
    return CryptoMbEngine(other)


_MAKERS: Final[dict[EngineName, Callable[[], Engine]]] = {
    EngineName.GMPY2: Gmpy2Engine,
    EngineName.LIBCRYPTO: LibcryptoEngine,
    EngineName.CRYPTO_MB: _make_crypto_mb,
}


@cache
def open_engine(name: EngineName) -> Engine:
    """The engine of that name; one for the whole process.

    Raises:
        EngineUnavailable: this machine lacks what it needs.
    """
    return _MAKERS[name]()
