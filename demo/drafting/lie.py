"""A server that lets Bob read another text than Alice has signed: found by his agent before he signs it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from contract.documents.draft import DraftFormat
from contract.documents.reading import read_draft
from contract.documents.text import text_digest
from demo.attacks import SERVER_HOME
from demo.drafting.drafts import Change, Language, contract_text
from demo.drafting.parties import Parties
from demo.stage import AttackSucceeded, CommandFailed
from mpc.errors import PeerMisbehaved
from signer_agent.drafting.model import DraftFile

_LIE: Final = Change("0.05%", "0.5%")
_TITLE: Final = "买卖合同（二）"
_LIED: Final = "lied.md"
_OPERATOR: Final = """
import sqlite3, sys
database, contract, file, size, digest, text_digest = sys.argv[1:]
with open(file, "rb") as other, sqlite3.connect(database) as connection:
    said = (int(size), bytes.fromhex(digest), bytes.fromhex(text_digest), contract)
    for command, values in (
        ("UPDATE contract_files SET content = ? WHERE contract_id = ?", (other.read(), contract)),
        ("UPDATE contract_versions SET size = ?, sha256 = ?, text_digest = ? WHERE contract_id = ?", said),
    ):
        if connection.execute(command, values).rowcount != 1:
            sys.exit("there is no such version")
"""


@dataclass(frozen=True, slots=True)
class Lie:
    """One step. It raises if it does not hold."""

    parties: Parties

    def perform(self) -> None:
        """Lie, and be found out."""
        with self.parties.show.step("Show Bob another text than Alice has signed", is_attack=True) as shown:
            shown.outcome = self._perform()

    def _perform(self) -> str:
        show, text = self.parties.show, contract_text(Language.CHINESE)
        with self.parties.alice.agent() as agent, self.parties.bob.agent() as other:
            alice, bob = agent.contracts().drafting(), other.contracts().drafting()
            made = alice.create(_TITLE, ["bob"], DraftFile(text.encode(), DraftFormat.MARKDOWN)).contract_id
            for each in (alice, bob):
                each.confirm(made, 1)
            alice.sign(alice.contract(made), alice.draft(made))
            show.say(f"Alice has signed {_LIE.before} a day. The operator makes it {_LIE.after}, and digests to it:")
            self._replace(made, _LIE.of(text).encode())
            draft = bob.draft(made)
            if _LIE.after not in draft.text:
                raise CommandFailed("Bob is shown what Alice has signed")
            try:
                show.say("Bob reads that, and would sign it. His agent looks at what Alice has signed:")
                bob.sign(bob.contract(made), draft)
            except PeerMisbehaved as error:
                show.refusal(f"to blame: the {error.culprit}", f"{error.reason}: {error}")
                if error.culprit != "server":
                    raise
            else:
                raise AttackSucceeded("Bob signed another text than Alice")
        return "not signed: what Alice signed has another digest, and cannot be passed off as what Bob was shown"

    def _replace(self, contract: str, content: bytes) -> None:
        stage, text = self.parties.stage, read_draft(content, DraftFormat.MARKDOWN).text
        (stage.folder / _LIED).write_bytes(content)
        said = (str(len(content)), sha256(content).hexdigest(), text_digest(text).hex())
        stage.must([sys.executable, "-c", _OPERATOR, f"{SERVER_HOME}/fourseal.db", contract, _LIED, *said])
