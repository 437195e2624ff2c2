"""Registration: a name, a password, a second factor; and the answer that shows that the factor works."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from contract.names import check_account_name, check_display_name
from server.clock import Clock
from server.identity.accounts import lockout
from server.identity.accounts.codes import CodeSender
from server.identity.accounts.events import Event, record, record_failure
from server.identity.accounts.passwords import CheckedPassword, Passwords
from server.identity.accounts.view import AccountView, view_of
from server.identity.agents import check_callers
from server.identity.factors.factors import CONFIRMATION, Answer, FactorSetup, NewFactor, Question, SecondFactors
from server.identity.logins.logins import Logins
from server.identity.names import new_id
from server.identity.store import accounts as store
from server.identity.store import factors as factor_store
from server.identity.store.accounts import Account, AccountState
from server.identity.store.factors import FactorKind, SecondFactor
from server.identity.store.logins import Login
from server.identity.tickets import new_token, token_digest
from server.journal import Caller, Intent, Request, Result, run_at_once
from server.storage import Database
from wire.catalogue import ServiceError

MOST_AWAITING: Final = 16
"""Accounts that one agent may have registered and not yet confirmed."""
ABANDONED_AFTER: Final = timedelta(days=1)
"""An account or a second factor that was not confirmed by then is dropped, and the name is free again."""
_MAX_DISPLAY_NAME_BYTES: Final = 64  # in UTF-8: what the strictest readers of certificates take for a common name
_USER_HANDLE_BYTES: Final = 16
_CONFIRMABLE: Final = frozenset({AccountState.AWAITING_FACTOR, AccountState.ACTIVE})
_NO_KEY: Final = "-"  # the journal's key id where no key is used


@dataclass(frozen=True, slots=True)
class Registered:
    """A new account, and how its second factor is set up."""

    view: AccountView
    setup: FactorSetup


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A second factor works. Whoever has just given password and first factor of a new account is logged in.

    Args:
        view: the account.
        token: of the login; empty if there is none.
        login: the login; None for another factor than the first.
    """

    view: AccountView
    token: str = field(default="", repr=False)
    login: Login | None = None


class Registration:
    """Makes accounts.

    Args:
        database: accounts.
        passwords: makes and checks hashes.
        factors: makes and checks second factors.
        codes: sends one-time codes.
        logins: whoever confirms a new account is logged in.
        random: randomness for user handles and tokens.
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

    async def register(
        self, request: Request, name: str, display_name: str, password: str, wish: NewFactor
    ) -> Registered:
        """Make an account that waits for its second factor.

        A repeat must come with the same password, of which the journal holds nothing; it gets the same setup until the
        factor is confirmed. For text messages it has another code sent, if the last is a minute old.

        Raises:
            MalformedInput: ACCOUNT_NAME_MALFORMED, DISPLAY_NAME_MALFORMED.
            ServiceError: CALLER_UNKNOWN, FIELD_INVALID, FACTOR_NOT_OFFERED, PASSWORD_UNSUITABLE, ACCOUNT_EXISTS,
                TOO_MANY_REGISTRATIONS, REQUEST_ID_REUSED, CODE_NOT_SENT, OVERLOADED.
        """
        check_account_name(name)
        if len(check_display_name(display_name).encode()) > _MAX_DISPLAY_NAME_BYTES:
            raise ServiceError("DISPLAY_NAME_MALFORMED", problem=f"has at most {_MAX_DISPLAY_NAME_BYTES} bytes")
        self._factors.check_wish(wish)
        password_hash = await self._passwords.hash_new(password, name)
        handle = self._random(_USER_HANDLE_BYTES)
        account = Account(
            name,
            display_name,
            AccountState.AWAITING_FACTOR,
            password_hash,
            handle,
            request.caller.agent_id,
            self._clock(),
        )
        made = False

        def change(connection: Connection) -> Result:
            nonlocal made
            self._add(connection, request.caller, account, factor := self._factors.make(account, wish, ()))
            made = True
            return Result(factor.factor_id.encode())

        answer = await run_at_once(self._database, check_callers, self._clock, Intent(request, _NO_KEY), change)
        registered = await self._read(name, answer.decode())
        if not made and not await self._passwords.is_right(password, registered.view.account.password_hash):
            raise ServiceError("REQUEST_ID_REUSED")
        await self.send_confirmation(registered.setup.factor)
        return registered

    async def confirm(self, caller: Caller, name: str, factor_id: str, password: str, answer: Answer) -> Confirmed:
        """See that a second factor works: it can be used from then on, and a new account is active and logged in.

        A factor that was confirmed before stays so, and the account is answered, without a login.

        Raises:
            MalformedInput: ACCOUNT_NAME_MALFORMED.
            ServiceError: CALLER_UNKNOWN, ACCOUNT_LOCKED, TOO_MANY_FAILURES, OVERLOADED, FACTOR_NOT_FOUND,
                FACTOR_DAMAGED; LOGIN_FAILED.
        """
        checked = await self._passwords.check(caller, check_account_name(name), password, _CONFIRMABLE)

        def begin(connection: Connection) -> Question | None:
            checked.require_unchanged(connection)
            factor = factor_store.find_factor(connection, name, factor_id)
            if factor is None:
                raise ServiceError("FACTOR_NOT_FOUND")
            if factor.confirmed:
                return None
            lockout.reserve(connection, name, caller.agent_id, self._clock())
            return self._factors.load(connection, factor, CONFIRMATION, b"")

        question = await self._database.write(begin)
        if question is not None:
            return await self._settle(caller, checked, question, answer)
        return Confirmed(await self._database.read(lambda connection: view_of(connection, name)))

    async def send_confirmation(self, factor: SecondFactor) -> None:
        """Send the code that shows that a new factor works, unless one was sent a moment ago.

        Raises:
            ServiceError: CODE_NOT_SENT, OVERLOADED, FACTOR_DAMAGED.
        """
        if factor.kind is not FactorKind.SMS or factor.confirmed:
            return
        try:
            code = await self._database.write(
                lambda connection: self._factors.new_code(connection, factor, CONFIRMATION)
            )
        except ServiceError as error:
            if error.reason != "CODE_SENT_RECENTLY":
                raise
            return
        await self._codes.send(factor, code)

    def drop_abandoned(self, connection: Connection) -> None:
        """Delete accounts and second factors that nobody confirmed in time."""
        before = self._clock() - ABANDONED_AFTER
        factor_store.drop_unconfirmed(connection, before)
        for name in store.list_abandoned(connection, before):
            factors = factor_store.list_factors(connection, name)
            factor_store.drop_factors(connection, name, (each.factor_id for each in factors))
            store.drop_account(connection, name)
            record(connection, self._clock(), name, None, Event.ABANDONED)

    def _add(self, connection: Connection, caller: Caller, account: Account, factor: SecondFactor) -> None:
        if store.find_account(connection, account.name) is not None:
            raise ServiceError("ACCOUNT_EXISTS", name=account.name)
        if store.count_awaiting(connection, caller.agent_id) >= MOST_AWAITING:
            raise ServiceError("TOO_MANY_REGISTRATIONS", limit=MOST_AWAITING)
        store.add_account(connection, account)
        factor_store.add_factor(connection, factor)
        record(connection, account.create_time, account.name, caller, Event.REGISTERED, factor.kind.value)

    async def _read(self, name: str, factor_id: str) -> Registered:
        def query(connection: Connection) -> tuple[AccountView, SecondFactor | None]:
            return view_of(connection, name), factor_store.find_factor(connection, name, factor_id)

        view, factor = await self._database.read(query)
        if factor is None:  # removed, or abandoned, since
            raise ServiceError("FACTOR_NOT_FOUND")
        return Registered(view, self._factors.setup_of(factor))

    async def _settle(self, caller: Caller, checked: CheckedPassword, question: Question, answer: Answer) -> Confirmed:
        accepted = await asyncio.to_thread(self._factors.check, question, answer)
        name, factor_id = checked.account, question.factor.factor_id
        token = new_token(self._random)

        def settle(connection: Connection) -> Confirmed | None:
            account = checked.require_unchanged(connection)
            factor = factor_store.find_factor(connection, name, factor_id)
            if factor is not None and factor.confirmed:  # by the same call, which came twice: its answer was lost
                return Confirmed(view_of(connection, name))
            if accepted is None or not self._factors.settle(connection, question, accepted):
                record_failure(connection, self._clock(), name, caller, Event.FACTOR_FAILED)
                return None
            lockout.settle(connection, name, caller.agent_id)
            record(connection, self._clock(), name, caller, Event.FACTOR_CONFIRMED, factor_id)
            if account.state is not AccountState.AWAITING_FACTOR:
                return Confirmed(view_of(connection, name))
            store.set_state(connection, name, AccountState.ACTIVE)
            login = self._logins.make(connection, name, caller, new_id(self._random), token_digest(token))
            return Confirmed(view_of(connection, name), token, login)

        confirmed = await self._database.write(settle)
        if confirmed is None:
            raise ServiceError("LOGIN_FAILED")
        return confirmed
