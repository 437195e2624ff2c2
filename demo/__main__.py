"""``python -m demo``: runs the demo; exit status 0 only if every step held and every attack was refused."""

from __future__ import annotations

import secrets
import sys
from datetime import timedelta

from demo.court import Court
from demo.meeting import Meeting
from demo.people import Signer
from demo.performance import Performance
from demo.play import Play
from demo.show import Show
from demo.stage import Stage

_DAYS_BACK = 380  # more than signers' certificates are good for, less than TLS's: gRPC goes by the real time


def play(show: Show, stage: Stage) -> None:
    """Every step; stops at the first that does not hold."""
    alice, bob, carol = (
        Signer(name, f"{name}-{secrets.token_urlsafe(12)}", stage, show) for name in ("alice", "bob", "carol")
    )
    meeting = Meeting(stage, show, alice, bob, carol)
    court = Court(stage, show, meeting, bob)
    with stage.set_back(timedelta(days=_DAYS_BACK)):
        Play(stage, show, alice, bob).perform()
        meeting.perform()
        court.prepare()
    court.perform()


PERFORMANCE = Performance(
    "python -m demo",
    "Sign a contract with two halves of one key.",
    "Fourseal: one RSA key in two halves, and a contract signed with it",
    "All of it really runs: two servers, three signers, gRPC over TLS 1.3, and OpenSSL as the judge. "
    f"Clocks are set back by {_DAYS_BACK} days at first, so that a year can pass.",
    "Everything held: each signature took both halves, and each attack was refused.",
    play,
)


if __name__ == "__main__":
    sys.exit(PERFORMANCE.run())
