"""A clock that is set back, for all of this process but gRPC.

Deadlines and TLS are gRPC's own, and go by the real time: TLS's certificates are good then and now.
"""

from __future__ import annotations

import sys
from datetime import UTC, timedelta
from typing import Final

import grpc.aio  # noqa: F401  # loads both
import time_machine

_REAL: Final = time_machine.escape_hatch
_MODULES_OF_GRPC: Final = ("grpc.aio._utils", "grpc._cython.cygrpc")


def set_back(days: int) -> time_machine.travel:
    """Set the clock of this process back, by that many days; what is returned stops it again."""
    for name in _MODULES_OF_GRPC:
        vars(sys.modules[name])["time"] = _REAL.time
    travel = time_machine.travel(0, tick=True)
    travel.start().move_to(_REAL.datetime.datetime.now(UTC) - timedelta(days=days))  # as every other process, exactly
    return travel
