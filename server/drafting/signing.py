"""Statements and consents: what parties sign of a locked contract. Each is jointly signed, by ``server.statements``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from contract.drafting.consents import ContractConsent
from contract.drafting.marks import check_mark
from contract.drafting.statements import ContractSigner, ContractStatement
from contract.joint_statement import JointStatement
from server.clock import Clock
from server.drafting.drafts import go_back
from server.drafting.guard import Own, find_locked, find_own, require_certificates
from server.drafting.states import ContractAction, ContractState, TurnCause, require_possible
from server.drafting.store import contracts as store
from server.drafting.store.contracts import Version
from server.identity import Login
from server.journal import Request, Result
from server.statements import ClientSignature, Statements, require_recent
from wire.catalogue import ServiceError


class ContractSigning:
    """Takes statements and consents.

    Args:
        statements: has them signed.
        clock: the time.
        clock_difference: by which a statement's time may be off.
    """

    def __init__(self, statements: Statements, clock: Clock, *, clock_difference: timedelta) -> None:
        self._statements = statements
        self._clock = clock
        self._clock_difference = clock_difference

    async def sign(
        self, request: Request, login: Login, statement_der: bytes, mark: bytes, signature: ClientSignature
    ) -> str:
        """Sign a locked contract. Returns the contract's id.

        Raises:
            MalformedInput: what ``ContractStatement`` raises.
            VerificationFailed: CONTRACT_MARK_INVALID.
            ServiceError: CONTRACT_NOT_FOUND, CONTRACT_STATE_WRONG, CONTRACT_STATEMENT_WRONG, CONTRACT_TEXT_DIFFERS,
                STATEMENT_TIME_OFF.
            FoursealError: what ``Statements.run`` raises.
        """
        statement = ContractStatement.from_der(statement_der)

        def read() -> _Signing:
            check_mark(statement, mark)
            return _Signing(statement, mark, self._clock, self._clock_difference)

        await self._statements.run(request, login, signature, read)
        return statement.contract_id

    async def consent(self, request: Request, login: Login, statement_der: bytes, signature: ClientSignature) -> str:
        """Consent to what all have signed, and to the watermark. Returns the contract's id.

        Raises:
            MalformedInput: what ``ContractConsent`` raises.
            ServiceError: CONTRACT_NOT_FOUND, CONTRACT_STATE_WRONG, CONTRACT_STATEMENT_WRONG,
                CONTRACT_CERTIFICATE_ENDED, STATEMENT_TIME_OFF.
            FoursealError: what ``Statements.run`` raises.
        """
        consent = ContractConsent.from_der(statement_der)
        read: Callable[[], _Consenting] = partial(_Consenting, consent, self._clock, self._clock_difference)
        await self._statements.run(request, login, signature, read)
        return consent.contract_id


def statements_of(own: Own) -> list[ContractStatement]:
    """What all have signed, in the order of the parties; the contract is signed, or further."""
    return [
        ContractStatement.from_der(JointStatement.from_der(each.statement or b"").statement) for each in own.parties
    ]


@dataclass(slots=True)
class _Signing:
    """A contract statement. See ``server.statements.Deed``."""

    statement: ContractStatement
    mark: bytes
    clock: Clock
    clock_difference: timedelta
    differs: bool = False
    """Whether it has another digest of the text than the server, once it was admitted."""

    def admit(self, connection: Connection, *, again: bool) -> None:
        """It must say what the contract is, but for the text's digest."""
        if not again:
            require_recent(self.statement.time, self.clock(), self.clock_difference)
        _, version = self._judge(connection)
        self.differs = self.statement.text_digest != version.text_digest

    def act(self, signed: JointStatement) -> Result:
        """Keep it; or, if its signer has read another text, have the contract go back to editing."""
        said = self.statement
        if self.differs:
            refusal = ServiceError("CONTRACT_TEXT_DIFFERS", account=said.signer, number=said.number)
            return Result(refusal=refusal, apply=self._go_back)
        return Result(apply=partial(self._keep, signed.to_der()))

    def _judge(self, connection: Connection) -> tuple[Own, Version]:
        said = self.statement
        own = find_own(connection, said.contract_id, said.signer)
        require_possible(own.contract.state, ContractAction.SIGN)
        _require(own.party(said.signer).statement is None, "you have signed it")
        version = find_locked(connection, own)
        _require(said.number == version.number, f"version {version.number} is the one that all have confirmed")
        _require(said.title == own.contract.title, "it has another title")
        _require(said.draft_digest == version.sha256, "it names another file")
        signers = tuple(ContractSigner(each.account, each.certificate or b"") for each in own.parties)
        names, others = _accounts(signers), _accounts(said.signers)
        _require(names == others, f"its parties are {', '.join(names)}")
        for ours, theirs in zip(signers, said.signers, strict=True):
            _require(ours == theirs, f"{ours.account} has confirmed with another certificate")
        return own, version

    def _keep(self, signed: bytes, connection: Connection) -> None:
        own, _ = self._judge(connection)
        contract_id, account = own.contract.contract_id, self.statement.signer
        store.put_party(connection, contract_id, account, statement=signed, mark=self.mark)
        others = [each for each in own.parties if each.account != account]
        state = ContractState.SIGNED if all(each.statement for each in others) else ContractState.LOCKED
        store.put_contract(connection, contract_id, self.clock(), state=state.value)

    def _go_back(self, connection: Connection) -> None:
        own, _ = self._judge(connection)
        go_back(connection, own, self.statement.signer, TurnCause.TEXT_DIFFERS, "", self.clock())


@dataclass(frozen=True, slots=True)
class _Consenting:
    """A consent. See ``server.statements.Deed``."""

    statement: ContractConsent
    clock: Clock
    clock_difference: timedelta

    def admit(self, connection: Connection, *, again: bool) -> None:
        """It must name what all have signed, and all certificates must hold."""
        if not again:
            require_recent(self.statement.time, self.clock(), self.clock_difference)
        self._judge(connection)

    def act(self, signed: JointStatement) -> Result:
        """Keep it."""
        return Result(apply=partial(self._keep, signed.to_der()))

    def _judge(self, connection: Connection) -> Own:
        said = self.statement
        own = find_own(connection, said.contract_id, said.signer)
        require_possible(own.contract.state, ContractAction.CONSENT)
        _require(own.party(said.signer).consent is None, "you have consented to it")
        signed = statements_of(own)
        wanted = ContractConsent.to_all(signed, said.signer, said.time)
        _require(said.number == wanted.number, f"version {wanted.number} is the one that all have signed")
        _require(said.text_digest == wanted.text_digest, "all have signed another text")
        _require(len(said.signers) == len(wanted.signers), "it does not name all parties")
        for ours, theirs in zip(wanted.signers, said.signers, strict=True):
            _require(ours.account == theirs.account, f"it does not name {ours.account}")
            _require(ours.certificate == theirs.certificate, f"{ours.account} has signed with another certificate")
            _require(ours.statement == theirs.statement, f"{ours.account} has signed another statement")
        require_certificates(connection, own, self.clock())
        return own

    def _keep(self, signed: bytes, connection: Connection) -> None:
        own = self._judge(connection)
        contract_id, account = own.contract.contract_id, self.statement.signer
        store.put_party(connection, contract_id, account, consent=signed)
        others = [each for each in own.parties if each.account != account]
        state = ContractState.CONSENTED if all(each.consent for each in others) else ContractState.SIGNED
        store.put_contract(connection, contract_id, self.clock(), state=state.value)


def _accounts(signers: Sequence[ContractSigner]) -> list[str]:
    return [each.account for each in signers]


def _require(holds: bool, problem: str) -> None:  # noqa: FBT001  # an assertion, read as a sentence
    if not holds:
        raise ServiceError("CONTRACT_STATEMENT_WRONG", problem=problem)
