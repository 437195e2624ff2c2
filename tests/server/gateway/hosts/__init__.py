"""Hosts with addresses of their own for real processes, and cuts between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tests.server.gateway.hosts.loopback import Loopback
from tests.server.gateway.hosts.namespaces import Namespaces, can_make_namespaces


class Hosts(Protocol):
    """So many hosts, by their names."""

    def close(self) -> None:
        """End what holds them."""

    def address(self, name: str) -> str:
        """Address of a host."""

    def names(self, name: str) -> list[str]:
        """All addresses of a host."""

    def listen(self, name: str) -> str:
        """Address on which a server of that host listens."""

    def inside(self, name: str) -> list[str]:
        """Module, and what it is given first, that runs a program on a host; empty: nothing is needed."""

    def variables(self, name: str) -> dict[str, str]:
        """Variables for programs of a host."""

    def guard_address(self, gateway: str, address: str) -> str:
        """Where a gateway finds the guard that serves at an address."""

    def cut(self, gateway: str, guard: str) -> None:
        """Let nothing through between a gateway's host and a guard's, for the guard's own address."""

    def mend(self, gateway: str, guard: str) -> None:
        """Let it through again."""


WAYS = {"namespaces": Namespaces} if can_make_namespaces() else {"loopback": Loopback}
"""How hosts are made on this machine."""


def make_hosts(way: str, names: Sequence[str]) -> Hosts:
    """Hosts that are made in a way of ``WAYS``."""
    return WAYS[way](names)
