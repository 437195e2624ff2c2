"""Whether a statement may be signed now: the one place where a session's rules are enforced.

Everything is checked in the transaction that records the intent, and what is counted is counted there. So of two
statements with one sequence number, whenever and by whichever way they come, one is signed.

1. the login has not ended, and has proved the certificate that the statement names as its author's. Revoking or
   replacing a certificate takes the proof from every login: nothing is signed with it after that;
2. the session is open, and now is in its time (also if it was not closed yet when its time was over);
3. the author is a member with that certificate;

and, for statements whose intent does not stand in the journal yet:

4. the statement names the session's certificate of the newest revision;
5. its time is not off by more than two minutes (by default), and is in the session's time: else it would be signed, and
   never hold;
6. its sequence number is higher than every one of this author before;
7. each recipient is a member with the certificate that the statement names, and the number is the next one;
8. an answer is to a statement that was signed in this session, and the first of this author to it. (That its author
   was a recipient of it, and that it is no answer itself, every ``Statement`` has checked.)

A repeat of a pending statement was counted with its intent and met 4 to 8 then. It must meet 1 to 3 again: after a
session's end nobody gets a signature under it that was not made before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from contract.statement import Statement
from mpc.errors import FoursealError
from server.clock import Clock
from server.identity import Login, Logins
from server.journal import Intent
from server.sessions.guard import proof_of, require_joined
from server.sessions.states import MemberState, SessionState
from server.sessions.store import sessions as store
from server.sessions.store import statements
from server.sessions.store.sessions import SessionMember, StatementRules
from wire.catalogue import ServiceError


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementIntent(Intent):
    """The intent to sign a statement, with the login of who wants it."""

    statement: Statement
    login: Login


class StatementPolicy:
    """The rules of statements.

    Args:
        logins: says what a login has proved.
        clock: the time.
        clock_difference: by which a statement's time may be off.
    """

    def __init__(self, logins: Logins, clock: Clock, *, clock_difference: timedelta) -> None:
        self._logins = logins
        self._clock = clock
        self._clock_difference = clock_difference

    def admit(
        self, connection: Connection, intents: Sequence[Intent], repeated: Sequence[bool]
    ) -> list[FoursealError | None]:
        """See ``server.journal.Policy``. One after the other: what the first counts, the second meets.

        The refusals: LOGIN_REQUIRED, PROOF_REQUIRED, NOT_THE_AUTHOR, SESSION_NOT_FOUND, SESSION_CLOSED,
        SESSION_NOT_BEGUN, SESSION_ENDED, NOT_A_MEMBER, SESSION_CHANGED, STATEMENT_TIME_OFF, SEQUENCE_REPEATED,
        RECIPIENT_UNKNOWN, RECIPIENT_CERTIFICATE_WRONG, RECIPIENT_NUMBER_WRONG, ANSWERED_UNKNOWN, ANSWERED_BEFORE.
        """
        return [self._judge(connection, intent, again=again) for intent, again in zip(intents, repeated, strict=True)]

    def _judge(self, connection: Connection, intent: Intent, *, again: bool) -> FoursealError | None:
        assert isinstance(intent, StatementIntent)  # noqa: S101  # this policy's runner gets no others
        try:
            self._admit(connection, intent, again=again)
        except ServiceError as error:
            return error
        return None

    def _admit(self, connection: Connection, intent: StatementIntent, *, again: bool) -> None:
        """Check everything, then count: what raises has changed nothing."""
        statement, now = intent.statement, self._clock()
        self._check_author(connection, intent)  # 1
        rules = store.find_rules(connection, statement.session_id)
        members = store.find_members(
            connection, statement.session_id, [statement.author, *(each.name for each in statement.recipients)]
        )
        author = members.get(statement.author)
        if rules is None or author is None:
            raise ServiceError("SESSION_NOT_FOUND", session_id=statement.session_id)
        require_signable(rules, statement.session_id, now)  # 2
        require_joined(author)  # 3
        if author.sign_fingerprint != statement.author_certificate:
            raise ServiceError("NOT_A_MEMBER", name=statement.author)
        if again:
            return
        if statement.session_certificate != rules.sign_fingerprint:  # 4
            raise ServiceError("SESSION_CHANGED", session_id=statement.session_id, revision=rules.revision)
        self._check_time(statement, now)  # 5
        require_signable(rules, statement.session_id, statement.time)  # 5
        if statement.sequence <= author.last_sequence:  # 6
            raise ServiceError("SEQUENCE_REPEATED", sequence=statement.sequence, last=author.last_sequence)
        _check_recipients(connection, statement, members)  # 7
        _check_answer(connection, statement)  # 8
        _count(connection, statement)

    def _check_author(self, connection: Connection, intent: StatementIntent) -> None:
        statement, login = intent.statement, intent.login
        proof = proof_of(self._logins, connection, login)
        if login.account != statement.author:
            raise ServiceError("NOT_THE_AUTHOR", name=statement.author)
        if proof.sign_certificate != statement.author_certificate:
            raise ServiceError("AUTHOR_CERTIFICATE_WRONG")

    def _check_time(self, statement: Statement, now: datetime) -> None:
        off = abs(statement.time - now)
        if off > self._clock_difference:
            raise ServiceError(
                "STATEMENT_TIME_OFF",
                seconds=int(off.total_seconds()),
                maximum=int(self._clock_difference.total_seconds()),
            )


def require_signable(rules: StatementRules, session_id: str, now: datetime) -> None:
    """See that a session is open, and that now is in its time.

    Raises:
        ServiceError: SESSION_CLOSED, SESSION_NOT_BEGUN, SESSION_ENDED.
    """
    if rules.state is not SessionState.OPEN:
        raise ServiceError("SESSION_CLOSED", session_id=session_id)
    if now < rules.begin_time:
        raise ServiceError("SESSION_NOT_BEGUN", session_id=session_id, begin_time=rules.begin_time.isoformat())
    if now >= rules.end_time:
        raise ServiceError("SESSION_ENDED", session_id=session_id, end_time=rules.end_time.isoformat())


def _check_recipients(connection: Connection, statement: Statement, members: dict[str, SessionMember]) -> None:
    for recipient in statement.recipients:
        member = members.get(recipient.name)
        if member is None or member.state is not MemberState.JOINED:
            raise ServiceError("RECIPIENT_UNKNOWN", name=recipient.name)
        if member.encrypt_fingerprint != recipient.encrypt_certificate:
            raise ServiceError("RECIPIENT_CERTIFICATE_WRONG", name=recipient.name)
    names = [recipient.name for recipient in statement.recipients]
    numbers = statements.find_numbers(connection, statement.session_id, statement.author, names)
    for recipient in statement.recipients:
        expected = numbers.get(recipient.name, 0) + 1
        if recipient.number != expected:
            raise ServiceError("RECIPIENT_NUMBER_WRONG", name=recipient.name, found=recipient.number, expected=expected)


def _check_answer(connection: Connection, statement: Statement) -> None:
    if statement.answer is None:
        return
    digest = statement.answer.statement.digest
    if not statements.is_signed(connection, statement.session_id, digest):
        raise ServiceError("ANSWERED_UNKNOWN")
    if statements.is_answered(connection, statement.session_id, digest, statement.author):
        raise ServiceError("ANSWERED_BEFORE")


def _count(connection: Connection, statement: Statement) -> None:
    store.set_sequence(connection, statement.session_id, statement.author, statement.sequence)
    numbers = {recipient.name: recipient.number for recipient in statement.recipients}
    statements.put_numbers(connection, statement.session_id, statement.author, numbers)
    if statement.answer is not None:
        digest = statement.answer.statement.digest
        statements.add_answer(connection, statement.session_id, digest, statement.author)
