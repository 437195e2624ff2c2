"""Who does a share's private exponentiation. See ``interface`` for what an engine must promise."""

from mpc.engines.available import EngineName, open_engine
from mpc.engines.gmpy2_engine import Gmpy2Engine
from mpc.engines.interface import CrtPrivateKey, Engine, Exponentiation, Exponentiator, Random

__all__ = [
    "CrtPrivateKey",
    "Engine",
    "EngineName",
    "Exponentiation",
    "Exponentiator",
    "Gmpy2Engine",
    "Random",
    "open_engine",
]
