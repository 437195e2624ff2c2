"""Passwords: argon2id, with as much work for a name that is nobody's as for any other.

How every password is checked:

1. Writer, one transaction: the attempt is counted as a failure (``lockout``). Commit.
2. Worker: argon2id. For a name that is nobody's too, against a hash of no password.
3. Writer, one transaction: it was right, and the account may be used: the attempt is taken back. Else the failure is
   recorded. The answer to every failure is the same, LOGIN_FAILED.

A caller that goes away between 1 and 3 has failed.

Parameters are the second choice of RFC 9106 section 4, as in the agent's key store: 64 MiB, 3 passes, 4 lanes. Logins
come from outside, so no more hashes are made at once than there are workers, and few may wait: memory and time that a
flood of logins can take are bounded.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import HashingError, InvalidHashError, VerificationError, VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY
from sqlalchemy import Connection

from server.clock import Clock
from server.identity.accounts import lockout
from server.identity.accounts.events import Event, record_failure
from server.identity.accounts.workers import BoundedWorkers
from server.identity.agents import require_caller
from server.identity.store import accounts as store
from server.identity.store.accounts import AccountState
from server.journal import Caller
from server.storage import Database
from wire.catalogue import ServiceError

MIN_PASSWORD: Final = 12
"""Characters of a new password."""
MAX_PASSWORD_BYTES: Final = 1024
"""Bytes of a password in UTF-8."""
COST: Final = RFC_9106_LOW_MEMORY
"""Of every hash that is made."""
_LEAST_NAME: Final = 4  # characters: a shorter name stands in many a good password by chance


@dataclass(frozen=True, slots=True)
class CheckedPassword:
    """A password that was right: of which account, as long as the hash is still that one."""

    account: str
    password_hash: str = field(repr=False)

    def require_unchanged(self, connection: Connection) -> store.Account:
        """The account, in a later transaction.

        Raises:
            ServiceError: LOGIN_FAILED: disabled, or with another password by now.
        """
        account = store.find_account(connection, self.account)
        if account is None or account.state is AccountState.DISABLED or account.password_hash != self.password_hash:
            raise ServiceError("LOGIN_FAILED")
        return account


class Passwords:
    """Makes and checks hashes of passwords.

    Args:
        database: accounts.
        workers: where hashes are made.
        random: randomness for the hash of no password.
        clock: the time.
    """

    def __init__(
        self, database: Database, workers: BoundedWorkers, random: Callable[[int], bytes], clock: Clock
    ) -> None:
        self._database = database
        self._workers = workers
        self._clock = clock
        self._hasher = PasswordHasher.from_parameters(COST)
        self._nobodys_hash = _hash_of_no_password(random)

    async def hash_new(self, password: str, account: str) -> str:
        """The hash of a new password.

        Raises:
            ServiceError: PASSWORD_UNSUITABLE, OVERLOADED.
        """
        _require_suitable(password, account)
        return await self._workers.run(self._hash, password)

    async def is_right(self, password: str, password_hash: str) -> bool:
        """Whether a password is the one of a hash. Counts nothing.

        Raises:
            ServiceError: OVERLOADED.
        """
        return await self._workers.run(self._matches, password, password_hash)

    async def check(self, caller: Caller, name: str, password: str, states: frozenset[AccountState]) -> CheckedPassword:
        """Check the password of an account: steps 1 to 3.

        Args:
            caller: from where.
            name: under which name; a well-formed one.
            password: to be checked.
            states: what the account may be.

        Raises:
            ServiceError: CALLER_UNKNOWN, ACCOUNT_LOCKED, TOO_MANY_FAILURES, OVERLOADED, FIELD_INVALID;
                LOGIN_FAILED for all else.
        """
        if len(_encoded(password)) > MAX_PASSWORD_BYTES:
            raise ServiceError("FIELD_INVALID", field="password", problem=f"longer than {MAX_PASSWORD_BYTES} bytes")

        def begin(connection: Connection) -> store.Account | None:
            require_caller(connection, caller)
            lockout.reserve(connection, name, caller.agent_id, self._clock())
            return store.find_account(connection, name)

        account = await self._database.write(begin)  # 1
        password_hash = self._nobodys_hash if account is None else account.password_hash
        try:
            right = await self._workers.run(self._matches, password, password_hash)  # 2
        except ServiceError:  # it was not looked at
            await self._database.write(lambda connection: lockout.refund(connection, name, caller.agent_id))
            raise
        renewed = await self._renewed(password, password_hash) if right else password_hash

        def settle(connection: Connection) -> CheckedPassword | None:
            now = store.find_account(connection, name)
            if not right or now is None or now.state not in states or now.password_hash != password_hash:
                record_failure(connection, self._clock(), name, caller, Event.PASSWORD_FAILED)
                return None
            lockout.refund(connection, name, caller.agent_id)
            if renewed != password_hash:
                store.set_password_hash(connection, name, renewed, replaced=password_hash)
            return CheckedPassword(name, renewed)

        checked = await self._database.write(settle)  # 3
        if checked is None:
            raise ServiceError("LOGIN_FAILED")
        return checked

    async def _renewed(self, password: str, password_hash: str) -> str:
        """The hash, made again if its parameters are not those of today."""
        if not self._hasher.check_needs_rehash(password_hash):
            return password_hash
        return await self._workers.run(self._hash, password)

    def _hash(self, password: str) -> str:
        try:
            return self._hasher.hash(_encoded(password))
        except HashingError:  # no memory for it
            raise ServiceError("OVERLOADED") from None

    def _matches(self, password: str, password_hash: str) -> bool:
        try:
            return self._hasher.verify(password_hash, _encoded(password))
        except (VerifyMismatchError, InvalidHashError):
            return False
        except VerificationError:  # no memory for it
            raise ServiceError("OVERLOADED") from None


def _require_suitable(password: str, account: str) -> None:
    problem = ""
    if len(password) < MIN_PASSWORD:
        problem = f"shorter than {MIN_PASSWORD} characters"
    elif len(_encoded(password)) > MAX_PASSWORD_BYTES:
        problem = f"longer than {MAX_PASSWORD_BYTES} bytes"
    elif len(account) >= _LEAST_NAME and account in password.casefold():
        problem = "holds the account's name"
    elif len(set(password)) == 1:
        problem = "one character repeated"
    if problem:
        raise ServiceError("PASSWORD_UNSUITABLE", problem=problem)


def _encoded(password: str) -> bytes:
    return password.encode()  # protobuf gives valid Unicode alone


def _hash_of_no_password(random: Callable[[int], bytes]) -> str:
    """A hash with today's parameters whose password nobody knows: checking against it takes as long as any."""
    salt, digest = (base64.b64encode(random(size)).decode().rstrip("=") for size in (COST.salt_len, COST.hash_len))
    cost = f"m={COST.memory_cost},t={COST.time_cost},p={COST.parallelism}"
    return f"$argon2id$v={COST.version}${cost}${salt}${digest}"
