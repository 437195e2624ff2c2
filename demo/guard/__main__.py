"""``python -m demo.guard``: somebody writes as Alice; exit status 0 only if every step held."""

from __future__ import annotations

import sys
from contextlib import closing

from demo.guard.flood import Flooded
from demo.guard.managed import BACK, Managed
from demo.guard.network import Network
from demo.guard.past import Past
from demo.guard.peer import PeerMode
from demo.performance import Performance
from demo.shells import Shells
from demo.show import Show
from demo.stage import Stage


def play(show: Show, stage: Stage) -> None:
    """Every step; stops at the first that does not hold."""
    with closing(Network(stage, show)) as network:
        past = Past(network)
        with stage.set_back(BACK):
            past.perform()
        managed = Managed(past)
        managed.perform()
        Flooded(past, managed.session_id).perform()
        PeerMode(past).perform()


PERFORMANCE = Performance(
    "python -m demo.guard",
    "Have a guard find out who writes in another's name.",
    "Fourseal: two keys for one name, and a guard that finds out whose is forged",
    "All of it really runs: a server with the guard, three gateways, five agents, each at a loopback address. "
    f"Clocks are set back by {BACK.total_seconds() / 60:.0f} minutes at first, so that there is a past.",
    "Everything held: both impostors were found out, and of genuine messages none was lost or out of order.",
    play,
    Shells,
)


if __name__ == "__main__":
    sys.exit(PERFORMANCE.run())
