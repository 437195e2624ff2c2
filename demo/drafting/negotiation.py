"""Two contracts, from the first draft to the PDF that both have signed: one in Chinese, one in English."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from contract.documents.draft import DraftFormat
from contract.documents.reading import read_draft
from contract.documents.text import canonical_text
from demo.drafting.drafts import Change, Language, as_docx, contract_text
from demo.drafting.parties import Parties
from demo.people import Signer
from demo.show import Show
from demo.stage import CommandFailed, Stage
from signer_agent.drafting.model import ContractState, DraftFile

CHINESE_PDF: Final = "contract.zh.pdf"
CHINESE_DOCX: Final = "contract.zh.docx"
CHINESE_DRAFT: Final = "agreed.zh.md"
ENGLISH_PDF: Final = "contract.en.pdf"
ENGLISH_DOCX: Final = "contract.en.docx"
ENGLISH_DRAFT: Final = "agreed.en.docx"

_TITLE, _ENGLISH_TITLE = "买卖合同", "Sales contract"
_ASKED_DATE: Final = Change("2027 年 3 月 31 日", "2027 年 5 月 31 日")
_ASKED_DAMAGES: Final = Change("0.05%", "0.02%")
_WANTED_DATE: Final = Change("2027 年 5 月 31 日", "2027 年 2 月 28 日")
_WANTED_DAMAGES: Final = Change("0.02%", "0.05%")
_MET_DATE: Final = Change("2027 年 2 月 28 日", "2027 年 3 月 31 日")
_OTHERS_FIRST: Final = "These have to act first"


@dataclass(slots=True)
class Negotiation:
    """The second act. Each step returns what it came to, in a few words; one that does not hold raises."""

    parties: Parties
    contract: str = ""

    def perform(self) -> None:
        """Do every step; stops at the first that does not hold."""
        for title, step in (
            ("Negotiate a contract in Chinese", self._negotiate),
            ("Confirm it, and sign its text", self._sign),
            ("Consent, and sign the PDF", self._finish),
            ("Do the same in English", self._english),
        ):
            with self._show.step(title) as shown:
                shown.outcome = step()

    def _negotiate(self) -> str:
        first = _ASKED_DAMAGES.of(_ASKED_DATE.of(contract_text(Language.CHINESE)))
        characters = len(canonical_text(read_draft(first.encode(), DraftFormat.MARKDOWN).text))
        self._show.say(f"Alice's draft, in Markdown, has {characters} characters. She has the pen.")
        (self._stage.folder / "alice.md").write_text(first, encoding="utf-8")
        made = self._alice.json("contract", "new", "alice.md", "--with", self._bob.name, "--title", _TITLE, "--json")
        self.contract = made["contract_id"]
        self._alice.fourseal("contract", "pass", self.contract, "bob")
        self._show.say("Bob wants the furniture earlier, and more for every day that it comes too late:")
        self._bob.fourseal("contract", "get", self.contract, "--out", "bob.md")
        wanted = _WANTED_DAMAGES.of(_WANTED_DATE.of((self._stage.folder / "bob.md").read_text(encoding="utf-8")))
        self._edit(self._bob, "bob.md", wanted)
        self._see_changes(self._alice, "[-5-][+2+]", "[-31-][+28+]", "[-0.02-][+0.05+]")
        self._show.say("Alice cannot edit: Bob has the pen. He hands it over, and she meets him half-way:")
        refused = self._alice.attempt("contract", "edit", self.contract, "alice.md")
        if refused.succeeded or "bob has the pen" not in refused.printed:
            raise CommandFailed(f"Alice could edit without the pen: {refused.printed}")
        self._show.refusal("Alice edits without it:", refused.printed.partition("Error: ")[2])
        self._bob.fourseal("contract", "pass", self.contract, "alice")
        self._edit(self._alice, CHINESE_DRAFT, _MET_DATE.of(wanted))
        self._see_changes(self._bob, "[-2-][+3+]", "[-28-][+31+]")
        return "three versions, each kept with author and time; everybody sees what changed"

    def _sign(self) -> str:
        for verb, more, state in (("confirm", (), "locked"), ("sign", ("--yes",), "signed")):
            self._alice.fourseal("contract", verb, self.contract, *more)
            shown = self._bob.json("contract", verb, self.contract, *more, "--json")
            self._show.output(f"state: {shown['state']}")
            if shown["state"] != state:
                raise CommandFailed(f"the contract is {shown['state']}, not {state}")
        self._show.views(
            {
                "each agent": "the digest of the text that it shows; it signs that, not what the server says",
                "server": "that Alice's digest, Bob's, and its own of the draft are one",
            }
        )
        return "H1 = H2 = H3: both have jointly signed the same text, and marked it"

    def _finish(self) -> str:
        self._show.say("Each sees whom the authority certified the other to be, and agrees to the watermark:")
        for person in (self._alice, self._bob):
            outcome = person.attempt("contract", "finish", self.contract, "--yes")
            if _OTHERS_FIRST not in outcome.printed:
                raise CommandFailed(f"{person.name} is not told that others act first: {outcome.printed}")
            self._show.output(outcome.printed)
        files = ("--out", CHINESE_PDF, "--docx", CHINESE_DOCX)
        self._show.output(self._alice.fourseal("contract", "finish", self.contract, *files))
        return "a PDF that both have signed, each after its agent has checked text, watermark and evidence"

    def _english(self) -> str:
        self._show.say("Programs do the same with the library. Alice's and Bob's take the English contract as DOCX:")
        draft = as_docx(contract_text(Language.ENGLISH))
        (self._stage.folder / ENGLISH_DRAFT).write_bytes(draft)
        with self._alice.agent() as agent, self._bob.agent() as other:
            alice, bob = agent.contracts().drafting(), other.contracts().drafting()
            made = alice.create(_ENGLISH_TITLE, [self._bob.name], DraftFile(draft, DraftFormat.DOCX)).contract_id
            for each in (alice, bob):
                each.confirm(made, 1)
            for each in (alice, bob):
                each.sign(each.contract(made), each.draft(made, 1))
            for each in (alice, bob):
                each.consent(each.contract(made))
            alice.finish(made)
            for each in (alice, bob):
                each.documents.sign_pdf(each.contract(made))
            contract = bob.contract(made)
            (self._stage.folder / ENGLISH_PDF).write_bytes(bob.documents.pdf(contract))
            (self._stage.folder / ENGLISH_DOCX).write_bytes(bob.documents.docx(contract))
        self._show.output(f"{contract.contract_id}: {contract.state}, serial number {contract.summary.serial}")
        if contract.state is not ContractState.COMPLETE:
            raise CommandFailed(f"the contract is {contract.state}")
        return "another contract, with another serial number and another watermark"

    def _edit(self, who: Signer, file: str, draft: str) -> None:
        (self._stage.folder / file).write_text(draft, encoding="utf-8")
        who.fourseal("contract", "edit", self.contract, file)

    def _see_changes(self, who: Signer, *expected: str) -> None:
        printed = who.fourseal("contract", "diff", self.contract)
        self._show.output(printed)
        for each in expected:
            if each not in printed:
                raise CommandFailed(f"the difference does not show {each}: {printed}")

    @property
    def _alice(self) -> Signer:
        return self.parties.alice

    @property
    def _bob(self) -> Signer:
        return self.parties.bob

    @property
    def _show(self) -> Show:
        return self.parties.show

    @property
    def _stage(self) -> Stage:
        return self.parties.stage
