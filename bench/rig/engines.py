"""The engines that this machine has."""

from __future__ import annotations

from mpc.engines import Engine, EngineName, open_engine
from mpc.errors import EngineUnavailable


def available_engines() -> tuple[list[Engine], tuple[str, ...]]:
    """Return them, the default one first, and why the others are left out."""
    engines, remarks = list[Engine](), list[str]()
    for name in EngineName:
        try:
            engines.append(open_engine(name))
        except EngineUnavailable as error:
            remarks.append(f"Left out: {error}.")
    return engines, tuple(remarks)
