"""Statements that accounts make: checked, admitted, jointly signed, and only then of effect.

1. The statement names the account that is logged in, and is signed by a joint key of the calling agent: the client's
   half is checked before anything else is done.
2. In the transaction of the intent: the login holds; the key may sign; its personal certificate is the one that the
   statement names, and holds; what the statement is for allows it.
3. The signature is completed, and what the statement is for is done with it.
4. In the transaction of the result, login and certificate are looked at again: who was shut out meanwhile effects
   nothing.

A statement that the server itself has made and kept needs no intent beside that: its signature is
completed first, and 2 to 4 are one transaction. What is refused there was completed for nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from contract.joint_statement import STATEMENT_ALGORITHM, JointStatement, PersonalStatement
from mpc.engines import Random
from mpc.errors import FoursealError
from mpc.four_prime_rsa import EncodedMessage, PartialSignature, Purpose, Role, parse_partial_signature
from server.clock import Clock
from server.custody import ShareCustody, ShareEngine
from server.identity import CertificateProfile, Login, LoginClaim, Logins, check_callers, find_certificate
from server.journal import Act, Flights, Intent, OperationRunner, Request, Result, run_at_once
from server.signing import JointOperationPolicy, OpenedKeys, sign_jointly
from server.storage import Database, Threads
from wire.catalogue import ServiceError


@dataclass(frozen=True, slots=True)
class ClientSignature:
    """A signature of a statement, as far as the agent has made it.

    Args:
        key_id: of the joint key.
        salt: 32 bytes.
        client_partial: the client's partial mod N_client, big-endian.
    """

    key_id: str
    salt: bytes
    client_partial: bytes = field(repr=False)


class Deed(Protocol):
    """What a statement is for."""

    @property
    def statement(self) -> PersonalStatement:
        """The statement."""

    def admit(self, connection: Connection, *, again: bool) -> None:
        """See that it may be done now, in the transaction of the intent; what raises has changed nothing.

        Args:
            connection: the transaction.
            again: the intent stood in the journal before, and was counted then.
        """

    def act(self, signed: JointStatement) -> Result:
        """Do it, outside the transactions; ``Result.apply`` writes what it changes."""


D = TypeVar("D", bound=Deed)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementIntent(Intent):
    """The intent to have a statement signed.

    Args:
        login: whose.
        statement_der: what is signed.
        key_sha256: SHA-256 of the joint public key, DER.
        deed: what it is for.
    """

    login: Login | LoginClaim
    statement_der: bytes = field(repr=False)
    key_sha256: bytes
    deed: Deed


class StatementPolicy:
    """The rules of all statements. See the module.

    Args:
        logins: says whether a login holds.
        clock: the time.
    """

    def __init__(self, logins: Logins, clock: Clock) -> None:
        self._logins = logins
        self._clock = clock
        self._keys = JointOperationPolicy(Purpose.SIGN, clock)

    def admit(
        self, connection: Connection, intents: Sequence[Intent], repeated: Sequence[bool]
    ) -> list[FoursealError | None]:
        """See ``server.journal.Policy``. One after the other: what the first counts, the second meets.

        The refusals: LOGIN_REQUIRED, PERSONAL_CERTIFICATE_WRONG, those of ``JointOperationPolicy``, and what the
        statement is for refuses with.
        """
        return [self._judge(connection, intent, again=again) for intent, again in zip(intents, repeated, strict=True)]

    def require_signer(self, connection: Connection, intent: StatementIntent) -> None:
        """See that login and certificate hold.

        Raises:
            ServiceError: LOGIN_REQUIRED, PERSONAL_CERTIFICATE_WRONG.
        """
        account, statement = self._logins.require(connection, intent.login).account, intent.deed.statement
        require_own(statement, account)
        found = find_certificate(connection, statement.signer_certificate)
        if found is None or found.profile is not CertificateProfile.PERSONAL or found.account != account:
            raise wrong_certificate("there is no such certificate of yours")
        if found.key_sha256 != intent.key_sha256:
            raise wrong_certificate("the key that signs does not stand in it")
        if not found.holds(self._clock()):
            raise wrong_certificate("it was revoked, or its time is over")

    def _judge(self, connection: Connection, intent: Intent, *, again: bool) -> FoursealError | None:
        assert isinstance(intent, StatementIntent)  # noqa: S101  # this policy's runner gets no others
        try:
            self.require_signer(connection, intent)
            (refusal,) = self._keys.admit(connection, [intent], [again])
            if refusal is None:
                intent.deed.admit(connection, again=again)
        except FoursealError as error:
            return error
        return refusal


class Statements:
    """Has statements signed.

    Args:
        keys: joint public keys.
        shares: the server's shares.
        runner: with the policy.
        policy: see ``StatementPolicy``.
        engine: exponentiates.
        random: for blinding.
        clock: the time.
    """

    def __init__(
        self,
        keys: OpenedKeys,
        shares: ShareCustody,
        runner: OperationRunner,
        policy: StatementPolicy,
        engine: ShareEngine,
        random: Random,
        clock: Clock,
    ) -> None:
        self._clock = clock
        self._keys = keys
        self._shares = shares
        self._runner = runner
        self._policy = policy
        self._engine = engine
        self._random = random

    async def run(
        self, request: Request, login: Login | LoginClaim, signature: ClientSignature, read: Callable[[], D]
    ) -> D | None:
        """Have a statement signed, and done what it is for; once, whenever and however often it is asked for.

        Args:
            request: the call.
            login: whose.
            signature: the client's part.
            read: reads the statement, and says what it is for; is called in a worker.

        Returns:
            What it was for, as ``read`` gave it, whether it was done now or before; None where another call did it.

        Raises:
            ServiceError: those of ``OperationRunner.run``, ``OpenedKeys.find`` and ``StatementPolicy``.
            MalformedInput: SALT_LENGTH_WRONG, PARTIAL_MALFORMED.
            PeerMisbehaved: PARTIAL_SIGNATURE_INVALID; the client is to blame.
            FoursealError: what reading and acting raise.
        """
        deeds = list[D]()

        def prepare() -> tuple[Intent, Act]:
            deeds.append(read())
            return self._prepare(request, login, signature, deeds[0])

        await self._runner.run(request, prepare)
        return deeds[0] if deeds else None

    async def run_kept(self, signature: ClientSignature, read: Callable[[], tuple[D, Login, Request]]) -> D:
        """As ``run``, for a statement that the server has made and kept.

        Args:
            signature: the client's part.
            read: reads, in a worker, what the statement is for, whose login calls, and what stands in the journal.

        Returns:
            What it was for.

        Raises as ``run``.
        """

        def sign() -> tuple[D, StatementIntent, Result]:
            deed, login, request = read()
            intent, client_partial = self._checked(request, login, signature, deed)
            return deed, intent, self._complete(intent, client_partial, intent.key_id)

        runner = self._runner
        deed, intent, result = await runner.workers.run(sign)

        def change(connection: Connection) -> Result:
            (refusal,) = self._policy.admit(connection, [intent], [False])
            if refusal is not None:
                raise refusal
            if result.apply is not None:
                result.apply(connection)
            return Result()

        await run_at_once(runner.database, check_callers, self._clock, intent, change)
        return deed

    def _prepare(
        self, request: Request, login: Login | LoginClaim, signature: ClientSignature, deed: Deed
    ) -> tuple[Intent, Act]:
        intent, client_partial = self._checked(request, login, signature, deed)
        return intent, partial(self._act, intent, client_partial)

    def _checked(
        self, request: Request, login: Login | LoginClaim, signature: ClientSignature, deed: Deed
    ) -> tuple[StatementIntent, PartialSignature]:
        if isinstance(login, Login):  # else it is known in the transaction
            require_own(deed.statement, login.account)
        key = self._keys.find(request.caller, signature.key_id)
        statement_der = deed.statement.to_der()
        digest = sha256(statement_der).digest()
        message = EncodedMessage(key.joint_key, STATEMENT_ALGORITHM, digest, signature.salt)
        client_partial = parse_partial_signature(message, Role.CLIENT, signature.client_partial)
        intent = StatementIntent(
            request=request,
            key_id=signature.key_id,
            algorithm=STATEMENT_ALGORITHM.value,
            digest=digest,
            salt=signature.salt,
            client_partial=signature.client_partial,
            login=login,
            statement_der=statement_der,
            key_sha256=sha256(key.joint_key.to_der()).digest(),
            deed=deed,
        )
        return intent, client_partial

    def _complete(self, intent: StatementIntent, client_partial: PartialSignature, key_id: str) -> Result:
        signature = sign_jointly(self._shares, key_id, client_partial, self._engine, self._random)
        return intent.deed.act(JointStatement(intent.statement_der, signature))

    def _act(self, intent: StatementIntent, client_partial: PartialSignature, key_id: str) -> Result:
        result = self._complete(intent, client_partial, key_id)

        def apply(connection: Connection) -> None:
            self._policy.require_signer(connection, intent)
            if result.apply is not None:
                result.apply(connection)

        return replace(result, apply=apply)


def require_recent(time: datetime, now: datetime, clock_difference: timedelta) -> None:
    """See that a statement's time is near the present.

    Raises:
        ServiceError: STATEMENT_TIME_OFF.
    """
    off = abs(time - now)
    if off > clock_difference:
        maximum = int(clock_difference.total_seconds())
        raise ServiceError("STATEMENT_TIME_OFF", seconds=int(off.total_seconds()), maximum=maximum)


def require_own(statement: PersonalStatement, account: str) -> None:
    """See that a statement names the account that is logged in.

    Raises:
        ServiceError: PERSONAL_CERTIFICATE_WRONG.
    """
    if statement.signer != account:
        raise wrong_certificate("the statement names another account")


def wrong_certificate(problem: str) -> ServiceError:
    """That a statement is not signed as it must be."""
    return ServiceError("PERSONAL_CERTIFICATE_WRONG", problem=problem)


def compose_statements(
    database: Database,
    logins: Logins,
    keys: OpenedKeys,
    shares: ShareCustody,
    flights: Flights,
    workers: Threads,
    engine: ShareEngine,
    random: Random,
    clock: Clock,
) -> Statements:
    """Put the mechanism together, once for all systems.

    Args:
        database: where everything is.
        logins: say whether a login holds.
        keys: joint public keys.
        shares: the server's shares of them.
        flights: operations under way.
        workers: threads that sign.
        engine: exponentiates.
        random: for blinding.
        clock: the time.
    """
    policy = StatementPolicy(logins, clock)
    runner = OperationRunner(database, flights, workers, check_callers, policy, clock)
    return Statements(keys, shares, runner, policy, engine, random, clock)
