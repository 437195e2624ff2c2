"""``python -m demo.trust``: an organisation's keys in trust; exit status 0 only if every step held."""

from __future__ import annotations

import secrets
import sys

from demo.people import Signer
from demo.performance import Performance
from demo.show import Show
from demo.stage import CommandFailed, Stage
from demo.trust.audit import Audit
from demo.trust.company import Company
from demo.trust.office import Office
from demo.trust.theft import Theft
from softhsm import SoftHsmMissing, lay_out


def play(show: Show, stage: Stage) -> None:
    """Every step; stops at the first that does not hold."""
    try:
        token = lay_out(stage.folder / "token")
    except SoftHsmMissing as missing:
        raise CommandFailed(str(missing)) from None
    alice, *directors = (
        Signer(name, f"{name}-{secrets.token_urlsafe(12)}", stage, show) for name in ("alice", "bob", "carol", "dora")
    )
    company = Company(stage, show, token, alice, directors)
    company.perform()
    office = Office(company)
    office.perform()
    Theft(company, office).perform()
    Audit(company).perform()


PERFORMANCE = Performance(
    "python -m demo.trust",
    "Keep a company's keys in a token, and let its people use them under grants.",
    "Fourseal: a company's seal in trust",
    "All of it really runs: SoftHSM2 as the token, a server, four signers, an officer; OpenSSL verifies and encrypts.",
    "Everything held: each use was granted, signed by who made it, and recorded; nothing else left the token.",
    play,
)


if __name__ == "__main__":
    sys.exit(PERFORMANCE.run())
