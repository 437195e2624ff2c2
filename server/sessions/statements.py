"""Signing statements: the session's half of a signature, in either scheme.

The author's half (joint: the partial; separate: the author's own signature) is checked first, by the certificates that
the statement names. What is signed is the statement as this server encodes it, of which it knows every field.

A signature that was made while the session was being closed is not released: the transaction that records the result
sees that the session is still open, and its time not over.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection

from contract.session_info import Scheme
from contract.signatures import JOINT_ALGORITHM, check_author_signature, joint_message, sign_as_session
from contract.signer_keys import algorithm_of
from contract.statement import Statement
from mpc.engines import Random
from mpc.four_prime_rsa import PartialSignature, Purpose, Role, SigningHalf, parse_partial_signature
from server.clock import Clock
from server.custody import ShareCustody, ShareEngine
from server.identity import Login
from server.journal import Act, Intent, OperationRunner, Request, Result
from server.sessions.parties import OpenedParties, Parties
from server.sessions.shares import share_name
from server.sessions.statement_policy import StatementIntent, require_signable
from server.sessions.store import sessions as store
from server.sessions.store import statements
from server.signing import sign_jointly
from server.storage.tables import from_microseconds, microseconds
from wire.catalogue import ServiceError

_TIME: Final = struct.Struct(">q")


@dataclass(frozen=True, slots=True)
class StatementWish:
    """A signature that an author asks for.

    Args:
        request: the call.
        login: of the author.
        statement_der: what is to be signed.
        salt: joint scheme: 32 bytes; separate scheme: empty.
        author_signature: joint scheme: the partial mod N_author, big-endian; separate scheme: the author's own.
    """

    request: Request
    login: Login
    statement_der: bytes
    salt: bytes
    author_signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Signed:
    """Joint scheme: the joint signature; separate scheme: the session's. And when it was made."""

    signature: bytes
    sign_time: datetime


class Statements:
    """Signs statements.

    Args:
        parties: authors and sessions.
        shares: the sessions' shares.
        runner: with ``StatementPolicy``.
        engine: exponentiates.
        random: for blinding.
        clock: the time.
    """

    def __init__(
        self,
        parties: OpenedParties,
        shares: ShareCustody,
        runner: OperationRunner,
        engine: ShareEngine,
        random: Random,
        clock: Clock,
    ) -> None:
        self._parties = parties
        self._shares = shares
        self._runner = runner
        self._engine = engine
        self._random = random
        self._clock = clock

    async def sign(self, wish: StatementWish) -> Signed:
        """Sign a statement, or return the signature that was made for the same request.

        Raises:
            ServiceError: those of ``OperationRunner.run``, ``OpenedParties.find`` and ``StatementPolicy``;
                NOT_THE_AUTHOR.
            MalformedInput: STATEMENT_MALFORMED, SALT_LENGTH_WRONG, PARTIAL_MALFORMED, and what names raise.
            PeerMisbehaved: PARTIAL_SIGNATURE_INVALID; the author is to blame.
            VerificationFailed: SIGNATURE_INVALID: the author's, in the separate scheme.
            FaultDetected: our own result did not hold; nothing was released.
        """
        answer = await self._runner.run(wish.request, partial(self._prepare, wish))
        (sign_time,) = _TIME.unpack_from(answer)
        return Signed(answer[_TIME.size :], from_microseconds(sign_time))

    def _prepare(self, wish: StatementWish) -> tuple[Intent, Act]:
        statement = Statement.from_der(wish.statement_der)
        if statement.author != wish.login.account:
            raise ServiceError("NOT_THE_AUTHOR", name=statement.author)
        parties = self._parties.find(statement)
        if parties.session.info.scheme is Scheme.JOINT:
            return self._prepare_joint(wish, statement, parties)
        return self._prepare_separate(wish, statement, parties)

    def _prepare_joint(self, wish: StatementWish, statement: Statement, parties: Parties) -> tuple[Intent, Act]:
        message = joint_message(statement, parties.author, parties.session, wish.salt)
        author_partial = parse_partial_signature(message, Role.CLIENT, wish.author_signature)
        intent = _intent(wish, statement, JOINT_ALGORITHM.value)
        return intent, partial(self._act_joint, statement, author_partial)

    def _prepare_separate(self, wish: StatementWish, statement: Statement, parties: Parties) -> tuple[Intent, Act]:
        if wish.salt:
            raise ServiceError("FIELD_INVALID", field="salt", problem="must be empty in the separate scheme")
        check_author_signature(statement, wish.author_signature, parties.author, parties.session)
        intent = _intent(wish, statement, algorithm_of(parties.author.public_key).value)
        return intent, partial(self._act_separate, statement, parties)

    def _act_joint(self, statement: Statement, author_partial: PartialSignature, name: str) -> Result:
        try:
            signature = sign_jointly(self._shares, name, author_partial, self._engine, self._random)
        except ServiceError as error:
            if error.reason != "KEY_DESTROYED":
                raise
            raise ServiceError("SESSION_CLOSED", session_id=statement.session_id) from None
        return self._result(statement, signature)

    def _act_separate(self, statement: Statement, parties: Parties, name: str) -> Result:
        share = self._shares.open(name, parties.session.public_share())
        if share is None:
            raise ServiceError("SESSION_CLOSED", session_id=statement.session_id)
        assert isinstance(share, SigningHalf)  # noqa: S101  # its public half says so
        return self._result(
            statement, sign_as_session(share, statement, parties.author, parties.session, self._engine, self._random)
        )

    def _result(self, statement: Statement, signature: bytes) -> Result:
        def keep(connection: Connection) -> None:
            rules = store.find_rules(connection, statement.session_id)
            if rules is None:
                raise ServiceError("SESSION_NOT_FOUND", session_id=statement.session_id)
            require_signable(rules, statement.session_id, self._clock())
            statements.add_statement(connection, statement.session_id, statement.digest)

        return Result(release=_TIME.pack(microseconds(self._clock())) + signature, apply=keep)


def _intent(wish: StatementWish, statement: Statement, algorithm: str) -> Intent:
    return StatementIntent(
        request=wish.request,
        key_id=share_name(statement.session_id, Purpose.SIGN),
        algorithm=algorithm,
        digest=statement.digest,
        salt=wish.salt or None,
        client_partial=wish.author_signature,
        statement=statement,
        login=wish.login,
    )
