"""What the owner of an account changes, logged in and with the password once more."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from server.clock import Clock
from server.identity.accounts.events import Event, record
from server.identity.accounts.passwords import Passwords
from server.identity.accounts.registration import Registration
from server.identity.accounts.view import AccountView, view_of
from server.identity.agents import check_callers
from server.identity.factors.factors import FactorSetup, NewFactor, SecondFactors
from server.identity.logins.logins import Logins
from server.identity.store import accounts as store
from server.identity.store import factors as factor_store
from server.identity.store import logins as login_store
from server.identity.store.accounts import AccountState
from server.identity.store.logins import Login
from server.journal import Intent, Request, Result, run_at_once
from server.storage import Database
from wire.catalogue import ServiceError

MOST_FACTORS: Final = 8
"""Second factors of an account, confirmed or not."""
_ACTIVE: Final = frozenset({AccountState.ACTIVE})
_NO_KEY: Final = "-"


class AccountChanges:
    """Changes accounts.

    Args:
        database: accounts.
        logins: see that who changes is logged in.
        passwords: makes and checks hashes.
        factors: makes second factors.
        registration: sends the code that confirms one.
        clock: the time.
    """

    def __init__(
        self,
        database: Database,
        logins: Logins,
        passwords: Passwords,
        factors: SecondFactors,
        registration: Registration,
        clock: Clock,
    ) -> None:
        self._database = database
        self._logins = logins
        self._passwords = passwords
        self._factors = factors
        self._registration = registration
        self._clock = clock

    async def get(self, login: Login) -> AccountView:
        """The account of a login."""
        return await self._database.read(lambda connection: view_of(connection, login.account))

    async def change_password(self, login: Login, password: str, new_password: str) -> None:
        """Change the password. Every other login of the account ends, and every attempt to log in.

        Raises:
            ServiceError: LOGIN_REQUIRED, LOGIN_FAILED, ACCOUNT_LOCKED, TOO_MANY_FAILURES, PASSWORD_UNSUITABLE,
                OVERLOADED.
        """
        checked = await self._passwords.check(login.caller, login.account, password, _ACTIVE)
        new_hash = await self._passwords.hash_new(new_password, login.account)

        def unit(connection: Connection) -> None:
            self._logins.require(connection, login)
            if not store.set_password_hash(connection, login.account, new_hash, replaced=checked.password_hash):
                raise ServiceError("LOGIN_FAILED")  # changed elsewhere meanwhile
            login_store.drop_logins_of(connection, login.account, but=login.login_id)
            login_store.drop_challenges_of(connection, login.account)
            record(connection, self._clock(), login.account, login.caller, Event.PASSWORD_CHANGED)

        await self._database.write(unit)

    async def add_factor(self, request: Request, login: Login, password: str, wish: NewFactor) -> FactorSetup:
        """Add a second factor, to be confirmed. A repeat gets the same setup until then.

        Raises:
            ServiceError: LOGIN_REQUIRED, LOGIN_FAILED, ACCOUNT_LOCKED, TOO_MANY_FAILURES, FIELD_INVALID,
                FACTOR_NOT_OFFERED, TOO_MANY_FACTORS, REQUEST_ID_REUSED, CODE_NOT_SENT, OVERLOADED.
        """
        self._factors.check_wish(wish)
        checked = await self._passwords.check(login.caller, login.account, password, _ACTIVE)

        def change(connection: Connection) -> Result:
            self._logins.require(connection, login)
            account = checked.require_unchanged(connection)
            known = factor_store.list_factors(connection, login.account)
            if len(known) >= MOST_FACTORS:
                raise ServiceError("TOO_MANY_FACTORS", limit=MOST_FACTORS)
            factor = self._factors.make(account, wish, known)
            factor_store.add_factor(connection, factor)
            detail = f"{factor.kind.value} {factor.factor_id}"
            record(connection, self._clock(), login.account, login.caller, Event.FACTOR_ADDED, detail)
            return Result(factor.factor_id.encode())

        answer = await run_at_once(self._database, check_callers, self._clock, Intent(request, _NO_KEY), change)
        factor = await self._database.read(
            lambda connection: factor_store.find_factor(connection, login.account, answer.decode())
        )
        if factor is None:  # removed since, or another account's: the journal knows agents
            raise ServiceError("FACTOR_NOT_FOUND")
        await self._registration.send_confirmation(factor)
        return self._factors.setup_of(factor)

    async def remove_factor(self, login: Login, password: str, factor_id: str) -> AccountView:
        """Remove a second factor; one that is gone already stays gone.

        Raises:
            ServiceError: LOGIN_REQUIRED, LOGIN_FAILED, ACCOUNT_LOCKED, TOO_MANY_FAILURES, OVERLOADED; LAST_FACTOR.
        """
        checked = await self._passwords.check(login.caller, login.account, password, _ACTIVE)

        def unit(connection: Connection) -> AccountView:
            self._logins.require(connection, login)
            checked.require_unchanged(connection)
            factor = factor_store.find_factor(connection, login.account, factor_id)
            view = view_of(connection, login.account)
            if factor is not None:
                if view.factors == (factor,):
                    raise ServiceError("LAST_FACTOR")
                factor_store.drop_factors(connection, login.account, [factor_id])
                record(connection, self._clock(), login.account, login.caller, Event.FACTOR_REMOVED, factor_id)
            return view_of(connection, login.account)

        return await self._database.write(unit)
