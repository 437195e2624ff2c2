"""A clock that is set back, for all of this process but gRPC.

Deadlines and TLS are gRPC's own, and go by the real time: TLS's certificates are good then and now.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import grpc.aio  # noqa: F401  # loads both
import time_machine

_REAL: Final = time_machine.escape_hatch
_MODULES_OF_GRPC: Final = ("grpc.aio._utils", "grpc._cython.cygrpc")


def set_back(by: timedelta) -> Callable[[], None]:
    """Set the clock of this process back, by that much; what is returned sets it right again."""
    _let_grpc_have(_REAL.time)
    travel = time_machine.travel(0, tick=True)
    travel.start().move_to(_REAL.datetime.datetime.now(UTC) - by)  # as every other process, exactly
    datetime.now(UTC)  # it stands still until it is first asked

    def stop() -> None:
        travel.stop()
        _let_grpc_have(time)

    return stop


def _let_grpc_have(clock: object) -> None:
    for name in _MODULES_OF_GRPC:
        vars(sys.modules[name])["time"] = clock
