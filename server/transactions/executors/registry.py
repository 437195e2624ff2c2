"""Executors by name: those that are built in, and plug-ins.

A plug-in is a package that names what makes its executor as an entry point of the group ``fourseal.executors``. What is
built in is found in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Final

import structlog

from mpc.engines import Random
from server.clock import Clock
from server.config import Settings
from server.errors import OperatorError
from server.transactions.executors.interface import Executor

GROUP: Final = "fourseal.executors"
"""Of entry points: each is an ``ExecutorMaker``."""
BUILT_IN: Final = {
    "ledger": "server.transactions.executors.ledger:make_ledger",
    "webhook": "server.transactions.executors.webhook:make_webhook",
}
"""By name, as "module:function"; each an ``ExecutorMaker``."""


@dataclass(frozen=True, slots=True)
class ExecutorMeans:
    """What an executor is made with.

    Args:
        settings: the server's configuration.
        clock: the time.
        random: randomness.
        log: the server's own log.
    """

    settings: Settings
    clock: Clock
    random: Random
    log: structlog.stdlib.BoundLogger


ExecutorMaker = Callable[[ExecutorMeans], Executor]
"""Makes an executor, once for a process. Raises OperatorError where something is missing."""


def find_executor(name: str) -> ExecutorMaker:
    """What makes the executor of that name.

    Raises:
        OperatorError: there is none, or more than one, or it cannot be loaded.
    """
    found = [EntryPoint(name, BUILT_IN[name], GROUP)] if name in BUILT_IN else []
    found += _installed().select(name=name)
    if len(found) != 1:
        known = ", ".join(sorted({*BUILT_IN, *_installed().names})) or "none"
        problem = "more than one executor has" if found else "no executor has"
        raise OperatorError(f"{problem} the name {name}", f"Known are: {known}. See transaction_executors.")
    try:
        maker: ExecutorMaker = found[0].load()
    except (ImportError, AttributeError) as error:
        raise OperatorError(f"the executor {name} cannot be loaded: {error}", "Install what it needs.") from error
    return maker


@cache
def _installed() -> EntryPoints:
    """Of other packages. To ask all that are installed takes some 10 ms; they stay while a process runs."""
    return entry_points(group=GROUP)


def make_executors(means: ExecutorMeans) -> dict[str, Executor]:
    """The executors that the configuration names, by kind of transaction: one of each name.

    Raises:
        OperatorError: what ``find_executor`` and the makers raise.
    """
    chosen = dict(each.split("=") for each in means.settings.transaction_executors)
    made = {name: find_executor(name)(means) for name in dict.fromkeys(chosen.values())}
    return {kind: made[name] for kind, name in chosen.items()}
