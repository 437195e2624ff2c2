"""The first step of a use: the grant is judged and the use counted, the key is used, the record waits to be signed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection

from contract.joint_statement import JointStatement
from contract.trusteeship.allowing import RefusalCause, find_cause
from contract.trusteeship.uses import UseOutcome, UseRequest
from server.clock import Clock
from server.custody import Context, Sealer
from server.identity import find_certificate
from server.journal import Result
from server.organisations import OrganisationKey, find_key
from server.statements import require_recent
from server.trusteeship.operating import KeyOperator
from server.trusteeship.recording import LIFETIME, UseFacts, make_record, record_use, use_ended
from server.trusteeship.states import CAUSES
from server.trusteeship.store import grants, uses
from server.trusteeship.store.grants import GrantRow
from server.trusteeship.store.uses import UseName, UseRow
from wire.catalogue import ServiceError

DECRYPTION_FAILED: Final = "DECRYPTION_FAILED"
"""The detail of every record of a ciphertext that does not decrypt."""
REFUSALS_OF_GRANT: Final = 1000
"""That are recorded: whoever asks for a grant could fill an organisation's records, and the log, without end."""


@dataclass(frozen=True, slots=True)
class Means:
    """What uses are made with.

    Args:
        operator: uses the keys.
        sealer: seals results.
        clock: the time.
        clock_difference: by which a request's time may be off.
    """

    operator: KeyOperator
    sealer: Sealer
    clock: Clock
    clock_difference: timedelta


@dataclass(slots=True)
class Beginning:
    """A request for a use. See ``statements.Deed``.

    Args:
        means: see there.
        agent_id: that asks.
        statement: the request.
        ciphertext: to decrypt.
    """

    means: Means
    agent_id: str
    statement: UseRequest
    ciphertext: bytes = field(repr=False)
    begun: UseRow | None = None
    """The use without a record, once it was admitted."""
    made: UseRow | None = None
    """The use with its record, once that is kept."""

    @property
    def name(self) -> UseName:
        """The use."""
        return UseName(self.agent_id, self.statement.request_id)

    def admit(self, connection: Connection, *, again: bool) -> None:
        """It is a use under a grant of the user's; whether the grant allows it is noted, and counted if it does."""
        now = self.means.clock()
        if again:
            self.begun = uses.find_use(connection, self.name)
            if self.begun is None:
                raise use_ended("it was not made in time")
            _require_open(self.begun, now)
            return
        require_recent(self.statement.time, now, self.means.clock_difference)
        grant, key = self._find(connection)
        cause = self._judge(connection, grant, key) or ""
        if cause and grant.refused >= REFUSALS_OF_GRANT:
            raise ServiceError("TOO_MANY_REFUSED_USES", cause=cause, limit=REFUSALS_OF_GRANT)
        self.begun = UseRow(
            agent_id=self.agent_id,
            request_id=self.statement.request_id,
            grant_id=grant.grant_id,
            organisation=grant.organisation,
            key_id=key.key_id,
            user=grant.user,
            refusal=cause,
            end_time=now + LIFETIME,
        )
        uses.begin_use(connection, self.begun)
        if cause:
            grants.count_refusal(connection, grant.grant_id)
        else:
            grants.count_use(connection, grant.grant_id, 1)

    def act(self, signed: JointStatement) -> Result:
        """Use the key, unless that is refused."""
        begun = self.begun
        assert begun is not None  # noqa: S101  # it was admitted
        if begun.refusal:
            facts = UseFacts(self.statement, signed, UseOutcome.REFUSED, begun.refusal)
            return Result(apply=partial(self._keep_refused, begun, facts))
        result = self.means.operator.operate(self.statement, self.ciphertext)
        sealed = self.means.sealer.seal(result_context(self.name, signed), result or b"")
        if result is None:
            facts = UseFacts(self.statement, signed, UseOutcome.FAILED, DECRYPTION_FAILED)
        else:
            facts = UseFacts(self.statement, signed, UseOutcome.DONE, result=sha256(result).digest())
        return Result(apply=partial(self._keep, begun, facts, sealed))

    def _find(self, connection: Connection) -> tuple[GrantRow, OrganisationKey]:
        """Grant and key. One of another organisation is not under this grant: its records are no business of ours."""
        asked = self.statement
        grant, key = grants.find_by_digest(connection, asked.grant), find_key(connection, asked.key_id)
        if grant is None or grant.user != asked.user or grant.organisation != asked.organisation:
            raise ServiceError("GRANT_NOT_FOUND")
        if key is None or key.organisation != asked.organisation:
            raise ServiceError("GRANT_NOT_FOUND")
        return grant, key

    def _judge(self, connection: Connection, grant: GrantRow, key: OrganisationKey) -> RefusalCause | None:
        words, now = grant.words, self.means.clock()
        cause = find_withdrawal(connection, grant, now) or find_cause(words, self.statement, now)
        if cause is not None:
            return cause
        if self.statement.operation.is_ecdsa is not (key.kind.rsa_bits is None):
            return RefusalCause.OPERATION_NOT_OF_KEY
        return RefusalCause.GRANT_USED_UP if grant.used >= words.uses else None

    def _keep(self, begun: UseRow, facts: UseFacts, sealed: bytes, connection: Connection) -> None:
        now = self.means.clock()
        _require_open(begun, now)
        row, _ = make_record(connection, begun, facts, now)
        self.made = replace(row, end_time=now + LIFETIME, result=sealed)
        if not uses.put_use(connection, self.made):  # it took more than ten minutes, and was given up meanwhile
            raise use_ended("it was not made in time")

    def _keep_refused(self, begun: UseRow, facts: UseFacts, connection: Connection) -> None:
        now = self.means.clock()
        _require_open(begun, now)
        row, record = make_record(connection, begun, facts, now)
        self.made, _ = record_use(connection, row, record, now)


def _require_open(begun: UseRow, now: datetime) -> None:
    """A use is made in ten minutes or not at all: later the grant that it was judged by may have ended."""
    if not begun.is_open(now):
        raise use_ended("it was not made in time")


def find_withdrawal(connection: Connection, grant: GrantRow, now: datetime) -> RefusalCause | None:
    """Why a grant allows nothing, whatever is asked: how it stands, or its key's certificate; None if it may."""
    if grant.state in CAUSES:
        return CAUSES[grant.state]
    issued = find_certificate(connection, grant.words.key_certificate)
    return None if issued is not None and issued.holds(now) else RefusalCause.KEY_CERTIFICATE_ENDED


def result_context(name: UseName, signed: JointStatement) -> Context:
    """As what the result of a use is sealed."""
    return Context("use-result", name.request_id, (name.agent_id.encode(), sha256(signed.to_der()).digest()))
