"""Logging in: the password, then a second factor, from one agent with one certificate, within five minutes.

How a second factor is checked (the password: ``accounts.passwords``):

1. Writer, one transaction: the challenge is this caller's; the attempt is counted as a failure (``lockout``). Commit.
2. Worker: the answer is compared.
3. Writer, one transaction: the answer is used up, the challenge too, and there is a login; all failures are forgotten.
   Else the failure is recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from contract.names import check_account_name
from server.clock import Clock
from server.identity.accounts import lockout
from server.identity.accounts.codes import CodeSender
from server.identity.accounts.events import Event, record, record_failure
from server.identity.accounts.passwords import Passwords
from server.identity.accounts.view import AccountView, view_of
from server.identity.agents import require_caller
from server.identity.factors.factors import Accepted, Answer, Question, SecondFactors
from server.identity.factors.security_keys import CHALLENGE_BYTES
from server.identity.logins.logins import Logins
from server.identity.names import foreign_token_digest, new_id
from server.identity.store import accounts as account_store
from server.identity.store import factors as factor_store
from server.identity.store import logins as store
from server.identity.store.accounts import AccountState
from server.identity.store.factors import FactorKind, SecondFactor
from server.identity.store.logins import Login, LoginChallenge
from server.identity.tickets import new_token, token_digest
from server.journal import Caller
from server.storage import Database
from wire.catalogue import ServiceError

CHALLENGE_LIFETIME: Final = timedelta(minutes=5)
MOST_CHALLENGES: Final = 16
"""Attempts to log in to one account that may be under way; a new one ends the oldest."""
_ACTIVE: Final = frozenset({AccountState.ACTIVE})


@dataclass(frozen=True, slots=True)
class Begun:
    """The password was right: the token of the challenge, and what can be answered."""

    token: str = field(repr=False)
    factors: list[SecondFactor]
    webauthn_options_json: str


@dataclass(frozen=True, slots=True)
class Finished:
    """There is a login: its token, itself, the account."""

    token: str = field(repr=False)
    login: Login
    account: AccountView


class LoggingIn:
    """Makes logins.

    Args:
        database: accounts and logins.
        passwords: checks passwords.
        factors: checks second factors.
        codes: sends one-time codes.
        logins: keeps logins.
        random: randomness for tokens.
        clock: the time.
    """

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        factors: SecondFactors,
        codes: CodeSender,
        logins: Logins,
        random: Callable[[int], bytes],
        clock: Clock,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._factors = factors
        self._codes = codes
        self._logins = logins
        self._random = random
        self._clock = clock

    async def begin(self, caller: Caller, name: str, password: str) -> Begun:
        """First step.

        Raises:
            MalformedInput: ACCOUNT_NAME_MALFORMED.
            ServiceError: CALLER_UNKNOWN, ACCOUNT_LOCKED, TOO_MANY_FAILURES, OVERLOADED, FIELD_INVALID, LOGIN_FAILED.
        """
        checked = await self._passwords.check(caller, check_account_name(name), password, _ACTIVE)
        token = new_token(self._random)
        challenge = LoginChallenge(token_digest(token), name, caller, self._random(CHALLENGE_BYTES), self._clock())

        def unit(connection: Connection) -> list[SecondFactor]:
            checked.require_unchanged(connection)
            store.add_challenge(connection, challenge)
            store.drop_challenges_of(connection, name, but_newest=MOST_CHALLENGES)
            record(connection, self._clock(), name, caller, Event.PASSWORD_ACCEPTED)
            return [each for each in factor_store.list_factors(connection, name) if each.confirmed]

        factors = await self._database.write(unit)
        return Begun(token, factors, self._factors.authentication_options(factors, challenge.webauthn_challenge))

    async def send_code(self, caller: Caller, token: str, factor_id: str) -> None:
        """Send the one-time code of a factor to which messages are sent.

        Raises:
            ServiceError: CALLER_UNKNOWN; LOGIN_FAILED: no such challenge; FACTOR_NOT_FOUND, CODE_SENT_RECENTLY,
                CODE_NOT_SENT.
        """

        def unit(connection: Connection) -> tuple[SecondFactor, str]:
            challenge = self._challenge(connection, caller, token)
            factor = factor_store.find_factor(connection, challenge.account, factor_id)
            if factor is None or not factor.confirmed or factor.kind is not FactorKind.SMS:
                raise ServiceError("FACTOR_NOT_FOUND")
            code = self._factors.new_code(connection, factor, challenge.token_sha256)
            record(connection, self._clock(), challenge.account, caller, Event.CODE_SENT, factor_id)
            return factor, code

        await self._codes.send(*await self._database.write(unit))

    async def finish(self, caller: Caller, token: str, factor_id: str, answer: Answer) -> Finished:
        """Second step.

        Raises:
            ServiceError: CALLER_UNKNOWN, ACCOUNT_LOCKED, TOO_MANY_FAILURES, LOGIN_FAILED, FACTOR_DAMAGED.
        """

        def begin(connection: Connection) -> tuple[LoginChallenge, Question]:
            challenge = self._challenge(connection, caller, token)
            factor = factor_store.find_factor(connection, challenge.account, factor_id)
            if factor is None or not factor.confirmed:
                raise ServiceError("LOGIN_FAILED")
            lockout.reserve(connection, challenge.account, caller.agent_id, self._clock())
            occasion = challenge.token_sha256
            return challenge, self._factors.load(connection, factor, occasion, challenge.webauthn_challenge)

        challenge, question = await self._database.write(begin)  # 1
        accepted = await asyncio.to_thread(self._factors.check, question, answer)  # 2
        login_token = new_token(self._random)

        def settle(connection: Connection) -> Finished | None:
            if accepted is None or not self._settled(connection, challenge, question, accepted):
                record_failure(connection, self._clock(), challenge.account, caller, Event.FACTOR_FAILED)
                return None
            lockout.settle(connection, challenge.account, caller.agent_id)
            digest = token_digest(login_token)
            login = self._logins.make(connection, challenge.account, caller, new_id(self._random), digest)
            return Finished(login_token, login, view_of(connection, challenge.account))

        finished = await self._database.write(settle)  # 3
        if finished is None:
            raise ServiceError("LOGIN_FAILED")
        return finished

    def drop_expired(self, connection: Connection) -> None:
        """Delete challenges and codes whose time has passed."""
        now = self._clock()
        store.drop_challenges_before(connection, now - CHALLENGE_LIFETIME)
        factor_store.drop_codes_before(connection, now - CHALLENGE_LIFETIME)

    def _challenge(self, connection: Connection, caller: Caller, token: str) -> LoginChallenge:
        require_caller(connection, caller)
        digest = foreign_token_digest(token)
        found = None if digest is None else store.find_challenge(connection, digest)
        if found is None or found.caller != caller or self._clock() >= found.create_time + CHALLENGE_LIFETIME:
            raise ServiceError("LOGIN_FAILED")
        return found

    def _settled(
        self, connection: Connection, challenge: LoginChallenge, question: Question, accepted: Accepted
    ) -> bool:
        """Use up challenge and answer; False if either was used meanwhile, or the account was disabled."""
        account = account_store.find_account(connection, challenge.account)
        if account is None or account.state is not AccountState.ACTIVE:
            return False
        if not store.drop_challenge(connection, challenge.token_sha256):
            return False
        return self._factors.settle(connection, question, accepted)
