"""``python -m demo.transaction``: payments by an infected terminal; exit status 0 only if every trick was caught."""

from __future__ import annotations

import secrets
import sys

from demo.people import Signer
from demo.performance import Performance
from demo.show import Show
from demo.stage import Stage
from demo.transaction.audit import Audit
from demo.transaction.bank import Bank
from demo.transaction.infection import Infection


def play(show: Show, stage: Stage) -> None:
    """Every step; stops at the first that does not hold."""
    alice, bob = (Signer(name, f"{name}-{secrets.token_urlsafe(12)}", stage, show) for name in ("alice", "bob"))
    bank = Bank(stage, show, alice, bob)
    bank.perform()
    Infection(bank).perform()
    Audit(bank).perform()


PERFORMANCE = Performance(
    "python -m demo.transaction",
    "Pay by a terminal that is infected, with a device that shows what is signed.",
    "Fourseal: what you see is what you sign",
    "All of it really runs: the bank's server, Alice's signing device with its page, a terminal, an infected one.",
    "Everything held: what Alice confirmed was executed once, and nothing else was.",
    play,
)


if __name__ == "__main__":
    sys.exit(PERFORMANCE.run())
