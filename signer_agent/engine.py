"""Who exponentiates with the agent's shares."""

from __future__ import annotations

import os
from typing import Final

from mpc.engines import Engine, EngineName, open_engine
from mpc.errors import EngineUnavailable

ENGINE_VARIABLE: Final = "FOURSEAL_ENGINE"
"""Environment variable that names the engine: gmpy2 (the default), libcrypto or crypto_mb."""


def chosen_engine() -> Engine:
    """The engine that FOURSEAL_ENGINE names.

    Raises:
        EngineUnavailable: the machine lacks what it needs, or there is none of that name.
    """
    name = os.environ.get(ENGINE_VARIABLE) or EngineName.GMPY2
    try:
        return open_engine(EngineName(name))
    except ValueError:
        raise EngineUnavailable(name, f"there are only {', '.join(EngineName)}") from None
