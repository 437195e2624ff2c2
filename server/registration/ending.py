"""What becomes of the certificate of a joint key, and of requests for one, when the key ends or is replaced."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection

from server.identity import RevocationReason, find_personal_certificate, revoke_single_certificate
from server.journal import Caller
from server.registration import store
from server.registration.store import RequestState
from server.signing import Key


def end_certificate(
    connection: Connection, key: Key, reason: RevocationReason, why: str, caller: Caller | None, now: datetime
) -> None:
    """Revoke a key's certificate, and refuse a request that waits for one, in a transaction.

    Args:
        connection: the transaction.
        key: the key.
        reason: stands in the list of revoked certificates.
        why: for who asked, in words.
        caller: who ended the key; None: the server itself.
        now: the present time.
    """
    if key.joint_public_key is None:
        return
    digest = sha256(key.joint_public_key).digest()
    issued = find_personal_certificate(connection, digest)
    if issued is not None and issued.revoke_time is None:
        revoke_single_certificate(connection, issued, now, reason, caller)
    for waiting in store.list_waiting(connection, digest):
        store.decide(connection, waiting, RequestState.REFUSED, now, why=why)
