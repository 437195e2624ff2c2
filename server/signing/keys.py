"""The life of joint keys after their generation: read, list, enable, disable, destroy in two steps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection

from mpc.four_prime_rsa import JointPublicKey
from server.clock import Clock
from server.custody import ShareCustody
from server.identity import RevocationReason, check_callers, require_caller
from server.journal import Caller, Intent, Request, Result, run_at_once
from server.signing import store
from server.signing.states import TRANSITIONS, KeyChange, KeyState
from server.signing.store import Key
from server.storage import Database, Page, PageCursor
from server.storage.paging import cut_page, page_limit
from wire.catalogue import ServiceError

_KEYS_SHOWN: Final = 100

EndCertificate = Callable[[Connection, Key, RevocationReason, str, Caller | None, datetime], None]
"""Ends a key's certificate in the transaction that ends the key: takes the reason, why in words, who did it, when."""


class Keys:
    """A caller's keys.

    Args:
        database: where they are.
        shares: the server's shares.
        clock: the time.
        end_certificate: see ``EndCertificate``.
        destruction_delay: between the two steps of destruction; may be zero.
    """

    def __init__(
        self,
        database: Database,
        shares: ShareCustody,
        clock: Clock,
        end_certificate: EndCertificate,
        *,
        destruction_delay: timedelta,
    ) -> None:
        self._database = database
        self._shares = shares
        self._clock = clock
        self._end_certificate = end_certificate
        self._destruction_delay = destruction_delay

    async def list_ids_of(self, agent_id: str) -> list[str]:
        """Ids of an agent's keys that are not destroyed; the oldest 100 keys are looked at."""
        keys = await self._database.read(lambda connection: store.list_keys(connection, agent_id, None, _KEYS_SHOWN))
        return [key.key_id for key in keys if key.state is not KeyState.DESTROYED]

    async def get(self, caller: Caller, key_id: str) -> Key:
        """A caller's own key.

        Raises:
            ServiceError: CALLER_UNKNOWN; KEY_NOT_FOUND, also for another's key.
        """
        return await self._database.read(partial(_find, caller, key_id))

    def get_now(self, caller: Caller, key_id: str) -> Key:
        """As ``get``, in the caller's thread."""
        return self._database.read_now(partial(_find, caller, key_id))

    async def list(self, caller: Caller, page_size: int, page_token: str) -> Page[Key]:
        """A page of the caller's keys, oldest first.

        Raises:
            ServiceError: CALLER_UNKNOWN, FIELD_INVALID, PAGE_TOKEN_INVALID.
        """
        limit, after = page_limit(page_size), PageCursor.from_token(page_token)

        def query(connection: Connection) -> list[Key]:
            require_caller(connection, caller)
            return store.list_keys(connection, caller.agent_id, after, limit + 1)

        return cut_page(await self._database.read(query), limit, lambda key: PageCursor(key.create_time, key.key_id))

    async def change(self, request: Request, key_id: str, change: KeyChange) -> Key:
        """Change a key's state. A change that is done already changes nothing; so does a repeat.

        Returns:
            The key as it is now.

        Raises:
            ServiceError: CALLER_UNKNOWN, KEY_NOT_FOUND, KEY_STATE_WRONG, DESTRUCTION_NOT_DUE, REQUEST_ID_REUSED.
        """

        def unit(connection: Connection) -> Result:
            key, now = own_key(connection, request.caller, key_id), self._clock()
            move_key(connection, self._shares, key, change, now, delay=self._destruction_delay)
            if change is KeyChange.DESTROY:
                reason = RevocationReason.CESSATION_OF_OPERATION
                self._end_certificate(connection, key, reason, "The key was destroyed.", request.caller, now)
            return Result(afterwards=partial(self._shares.forget, key_id) if TRANSITIONS[change].erases else None)

        await run_at_once(self._database, check_callers, self._clock, Intent(request, key_id), unit)
        return await self.get(request.caller, key_id)


def _find(caller: Caller, key_id: str, connection: Connection) -> Key:
    require_caller(connection, caller)
    return own_key(connection, caller, key_id)


def own_key(connection: Connection, caller: Caller, key_id: str) -> Key:
    """A caller's own key.

    Raises:
        ServiceError: KEY_NOT_FOUND, also for another's key.
    """
    key = store.find_key(connection, key_id)
    if key is None or key.agent_id != caller.agent_id:
        raise ServiceError("KEY_NOT_FOUND", key_id=key_id)
    return key


def move_key(
    connection: Connection,
    shares: ShareCustody,
    key: Key,
    change: KeyChange,
    now: datetime,
    *,
    delay: timedelta = timedelta(0),
    abort_cause: str | None = None,
    joint_key: JointPublicKey | None = None,
) -> bool:
    """Make a change of a key, with everything that belongs to it: the one place where keys change.

    Args:
        connection: the transaction; it ends with everything or nothing of this.
        shares: for a change that erases the share.
        key: as it was read in this transaction.
        change: which.
        now: the present time.
        delay: for SCHEDULE_DESTRUCTION: how long from now the key may be destroyed.
        abort_cause: for ABORT: why.
        joint_key: for OPEN: what came of it.

    Returns:
        False if the change was done already.

    Raises:
        ServiceError: KEY_STATE_WRONG, or GENERATION_NOT_OPEN for OPEN and ABORT; DESTRUCTION_NOT_DUE.
    """
    transition = TRANSITIONS[change]
    if key.state in transition.settled:
        return False
    if change is KeyChange.DESTROY and key.destroy_time is not None and now < key.destroy_time:
        raise ServiceError("DESTRUCTION_NOT_DUE", key_id=key.key_id, destroy_time=key.destroy_time.isoformat())
    values: dict[str, object] = {
        "state": transition.target.value,
        "change_time": now,
        "destroy_time": now + delay if transition.target is KeyState.DESTRUCTION_SCHEDULED else None,
    }
    if abort_cause is not None:
        values["abort_cause"] = abort_cause
    if joint_key is not None:
        values["client_modulus"] = joint_key.client.to_bytes()
        values["joint_public_key"] = joint_key.to_der()
    if not store.change_key(connection, key, transition.starts, values):
        reason = "GENERATION_NOT_OPEN" if change in (KeyChange.OPEN, KeyChange.ABORT) else "KEY_STATE_WRONG"
        raise ServiceError(reason, key_id=key.key_id, state=key.state.value)
    if transition.erases:
        shares.erase(connection, key.key_id)
    return True


def forfeit_keys(connection: Connection, shares: ShareCustody, agent_id: str, now: datetime) -> list[Key]:
    """Destroy all keys of an agent at once, in a transaction; ``forget`` each after it. Returns them as they were."""
    living = store.list_in_states(connection, agent_id, TRANSITIONS[KeyChange.FORFEIT].starts)
    for key in living:
        move_key(connection, shares, key, KeyChange.FORFEIT, now)
    return living
