"""Hosts that are loopback addresses of this machine, where it lets us make no namespaces.

A gateway goes to the guard by a line of its own, which breaks when it is cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from demo.guard.line import Line
from signer_agent.contracts.way import SOURCE_VARIABLE
from signer_agent.loop_thread import LoopThread

_NET: Final = "127.77.0"


class Loopback:
    """So many hosts, by their names. Close it at the end.

    Args:
        names: of the hosts.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self._loop = LoopThread()
        self._lines: dict[str, Line] = {}

    def close(self) -> None:
        """Close the lines."""
        for line in self._lines.values():
            line.close()
        self._loop.end()

    def address(self, name: str) -> str:
        """Address of a host."""
        return f"{_NET}.{self._names.index(name) + 1}"

    def names(self, name: str) -> list[str]:
        """All addresses of a host."""
        return [self.address(name)]

    def guard_address(self, gateway: str, address: str) -> str:
        """Where a gateway finds the guard that serves at an address."""
        if gateway not in self._lines:
            self._lines[gateway] = Line(self._loop, address.rpartition(":")[0])
        self._lines[gateway].lead_to(address)
        return self._lines[gateway].address

    def cut(self, gateway: str, guard: str) -> None:  # noqa: ARG002  # there is one
        """Break what goes between a gateway and a guard, and let nothing through."""
        self._lines[gateway].cut()

    def mend(self, gateway: str, guard: str) -> None:  # noqa: ARG002
        """Let it through again."""
        self._lines[gateway].mend()

    def listen(self, name: str) -> str:
        """Address on which a server of that host listens."""
        return self.address(name)

    def inside(self, name: str) -> list[str]:  # noqa: ARG002
        """What runs a program on a host: nothing, all are this machine."""
        return []

    def variables(self, name: str) -> dict[str, str]:
        """Variables for programs of a host: they cannot see which address is theirs."""
        return {SOURCE_VARIABLE: self.address(name)}
