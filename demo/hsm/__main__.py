"""``python -m demo.hsm``: custody in a token, and certificates; exit status 0 only if every step held."""

from __future__ import annotations

import secrets
import sys

from demo.hsm.custody import Custody
from demo.hsm.office import Office
from demo.hsm.outage import Outage
from demo.people import Signer
from demo.performance import Performance
from demo.show import Show
from demo.stage import CommandFailed, Stage
from softhsm import SoftHsmMissing, lay_out


def play(show: Show, stage: Stage) -> None:
    """Every step; stops at the first that does not hold."""
    try:
        token = lay_out(stage.folder / "token")
    except SoftHsmMissing as missing:
        raise CommandFailed(str(missing)) from None
    alice = Signer("alice", f"alice-{secrets.token_urlsafe(12)}", stage, show)
    custody = Custody(stage, show, token, alice)
    custody.perform()
    office = Office(stage, show, custody)
    office.certify()
    Outage(stage, show, token, alice, custody.key_id).perform()
    office.replace()


PERFORMANCE = Performance(
    "python -m demo.hsm",
    "Keep the server's half of a key in a token, and certify the key.",
    "Fourseal: the server's half in a token, and a certificate for the whole key",
    "All of it really runs: SoftHSM2 as the token, a server, a signer, an officer; OpenSC looks into the token, and "
    "OpenSSL is the verifier.",
    "Everything held: the server's half was used in the token alone, and nothing was used twice.",
    play,
)


if __name__ == "__main__":
    sys.exit(PERFORMANCE.run())
