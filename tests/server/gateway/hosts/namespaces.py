"""Hosts in network namespaces of their own, and a router between them that can let packets vanish.

A namespace lasts as long as a process in it: each is held by a ``cat`` that ends with our end of a pipe. So nothing is
left, whoever is killed, and nothing has a name that another run could have, too. All are in one user namespace of
their own, in which whoever runs this is root.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from typing import Final

_NET: Final = "10.77"
_HOLD: Final = ("sh", "-c", "echo && exec cat")
_PROGRAMS: Final = ("unshare", "nsenter", "ip")
_SECONDS: Final = 30
_FORWARD: Final = "echo 1 > /proc/sys/net/ipv4/ip_forward"
_PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"


@cache
def can_make_namespaces() -> bool:
    """Whether this machine lets us: tried with one host."""
    if not all(shutil.which(name, path=_PATH) for name in _PROGRAMS):
        return False
    try:
        Namespaces(["probe"]).close()
    except (OSError, subprocess.SubprocessError):
        return False
    return True


class Namespaces:
    """So many hosts, by their names. Close it at the end.

    Args:
        names: of the hosts.

    Raises:
        OSError, SubprocessError: they cannot be made here.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._holders: list[subprocess.Popen[bytes]] = []
        try:
            self._router = self._hold("unshare", "--map-root-user", "--net")
            inside = ("nsenter", *_ways_into(self._router), "unshare", "--net")
            self._hosts = {name: self._hold(*inside) for name in names}
            _run(self._router, "sh", "-c", _FORWARD)
            self._ip(self._router, *(line for number, pid in self._numbered() for line in _router_lines(number, pid)))
            for number, pid in self._numbered():
                self._ip(pid, *_host_lines(number))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let the namespaces vanish. What still runs in one keeps it, without a way out."""
        for holder in self._holders:
            holder.communicate()

    def address(self, name: str) -> str:
        """Address of a host."""
        return _address(list(self._hosts).index(name) + 1)

    def guard_address(self, gateway: str, address: str) -> str:  # noqa: ARG002  # all go the same way
        """Where a gateway finds the guard that serves at an address."""
        host, _, port = address.rpartition(":")
        return f"{_second(host)}:{port}"

    def names(self, name: str) -> list[str]:
        """All addresses of a host: a guard is found at the second one, so that it alone can be cut off."""
        return [self.address(name), _second(self.address(name))]

    def cut(self, gateway: str, guard: str) -> None:
        """Let whatever goes between a gateway and a guard vanish. Nobody is told."""
        self._ip(self._router, *(f"rule add {rule}" for rule in self._rules(gateway, guard)))

    def mend(self, gateway: str, guard: str) -> None:
        """Let it through again."""
        self._ip(self._router, *(f"rule del {rule}" for rule in self._rules(gateway, guard)))

    def listen(self, name: str) -> str:  # noqa: ARG002
        """Address on which a server of that host listens: nobody else is there."""
        return "0.0.0.0"  # noqa: S104

    def inside(self, name: str) -> list[str]:
        """Module, and what it is given first, that runs a program on a host."""
        return ["tests.server.gateway.hosts.inside", str(self._hosts[name])]

    def variables(self, name: str) -> dict[str, str]:  # noqa: ARG002
        """Variables for programs of a host: none, it has an address of its own."""
        return {}

    def _numbered(self) -> list[tuple[int, int]]:
        return list(enumerate(self._hosts.values(), 1))

    def _rules(self, gateway: str, guard: str) -> list[str]:
        one, other = self.address(gateway), _second(self.address(guard))
        return [f"from {one} to {other} type blackhole", f"from {other} to {one} type blackhole"]

    def _hold(self, *command: str) -> int:
        holder = subprocess.Popen(
            [*command, *_HOLD],
            env={"PATH": _PATH},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._holders.append(holder)
        assert holder.stdout is not None
        if not holder.stdout.readline():  # it is there as soon as it says so
            raise OSError(f"{command[0]} is refused")
        return holder.pid

    def _ip(self, pid: int, *lines: str) -> None:
        _run(pid, "ip", "-batch", "-", given="\n".join(lines))


def _router_lines(number: int, pid: int) -> list[str]:
    return [
        f"link add host{number} type veth peer name eth0 netns {pid}",
        f"address add {_NET}.{number}.1/24 dev host{number}",
        f"link set host{number} up",
    ]


def _host_lines(number: int) -> list[str]:
    return [
        "link set lo up",
        f"address add {_address(number)}/24 dev eth0",
        f"address add {_second(_address(number))}/24 dev eth0",
        "link set eth0 up",
        f"route add default via {_NET}.{number}.1",
    ]


def _address(number: int) -> str:
    return f"{_NET}.{number}.2"


def _second(address: str) -> str:
    return f"{address.rpartition('.')[0]}.3"


def _ways_into(pid: int) -> tuple[str, ...]:
    return ("--target", str(pid), "--user", "--net", "--preserve-credentials")


def _run(pid: int, *command: str, given: str = "") -> None:
    subprocess.run(
        ["nsenter", *_ways_into(pid), *command],
        env={"PATH": _PATH},
        input=given.encode(),
        capture_output=True,
        timeout=_SECONDS,
        check=True,
    )
