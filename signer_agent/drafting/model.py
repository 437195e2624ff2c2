"""Contracts as the server shows them; ``reading`` says what of it was checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from contract.documents.draft import DraftFormat
from contract.drafting.consents import ContractConsent
from contract.drafting.statements import ContractStatement
from contract.trusteeship.certificates import PersonalCertificate


class ContractState(StrEnum):
    """How a contract stands."""

    DRAFTING = "drafting"
    LOCKED = "locked"
    SIGNED = "signed"
    CONSENTED = "consented"
    FINISHED = "finished"
    COMPLETE = "complete"
    ENDED = "ended"
    UNKNOWN = "unknown"
    """Of a newer server."""


@dataclass(frozen=True, slots=True)
class ContractSummary:
    """A contract in a list, as the server says.

    Args:
        contract_id: its name.
        title: what it is called.
        state: how it stands.
        creator: account that made it.
        pen_holder: account that may add a version.
        accounts: of all parties, sorted.
        last_version: number of the last version.
        serial: its serial number; 0 until it has one.
        create_time: when it was made, UTC.
        update_time: when it last changed, UTC.
    """

    contract_id: str
    title: str
    state: ContractState
    creator: str
    pen_holder: str
    accounts: tuple[str, ...]
    last_version: int
    serial: int
    create_time: datetime
    update_time: datetime


@dataclass(frozen=True, slots=True)
class DraftVersion:
    """What is known of a version without its file, as the server says.

    Args:
        number: 1, 2, 3, ...
        based_on: the version that its author had edited; 0 for the first.
        author: account that added it.
        create_time: when, UTC.
        form: what the file is.
        size: its bytes.
        sha256: of the file.
        text_digest: SHA-256 of its canonical text.
    """

    number: int
    based_on: int
    author: str
    create_time: datetime
    form: DraftFormat
    size: int
    sha256: bytes
    text_digest: bytes


@dataclass(frozen=True, slots=True)
class Party:
    """A party, and what it did. Its certificate is of the authority that this agent knows; what it signed holds.

    Args:
        account: its name.
        confirmed_version: that it confirmed; 0: none.
        certificate: that it signs with; None until it confirmed.
        revoke_time: when that was revoked, as the server says; None: it was not.
        statement: that it signed; None until then.
        mark: over the statement; empty until then.
        consent: that it gave; None until then.
        pdf_signed: whether it signed the PDF, as the server says.
    """

    account: str
    confirmed_version: int
    certificate: PersonalCertificate | None
    revoke_time: datetime | None
    statement: ContractStatement | None
    mark: bytes = field(repr=False)
    consent: ContractConsent | None
    pdf_signed: bool


@dataclass(frozen=True, slots=True)
class ContractTurn:
    """That a contract went back to editing, or ended, as the server says.

    Args:
        account: the party that did it, or whose digest of the text differs.
        text_differs: whether it went back because a party signed another text than the server has.
        reason: what the party says; of the party's choice.
        time: when, UTC.
    """

    account: str
    text_differs: bool
    reason: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract.

    Args:
        summary: as in a list.
        parties: sorted by account.
        versions: oldest first.
        last_return: the last time that it went back to editing; None: never.
        end: who ended it; None: nobody.
        finish_time: of the watermark; None until there is one.
        pdf_bytes: of the PDF before anybody signed it, as the server says; 0: there is none.
    """

    summary: ContractSummary
    parties: tuple[Party, ...]
    versions: tuple[DraftVersion, ...]
    last_return: ContractTurn | None
    end: ContractTurn | None
    finish_time: datetime | None
    pdf_bytes: int

    @property
    def contract_id(self) -> str:
        """Its name."""
        return self.summary.contract_id

    @property
    def state(self) -> ContractState:
        """How it stands."""
        return self.summary.state

    def party(self, account: str) -> Party | None:
        """The party of that name."""
        return next((each for each in self.parties if each.account == account), None)

    def version(self, number: int) -> DraftVersion | None:
        """The version of that number."""
        return next((each for each in self.versions if each.number == number), None)

    @property
    def agreed_version(self) -> int:
        """The version that all parties confirmed; 0: none."""
        confirmed = {each.confirmed_version for each in self.parties}
        return confirmed.pop() if len(confirmed) == 1 else 0


@dataclass(frozen=True, slots=True)
class DraftFile:
    """A draft's file.

    Args:
        content: 1 byte to 3 MiB.
        form: what it is.
    """

    content: bytes = field(repr=False)
    form: DraftFormat


@dataclass(frozen=True, slots=True)
class Draft:
    """A version with its file: its digests were computed here.

    Args:
        version: what is known of it.
        file: its file.
        text: its text.
    """

    version: DraftVersion
    file: DraftFile
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Archived:
    """What the archive says of a contract, as the server shows it.

    Args:
        contract_id: its name.
        serial: its serial number.
        finish_time: of the watermark, UTC.
        text_digest: SHA-256 of the canonical text.
        evidence_sha256: of the evidence.
        pdf_sha256: of every revision of the PDF, oldest first.
        docx_sha256: of the DOCX.
    """

    contract_id: str
    serial: int
    finish_time: datetime
    text_digest: bytes
    evidence_sha256: bytes
    pdf_sha256: tuple[bytes, ...]
    docx_sha256: bytes
