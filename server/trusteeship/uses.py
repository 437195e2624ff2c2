"""Uses of organisations' keys, in two steps: the record is signed by its user, and durable, before the result leaves.

1. ``begin``: see ``beginning``. What the grant does not allow is recorded at once, and refused.
2. ``finish``: the user's half of the record's signature. In the transaction that records it the grant must still be
   active, and the key's certificate hold: what was suspended or revoked meanwhile makes it a refused use, and its
   result is erased.

The journal keeps no result: for ten minutes a repeat has it from where it lies, sealed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256

from sqlalchemy import Connection

from contract import der
from contract.joint_statement import JointStatement
from contract.trusteeship.grants import REASON
from contract.trusteeship.uses import UseOutcome, UseRecord, UseRequest
from mpc.errors import DecryptionFailed, FaultDetected, FoursealError
from mpc.four_prime_rsa import Purpose
from server.clock import Clock
from server.custody import SealBroken
from server.identity import Login, LoginClaim, Logins
from server.journal import Request, Result
from server.journal.log import LogReader, StagedEntry
from server.statements import ClientSignature, Statements, require_own
from server.storage import Database
from server.trusteeship.beginning import Beginning, Means, find_withdrawal, result_context
from server.trusteeship.recording import LIFETIME, end_without_result, record_use, require_signable, use_ended
from server.trusteeship.store import grants
from server.trusteeship.store import uses as store
from server.trusteeship.store.uses import UseName, UseRow
from transparency.receipt import Receipt
from wire.catalogue import ServiceError


@dataclass(frozen=True, slots=True)
class Begun:
    """A record for its user to sign, and the request's joint signature."""

    record_der: bytes
    request_signature: bytes


@dataclass(frozen=True, slots=True)
class Finished:
    """The result, and where its record stands: the entry's DER, and the proof that it is in the log."""

    result: bytes = field(repr=False)
    entry_der: bytes
    receipt: bytes


class Uses:
    """Makes uses.

    Args:
        database: where they are.
        logins: say who is logged in.
        statements: has requests and records signed.
        log: has the records.
        means: what uses are made with.
    """

    def __init__(
        self, database: Database, logins: Logins, statements: Statements, log: LogReader, means: Means
    ) -> None:
        self._database = database
        self._logins = logins
        self._statements = statements
        self._log = log
        self._means = means

    async def begin(
        self, request: Request, claim: LoginClaim, asked: UseRequest, signature: ClientSignature, ciphertext: bytes
    ) -> Begun:
        """Use a key under a grant, as far as the record that its user signs.

        Raises:
            MalformedInput: TRUST_STATEMENT_MALFORMED: the ciphertext is not the one of the request.
            ServiceError: GRANT_NOT_FOUND, STATEMENT_TIME_OFF; USE_REFUSED, once that is recorded; USE_ENDED;
                TOO_MANY_REFUSED_USES; CUSTODY_UNAVAILABLE, NAMED_KEY_DAMAGED.
            FoursealError: what ``Statements.run`` raises.
        """
        name = UseName(request.caller.agent_id, asked.request_id)
        deeds = list[Beginning]()

        def read() -> Beginning:
            _require_ciphertext(asked, ciphertext)
            deeds.append(Beginning(self._means, name.agent_id, asked, ciphertext))
            return deeds[0]

        try:
            await self._statements.run(request, claim, signature, read)
        except FoursealError:
            await self._require_login(claim, asked, deeds)
            raise
        await self._require_login(claim, asked, deeds)
        made = deeds[0].made if deeds else None
        row, record = require_signable(made or await self._database.read(partial(store.find_use, name=name)))
        return Begun(record.to_der(), JointStatement.from_der(row.request or b"").signature)

    async def finish(
        self,
        claim: LoginClaim,
        use_request_id: str,
        signature: ClientSignature,
        journaled: Callable[[Login], Request],
    ) -> Finished:
        """Keep the signed record, and release the result.

        Args:
            claim: who calls.
            use_request_id: of the first step.
            signature: the client's part of the record's.
            journaled: what stands in the journal of the call.

        Raises:
            ServiceError: LOGIN_REQUIRED; USE_NOT_FOUND; USE_REFUSED; USE_ENDED.
            DecryptionFailed: the ciphertext does not decrypt; that is recorded.
            FoursealError: what ``Statements.run`` raises.
        """
        name = UseName(claim.caller.agent_id, use_request_id)

        def query(connection: Connection) -> tuple[Login, UseRow | None]:
            return self._logins.find(connection, claim), store.find_use(connection, name)

        def read() -> tuple[_Finishing, Login, Request]:
            login, row = self._database.read_now(query)
            return _Finishing(*require_signable(row), self._means.clock), login, journaled(login)

        deed = await self._statements.run_kept(signature, read)
        if deed.kept is None:  # it was done before, or refused
            return await self._database.read(partial(self._read, name=name))
        row, entry = deed.kept
        return self._release(row, deed.statement, entry.der, entry.receipt())

    async def _require_login(self, claim: LoginClaim, asked: UseRequest, deeds: Sequence[Beginning]) -> None:
        """Where no transaction of this call required the login, what is answered is an earlier call's."""
        if not any(deed.begun for deed in deeds):
            require_own(asked, (await self._database.read(partial(self._logins.find, claim=claim))).account)

    def _read(self, connection: Connection, name: UseName) -> Finished:
        row, record = require_signable(store.find_use(connection, name))
        if row.log_index is None:
            raise ServiceError("USE_NOT_FOUND")
        entry, receipt = self._log.entry(connection, row.log_index), self._log.receipt(connection, row.log_index)
        return self._release(row, record, entry, receipt)

    def _release(self, row: UseRow, record: UseRecord, entry_der: bytes, receipt: Receipt) -> Finished:
        """The one place that a result leaves by. ``row`` is of a use that stands in the log, by that entry."""
        if record.outcome is UseOutcome.FAILED:
            raise DecryptionFailed
        if not row.is_open(self._means.clock()):
            raise use_ended("it was finished more than ten minutes ago")
        return Finished(self._unseal(row, record), entry_der, receipt.to_bytes())

    def _unseal(self, row: UseRow, record: UseRecord) -> bytes:
        try:
            context = result_context(row.name, JointStatement.from_der(row.request or b""))
            result = self._means.sealer.open(context, row.result or b"")
        except SealBroken:
            raise FaultDetected("sealed result of a use") from None
        if sha256(result).digest() != record.result:
            raise FaultDetected("sealed result of a use")
        return result


@dataclass(slots=True)
class _Finishing:
    """The record of a use. See ``statements.Deed``."""

    found: UseRow
    statement: UseRecord
    clock: Clock
    kept: tuple[UseRow, StagedEntry] | None = None
    """The use and its entry, once it is recorded as what the user signed."""

    def admit(self, connection: Connection, *, again: bool) -> None:  # noqa: ARG002  # nothing was counted
        """It waited for this signature a moment ago; whether it still does shows when it is kept."""
        self._require_waiting(self.found)

    def act(self, signed: JointStatement) -> Result:
        """Record it."""
        return Result(apply=partial(self._keep, signed.signature))

    def _keep(self, signature: bytes, connection: Connection) -> None:
        now, row = self.clock(), self._require_waiting(store.find_use(connection, self.found.name))
        grant = grants.find_grant(connection, row.grant_id)
        assert grant is not None  # noqa: S101  # none is ever deleted
        cause = find_withdrawal(connection, grant, now)
        if cause is None:
            record, until = self.statement, now + LIFETIME
            self.kept = record_use(connection, row, record, now, signature=signature, keep_until=until)
        else:
            record_use(connection, row, end_without_result(self.statement, UseOutcome.REFUSED, cause), now)

    def _require_waiting(self, found: UseRow | None) -> UseRow:
        row, _ = require_signable(found)
        if row.log_index is not None:
            raise use_ended("it was finished before")
        if not row.is_open(self.clock()):
            raise use_ended("its record was not signed in time")
        return row


def _require_ciphertext(asked: UseRequest, ciphertext: bytes) -> None:
    if asked.operation.purpose is Purpose.SIGN:
        der.require_that(not ciphertext, "a ciphertext beside a request to sign", reason=REASON)
    else:
        same = sha256(ciphertext).digest() == asked.digest
        der.require_that(same, "the ciphertext is not the one of the request", reason=REASON)
