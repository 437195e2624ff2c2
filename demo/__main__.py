"""``python -m demo``: runs the demo; exit status 0 only if every step held and every attack was refused."""

from __future__ import annotations

import argparse
import io
import secrets
import sys

from demo.attacks import AttackSucceeded
from demo.court import Court
from demo.interrupts import Interrupts
from demo.meeting import Meeting
from demo.people import Signer
from demo.play import Play
from demo.show import Show
from demo.stage import CommandFailed, Stage
from mpc.errors import FoursealError

_INTERRUPTED = 130
_DAYS_BACK = 380  # more than signers' certificates are good for, less than TLS's: gRPC goes by the real time


def main() -> int:
    """Run the demo and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="Sign a contract with two halves of one key.")
    parser.add_argument("--keep", action="store_true", help="leave the folder with all files there at the end")
    keep = parser.parse_args().keep
    interrupts = Interrupts()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show a tick is no reason to fail
    show = Show()
    show.title(
        "Fourseal: one RSA key in two halves, and a contract signed with it",
        "All of it really runs: two servers, three signers, gRPC over TLS 1.3, and OpenSSL as the judge. "
        f"Clocks are set back by {_DAYS_BACK} days at first, so that a year can pass.",
    )
    try:
        with Stage(interrupts, keep=keep) as stage:
            held = _perform(show, stage)
            if keep:
                show.say(f"Everything is kept in {stage.folder}; the commands above run there. Remove it when done.")
    except KeyboardInterrupt:
        show.end("Interrupted. What was started was stopped, and the folder removed.", held=False)
        return _INTERRUPTED
    return 0 if held else 1


def _perform(show: Show, stage: Stage) -> bool:
    alice, bob, carol = (
        Signer(name, f"{name}-{secrets.token_urlsafe(12)}", stage, show) for name in ("alice", "bob", "carol")
    )
    failure = ""
    try:
        meeting = Meeting(stage, show, alice, bob, carol)
        court = Court(stage, show, meeting, bob)
        with stage.days_back(_DAYS_BACK):
            Play(stage, show, alice, bob).perform()
            meeting.perform()
            court.prepare()
        court.perform()
    except (CommandFailed, AttackSucceeded, FoursealError) as error:
        failure = str(error)
    show.table()
    if failure:
        show.end(f"Did not hold: {failure}", held=False)
    else:
        show.end("Everything held: each signature took both halves, and each attack was refused.", held=True)
    return not failure


if __name__ == "__main__":
    sys.exit(main())
