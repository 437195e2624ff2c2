"""``python -m demo.drafting``: a contract from draft to proof; exit status 0 only if every step held."""

from __future__ import annotations

import secrets
import sys

from demo.drafting.lie import Lie
from demo.drafting.negotiation import Negotiation
from demo.drafting.parties import Parties
from demo.drafting.proof import Proof
from demo.drafting.tampering import Tampering
from demo.people import Signer
from demo.performance import Performance
from demo.show import Show
from demo.stage import Stage


def play(show: Show, stage: Stage) -> None:
    """Every step; stops at the first that does not hold."""
    alice, bob = (Signer(name, f"{name}-{secrets.token_urlsafe(12)}", stage, show) for name in ("alice", "bob"))
    parties = Parties(stage, show, alice, bob)
    parties.perform()
    Negotiation(parties).perform()
    Lie(parties).perform()
    Proof(parties).perform()
    Tampering(parties).perform()


PERFORMANCE = Performance(
    "python -m demo.drafting",
    "Negotiate a contract, sign it, verify it from its file alone, and find what was altered.",
    "Fourseal: a contract from its first draft to the proof of who agreed to what",
    "All of it really runs: a server, two signers, an officer; poppler draws and verifies the PDF, OpenSSL its "
    "signatures.",
    "Everything held: the file alone shows who agreed to which text, and what somebody altered in it.",
    play,
)


if __name__ == "__main__":
    sys.exit(PERFORMANCE.run())
