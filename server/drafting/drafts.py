"""The writing: versions under one pen, confirmations, and going back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection

from contract.drafting.statements import MIN_SIGNERS
from contract.names import check_account_name, check_title, check_why, new_contract_id
from mpc.engines import Random
from mpc.four_prime_rsa import Purpose
from server.clock import Clock
from server.drafting.deeds import ContractDeeds
from server.drafting.documents import ContractDocuments
from server.drafting.guard import Own, find_ended, find_own
from server.drafting.states import ContractAction, ContractState, TurnCause, require_possible, state_wrong
from server.drafting.store import contracts as store
from server.drafting.store.archive import find_archived
from server.drafting.store.contracts import Contract, Version, version_file
from server.drafting.terms import CONTRACTS_PER_DAY, MAX_FILE_BYTES, DraftingTerms
from server.identity import AccountState, CertificateProfile, Login, find_account, find_certificate
from server.journal import Request, Result
from server.statements import wrong_certificate
from wire.catalogue import ServiceError

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DraftFile:
    """A file that is added.

    Args:
        format: "docx", "md" or "txt".
        content: 1 byte to 3 MiB.

    Raises:
        ServiceError: DRAFT_TOO_LARGE.
    """

    format: str
    content: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.content) > MAX_FILE_BYTES:
            raise ServiceError("DRAFT_TOO_LARGE", size=len(self.content), maximum=MAX_FILE_BYTES)


class Drafts:
    """Makes, edits, confirms, reopens and refuses contracts.

    Args:
        deeds: run all of it.
        documents: read drafts.
        terms: limits.
        random: for the names of contracts.
    """

    def __init__(
        self, deeds: ContractDeeds, documents: ContractDocuments, terms: DraftingTerms, random: Random
    ) -> None:
        self._deeds = deeds
        self._documents = documents
        self._terms = terms
        self._random = random
        self._clock = deeds.clock

    async def create(self, request: Request, login: Login, title: str, others: Sequence[str], draft: DraftFile) -> str:
        """Make a contract with its first version. Returns its id.

        Raises:
            MalformedInput: TITLE_MALFORMED, ACCOUNT_NAME_MALFORMED, DRAFT_MALFORMED, DOCUMENT_*.
            ServiceError: CONTRACT_PARTIES_WRONG, ACCOUNT_UNKNOWN, TOO_MANY_CONTRACTS.
        """
        check_title(title)
        accounts = sorted({login.account, *map(check_account_name, others)})
        if len(accounts) != len(others) + 1:
            raise _parties_wrong("somebody is named twice, or is you")
        if not MIN_SIGNERS <= len(accounts) <= self._terms.signers:
            raise _parties_wrong(f"there are {len(accounts)}, not {MIN_SIGNERS} to {self._terms.signers}")
        deed = _Creation(self._documents, self._clock, title, accounts, login.account, draft)
        made = await self._deeds.run(request, login, new_contract_id(self._random), deed)
        return made.decode()

    async def add_version(
        self, request: Request, login: Login, contract_id: str, based_on: int, draft: DraftFile
    ) -> None:
        """Add a version.

        Raises:
            MalformedInput: DRAFT_MALFORMED, DOCUMENT_*.
            ServiceError: CONTRACT_NOT_FOUND, CONTRACT_STATE_WRONG, PEN_NOT_HELD, DRAFT_VERSION_STALE,
                TOO_MANY_DRAFT_VERSIONS, DRAFT_QUOTA_EXCEEDED.
        """
        deed = _Edit(self._documents, self._clock, self._terms, login.account, based_on, draft)
        await self._deeds.run(request, login, contract_id, deed)

    async def pass_pen(self, request: Request, login: Login, contract_id: str, to: str) -> None:
        """Hand the pen to another party.

        Raises:
            ServiceError: CONTRACT_NOT_FOUND, CONTRACT_STATE_WRONG, PEN_NOT_HELD, CONTRACT_PARTIES_WRONG,
                ACCOUNT_UNKNOWN.
        """

        def change(connection: Connection, account: str) -> None:
            own = find_own(connection, contract_id, account)
            _require_pen(own, account)
            if to not in own.accounts:
                raise _parties_wrong(f"{to} is none of them")
            _require_open(connection, to)
            store.put_contract(connection, contract_id, self._clock(), pen_holder=to)

        await self._deeds.change(request, login, contract_id, change)

    async def confirm(self, request: Request, login: Login, contract_id: str, number: int, certificate: bytes) -> None:
        """Confirm the last version; when all have, the contract is locked.

        Raises:
            MalformedInput: DOCUMENT_TOO_SHORT, and what else makes a watermark impossible.
            ServiceError: CONTRACT_NOT_FOUND, CONTRACT_STATE_WRONG, DRAFT_VERSION_STALE, PERSONAL_CERTIFICATE_WRONG.
        """
        deed = _Confirmation(self._deeds, self._documents, login.account, number, certificate)
        await self._deeds.run(request, login, contract_id, deed)

    async def reopen(self, request: Request, login: Login, contract_id: str, reason: str) -> None:
        """Go back to editing.

        Raises:
            MalformedInput: WHY_MALFORMED.
            ServiceError: CONTRACT_NOT_FOUND, CONTRACT_STATE_WRONG.
        """
        check_why(reason)

        def change(connection: Connection, account: str) -> None:
            own, now = find_own(connection, contract_id, account), self._clock()
            state = own.contract.state
            require_possible(state, ContractAction.REOPEN)
            agreed = state is ContractState.CONSENTED
            if agreed and (find_archived(connection, contract_id) or not find_ended(connection, own, now)):
                raise state_wrong(state)
            go_back(connection, own, account, TurnCause.REOPENED, reason, now)

        await self._deeds.change(request, login, contract_id, change)

    async def refuse(self, request: Request, login: Login, contract_id: str, reason: str) -> None:
        """End a contract for good.

        Raises:
            MalformedInput: WHY_MALFORMED.
            ServiceError: CONTRACT_NOT_FOUND, CONTRACT_STATE_WRONG.
        """
        check_why(reason)

        def change(connection: Connection, account: str) -> None:
            own, now = find_own(connection, contract_id, account), self._clock()
            require_possible(own.contract.state, ContractAction.REFUSE)
            store.add_turn(connection, contract_id, account, TurnCause.REFUSED, reason, now)
            store.put_contract(connection, contract_id, now, state=ContractState.ENDED.value)

        await self._deeds.change(request, login, contract_id, change)


def go_back(connection: Connection, own: Own, account: str, cause: TurnCause, reason: str, now: datetime) -> None:
    """Have a contract go back to editing; everybody sees who did it, and why."""
    contract_id = own.contract.contract_id
    store.clear_parties(connection, contract_id)
    store.add_turn(connection, contract_id, account, cause, reason, now)
    store.put_contract(connection, contract_id, now, state=ContractState.DRAFTING.value)


@dataclass(frozen=True, slots=True)
class _Creation:
    """See ``deeds.ContractDeed``."""

    documents: ContractDocuments
    clock: Clock
    title: str
    accounts: Sequence[str]
    creator: str
    draft: DraftFile

    @property
    def digest(self) -> bytes:
        return sha256(self.draft.content).digest()

    def admit(self, connection: Connection, contract_id: str, account: str) -> None:  # noqa: ARG002  # a new one
        for each in self.accounts:
            _require_open(connection, each)
        if store.count_made_since(connection, account, self.clock() - _DAY) >= CONTRACTS_PER_DAY:
            raise ServiceError("TOO_MANY_CONTRACTS", limit=CONTRACTS_PER_DAY)

    def act(self, contract_id: str) -> Result:
        text_digest = self.documents.text_digest(self.draft.format, self.draft.content)
        return Result(release=contract_id.encode(), apply=partial(self._keep, contract_id, text_digest))

    def _keep(self, contract_id: str, text_digest: bytes, connection: Connection) -> None:
        now = self.clock()
        self.admit(connection, contract_id, self.creator)
        made = Contract(contract_id, self.title, self.creator, self.creator, ContractState.DRAFTING, 1, now, now)
        store.add_contract(connection, made, self.accounts)
        store.add_version(connection, _version(made, 0, self.creator, self.draft, text_digest, now), self.draft.content)


@dataclass(frozen=True, slots=True)
class _Edit:
    """See ``deeds.ContractDeed``."""

    documents: ContractDocuments
    clock: Clock
    terms: DraftingTerms
    account: str
    based_on: int
    draft: DraftFile

    @property
    def digest(self) -> bytes:
        return sha256(self.draft.content).digest()

    def admit(self, connection: Connection, contract_id: str, account: str) -> None:
        self._judge(connection, contract_id, account)

    def act(self, contract_id: str) -> Result:
        text_digest = self.documents.text_digest(self.draft.format, self.draft.content)
        return Result(apply=partial(self._keep, contract_id, text_digest))

    def _judge(self, connection: Connection, contract_id: str, account: str) -> Own:
        own = find_own(connection, contract_id, account)
        _require_pen(own, account)
        _require_last(own, self.based_on)
        if self.based_on >= self.terms.versions:
            raise ServiceError("TOO_MANY_DRAFT_VERSIONS", limit=self.terms.versions)
        if store.used_bytes(connection, contract_id) + len(self.draft.content) > self.terms.draft_bytes:
            raise ServiceError("DRAFT_QUOTA_EXCEEDED", limit=self.terms.draft_bytes)
        return own

    def _keep(self, contract_id: str, text_digest: bytes, connection: Connection) -> None:
        own, now = self._judge(connection, contract_id, self.account), self.clock()
        row = _version(own.contract, self.based_on, self.account, self.draft, text_digest, now)
        store.add_version(connection, row, self.draft.content)
        store.clear_parties(connection, contract_id)
        store.put_contract(connection, contract_id, now, last_version=row.number)


@dataclass(frozen=True, slots=True)
class _Confirmation:
    """See ``deeds.ContractDeed``."""

    deeds: ContractDeeds
    documents: ContractDocuments
    account: str
    number: int
    certificate: bytes

    @property
    def digest(self) -> bytes:
        return b""

    def admit(self, connection: Connection, contract_id: str, account: str) -> None:
        self._judge(connection, contract_id, account)

    def act(self, contract_id: str) -> Result:
        """See that a watermark with the marks of all has room: later it would be too late."""
        version, content, signers = self.deeds.database.read_now(partial(self._find, contract_id=contract_id))
        self.documents.require_room(version.format, content, signers)
        return Result(apply=partial(self._keep, contract_id))

    def _find(self, connection: Connection, contract_id: str) -> tuple[Version, bytes, int]:
        own = find_own(connection, contract_id, self.account)
        version = store.find_version(connection, contract_id, self.number)
        content = store.find_file(connection, contract_id, version_file(self.number))
        assert version is not None  # noqa: S101  # it was admitted
        return version, content or b"", len(own.parties)

    def _judge(self, connection: Connection, contract_id: str, account: str) -> Own:
        own = find_own(connection, contract_id, account)
        require_possible(own.contract.state, ContractAction.EDIT)
        _require_last(own, self.number)
        found = find_certificate(connection, self.certificate)
        if found is None or found.account != account or found.profile is not CertificateProfile.PERSONAL:
            raise wrong_certificate("there is no such certificate of yours")
        if found.purpose is not Purpose.SIGN:
            raise wrong_certificate("it is not for signing")
        if not found.holds(self.deeds.clock()):
            raise wrong_certificate("it was revoked, or its time is over")
        return own

    def _keep(self, contract_id: str, connection: Connection) -> None:
        own, number = self._judge(connection, contract_id, self.account), self.number
        store.put_party(connection, contract_id, self.account, confirmed_version=number, certificate=self.certificate)
        others = [each for each in own.parties if each.account != self.account]
        locked = all(each.confirmed_version == number for each in others)
        state = ContractState.LOCKED if locked else ContractState.DRAFTING
        store.put_contract(connection, contract_id, self.deeds.clock(), state=state.value)


def _version(
    contract: Contract, based_on: int, author: str, draft: DraftFile, text_digest: bytes, now: datetime
) -> Version:
    return Version(
        contract_id=contract.contract_id,
        number=based_on + 1,
        based_on=based_on,
        author=author,
        create_time=now,
        format=draft.format,
        size=len(draft.content),
        sha256=sha256(draft.content).digest(),
        text_digest=text_digest,
    )


def _require_pen(own: Own, account: str) -> None:
    require_possible(own.contract.state, ContractAction.EDIT)
    if own.contract.pen_holder != account:
        raise ServiceError("PEN_NOT_HELD", account=own.contract.pen_holder)


def _require_last(own: Own, number: int) -> None:
    if number != own.contract.last_version:
        raise ServiceError("DRAFT_VERSION_STALE", last=own.contract.last_version)


def _require_open(connection: Connection, name: str) -> None:
    account = find_account(connection, name)
    if account is None or account.state is not AccountState.ACTIVE:
        raise ServiceError("ACCOUNT_UNKNOWN", name=name)


def _parties_wrong(problem: str) -> ServiceError:
    return ServiceError("CONTRACT_PARTIES_WRONG", problem=problem)
