"""Logins that were made: read with a call, required in a change's transaction, listed, ended.

* A login is its token (32 random bytes, of which the database keeps the SHA-256) together with the agent and the client
  certificate that it was made with. From anywhere else the token is worth nothing.
* It ends when it was not used for a time (30 minutes by default), after a time in any case (12 hours), when it is
  revoked, when the password is changed elsewhere, or when the account is disabled.
* Every check reads the database: what ends a login, be it a command of the operator's in another process, ends it at
  once. It is one row by its index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from mpc.errors import FoursealError
from server.clock import Clock
from server.identity.accounts.events import Event, record
from server.identity.agents import check_callers
from server.identity.names import foreign_token_digest
from server.identity.store import logins as store
from server.identity.store.devices import note_login
from server.identity.store.logins import Login, Proof
from server.journal import Caller
from server.storage import Database, Page, PageCursor
from server.storage.paging import cut_page, page_limit
from wire.catalogue import ServiceError

MOST_LOGINS: Final = 64
"""Logins of an account; a new one ends the oldest."""
_TOUCHES: Final = 30  # in the time after which an unused login ends: use is noted no more often


@dataclass(frozen=True, slots=True)
class LoginClaim:
    """What a call brings of its login. Nothing was looked at yet: not even the account is known.

    Args:
        token_sha256: of its token.
        caller: from where.
    """

    token_sha256: bytes = field(repr=False)
    caller: Caller


class Logins:
    """The logins of all accounts.

    Args:
        database: where they are.
        clock: the time.
        idle: after which an unused login ends.
        lifetime: after which any login ends.
    """

    def __init__(self, database: Database, clock: Clock, *, idle: timedelta, lifetime: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._idle = idle
        self._lifetime = lifetime

    async def read(self, token: str | None, caller: Caller) -> Login:
        """The login that a call came with, for a handler: who is logged in. Counts as a use.

        A change checks it again in its own transaction: ``require``.

        Raises:
            ServiceError: CALLER_UNKNOWN, LOGIN_REQUIRED.
        """
        login = await self._database.read_grouped(self._read, (_digest(token), caller))
        if self._is_due(login):
            login = await self._database.write(lambda connection: self.require(connection, login))
        return login

    @staticmethod
    def claim(token: str | None, caller: Caller) -> LoginClaim:
        """What a call brings of its login, for who requires it in a transaction soon and needs no read before that.

        Raises:
            ServiceError: LOGIN_REQUIRED: there is no token.
        """
        return LoginClaim(_digest(token), caller)

    def find(self, connection: Connection, claim: LoginClaim) -> Login:
        """As ``read``, in somebody's transaction; does not count as a use. Raises as that."""
        (found,) = self._read(connection, [(claim.token_sha256, claim.caller)])
        if isinstance(found, FoursealError):
            raise found
        return found

    def require(self, connection: Connection, login: Login | LoginClaim) -> Login:
        """The login as it is now, in a transaction that may write. Counts as a use.

        Raises:
            ServiceError: LOGIN_REQUIRED: it has ended since it was read, or there is none.
        """
        found = self._valid(store.find_logins(connection, [login.token_sha256]).get(login.token_sha256), login.caller)
        if not self._is_due(found):
            return found
        now = self._clock()
        store.touch_login(connection, found, now)
        return replace(found, use_time=now)

    def require_proven(self, connection: Connection, login: Login) -> Proof:
        """As ``require``, for what a proof of possession is needed for; which certificates were proved.

        Raises:
            ServiceError: LOGIN_REQUIRED; PROOF_REQUIRED: nothing was proved, or the certificates were replaced or
                revoked or have expired since.
        """
        proof = self.require(connection, login).proof
        if proof is None or proof.end <= self._clock():
            raise ServiceError("PROOF_REQUIRED")
        return proof

    def is_proven(self, login: Login) -> bool:
        """Whether possession was proved, of certificates that are still active."""
        return login.proof is not None and login.proof.end > self._clock()

    def expire_time(self, login: Login) -> datetime:
        """When a login ends if it is not used before."""
        return min(login.use_time + self._idle, login.end_time)

    def make(self, connection: Connection, account: str, caller: Caller, login_id: str, digest: bytes) -> Login:
        """Keep a new login.

        Args:
            connection: a transaction.
            account: to which account.
            caller: from where.
            login_id: a fresh name.
            digest: SHA-256 of its token.
        """
        now = self._clock()
        login = Login(account, login_id, digest, caller, now, now, now + self._lifetime)
        store.add_login(connection, login)
        note_login(connection, account, caller.agent_id, now)
        store.drop_oldest_logins(connection, account, MOST_LOGINS)
        record(connection, now, account, caller, Event.LOGGED_IN, login_id)
        return login

    async def revoke(self, login: Login, login_id: str) -> None:
        """End a login of the caller's account, at once. One that has ended already stays ended.

        Args:
            login: the caller's.
            login_id: which one; empty for the caller's own.
        """
        ended = login_id or login.login_id

        def unit(connection: Connection) -> None:
            self.require(connection, login)
            if store.drop_login(connection, login.account, ended):
                record(connection, self._clock(), login.account, login.caller, Event.LOGIN_REVOKED, ended)

        await self._database.write(unit)

    async def list(self, login: Login, page_size: int, page_token: str) -> Page[Login]:
        """A page of the account's logins that have not ended, newest first.

        Raises:
            ServiceError: FIELD_INVALID, PAGE_TOKEN_INVALID.
        """
        limit, after = page_limit(page_size), PageCursor.from_token(page_token)
        now = self._clock()

        def query(connection: Connection) -> list[Login]:
            return store.list_logins(
                connection, login.account, after, limit + 1, used_after=now - self._idle, ends_after=now
            )

        found = await self._database.read(query)
        return cut_page(found, limit, lambda each: PageCursor(each.create_time, each.login_id))

    def drop_ended(self, connection: Connection) -> None:
        """Delete what has ended by itself."""
        now = self._clock()
        store.drop_ended_logins(connection, used_before=now - self._idle, now=now)

    def _read(self, connection: Connection, asked: Sequence[tuple[bytes, Caller]]) -> Sequence[Login | FoursealError]:
        """A ``GroupWork``: the logins with these digests, for these callers."""
        refused = check_callers(connection, [caller for _, caller in asked])
        found = store.find_logins(connection, (digest for digest, _ in asked))
        outcomes: list[Login | FoursealError] = []
        for (digest, caller), refusal in zip(asked, refused, strict=True):
            try:
                outcomes.append(refusal or self._valid(found.get(digest), caller))
            except ServiceError as error:
                outcomes.append(error)
        return outcomes

    def _valid(self, login: Login | None, caller: Caller) -> Login:
        now = self._clock()
        if login is None or login.caller != caller or not now < self.expire_time(login):
            raise ServiceError("LOGIN_REQUIRED")
        return replace(login, caller=caller)  # who came now, perhaps with a lease

    def _is_due(self, login: Login) -> bool:
        return self._clock() - login.use_time >= self._idle / _TOUCHES


def _digest(token: str | None) -> bytes:
    digest = None if token is None else foreign_token_digest(token)
    if digest is None:
        raise ServiceError("LOGIN_REQUIRED")
    return digest
