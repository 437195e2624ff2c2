"""The log's signing key: Ed25519, for checkpoints alone, sealed in custody for its origin and public half.

It is made once for a database. Neither it nor the origin may ever change: who pinned the key, or kept a checkpoint,
would take the log for another one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from mpc.errors import MalformedInput
from mpc.secret import Secret
from server.custody import Context, SealBroken, Sealer
from server.errors import OperatorError
from server.journal.log import store
from server.storage import Database
from transparency.keys import VerifierKey

_NAME_BYTES = 8
_RESTORE = "Restore database and master key from one backup."


class LogKey(Secret):
    """The key of the log, ready to sign.

    Security: whoever has it can show different people different logs.
    """

    __slots__ = ("private_key", "verifier")

    def __init__(self, origin: str, private_key: Ed25519PrivateKey) -> None:
        self.private_key = private_key
        self.verifier = VerifierKey.of(origin, private_key)

    def _public_summary(self) -> str:
        return self.verifier.to_text()


def open_log_key(
    database: Database, sealer: Sealer, origin: str, random: Callable[[int], bytes], now: datetime
) -> LogKey:
    """The key of a database's log, which is begun if there is none yet.

    Args:
        database: where the log is.
        sealer: for the private key.
        origin: the log's name; empty: as it is, or ``fourseal-log-`` and 16 hexadecimal digits, made up now.
        random: randomness for that.
        now: the present time.

    Raises:
        OperatorError: the log has another origin, or its key does not open as what it is said to be.
    """
    kept = database.read_now(store.find_log)
    if kept is None:
        name = origin or f"fourseal-log-{random(_NAME_BYTES).hex()}"
        kept = database.write_now(lambda connection: _begin(connection, sealer, name, now))
    if origin and origin != kept.origin:
        raise OperatorError(
            f"the log's origin is {kept.origin}, and log_origin says {origin}",
            "Set log_origin back: an origin never changes, or every checkpoint that somebody kept would be of no use.",
        )
    return _open(sealer, kept)


def _begin(connection: Connection, sealer: Sealer, name: str, now: datetime) -> store.LogRow:
    kept = store.find_log(connection)
    if kept is not None:  # another process was faster
        return kept
    private_key = Ed25519PrivateKey.generate()
    public_key = private_key.public_key().public_bytes_raw()
    sealed = sealer.seal(_context(name, public_key), private_key.private_bytes_raw())
    row = store.LogRow(name, public_key, sealed, now)
    store.add_log(connection, row)
    return row


def _open(sealer: Sealer, kept: store.LogRow) -> LogKey:
    try:
        secret = sealer.open(_context(kept.origin, kept.public_key), kept.sealed_key)
        key = LogKey(kept.origin, Ed25519PrivateKey.from_private_bytes(secret))
    except (SealBroken, MalformedInput, ValueError):
        raise OperatorError("the log's private key does not open", _RESTORE) from None
    if key.verifier.public_key != kept.public_key:
        raise OperatorError("the log's private key is of another public key", _RESTORE)
    return key


def _context(origin: str, public_key: bytes) -> Context:
    return Context("log-key", origin, (public_key,))
