"""What a re-key does beyond a generation: to the key that is replaced, and among the moduli known before.

The replaced key is the caller's own, and in use or disabled. Its server half is neither opened nor used: that it is
lost is a reason to replace it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from mpc.errors import FoursealError
from mpc.four_prime_rsa import Purpose
from server.custody import ShareCustody
from server.signing import store
from server.signing.keys import move_key
from server.signing.policy import state_refusal
from server.signing.states import TRANSITIONS, KeyChange
from server.signing.store import Key
from wire.catalogue import ServiceError

OVERTAKEN: Final = "KEY_REPLACED"
"""Why a re-key is aborted when another one of the same key was opened before."""


def rekey_refusal(key: Key) -> FoursealError | None:
    """Why a key cannot be replaced; None if it can."""
    if key.replaced_by_key_id is not None:
        return ServiceError("KEY_REPLACED", key_id=key.key_id, replaced_by_key_id=key.replaced_by_key_id)
    if key.state not in TRANSITIONS[KeyChange.REPLACE].starts:
        return state_refusal(key.key_id, key.state, key.abort_cause)
    return None


def replace_key(connection: Connection, shares: ShareCustody, replaced: Key, by: str, now: datetime) -> None:
    """Put a new key in the place of another one, in the transaction that opens the new one; ``forget`` follows it.

    A key that signs is destroyed. One that decrypts stays, for what was encrypted to it. Other re-keys of it that wait
    for their opening are aborted.

    Args:
        connection: the transaction.
        shares: erases the shares.
        replaced: as it was read in this transaction.
        by: id of the new key.
        now: the present time.

    Raises:
        FoursealError: that of ``rekey_refusal``.
    """
    refusal = rekey_refusal(replaced)
    if refusal is not None:
        raise refusal
    store.mark_replaced(connection, replaced.key_id, by)
    if replaced.purpose is Purpose.SIGN:
        move_key(connection, shares, replaced, KeyChange.REPLACE, now)
    for other in store.list_unopened_rekeys(connection, replaced.key_id):
        move_key(connection, shares, other, KeyChange.ABORT, now, abort_cause=OVERTAKEN)


def moduli_of_others(connection: Connection, key: Key) -> Iterator[int]:
    """All moduli known before, for the opening of a key: of a re-key not the client's of those that it replaces."""
    replaced = store.list_replaced(connection, key)
    for moduli in store.opened_moduli(connection):
        yield moduli.server
        if moduli.key_id not in replaced:
            yield moduli.client
