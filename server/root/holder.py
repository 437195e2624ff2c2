"""Who holds the server's halves: the database or a token, as the configuration says."""

from __future__ import annotations

import secrets
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import structlog

from server.clock import Clock
from server.config import Settings
from server.custody import DatabaseHolder, Holder, Sealer
from server.custody.pkcs11 import HalvesAhead, Logins, TokenAddress, TokenHolder, WorkerPool
from server.errors import OperatorError
from server.root.home import Home
from server.secret_file import read_secret_file
from server.storage import Database

_LOWEST_PRIORITY: Final = 19
_PIN_ACTION: Final = "Put the PIN of the token's user into the file, or into FOURSEAL_PKCS11_PIN."


def open_holder(
    home: Home,
    settings: Settings,
    database: Database,
    log: structlog.stdlib.BoundLogger,
    clock: Clock,
    sealer: Sealer,
) -> Holder:
    """Open it. A token is looked for when it is needed."""
    if settings.custody == "database":
        return DatabaseHolder(settings.shares_ahead)
    logins = Logins(home.token_lock, home.refused_pin, sealer)
    open_pool = partial(_open_pool, settings, logins, log)
    ahead = HalvesAhead(
        database,
        sealer,
        partial(open_pool, 1, 0.0, nice=_LOWEST_PRIORITY),
        secrets.token_bytes,
        clock,
        home.ahead_lock,
        log,
        count=settings.shares_ahead,
    )
    open_pool = partial(open_pool, settings.pkcs11_workers, settings.pkcs11_start_seconds)
    return TokenHolder(database, open_pool, ahead, secrets.token_bytes, clock, log)


def _open_pool(
    settings: Settings,
    logins: Logins,
    log: structlog.stdlib.BoundLogger,
    workers: int,
    patience_seconds: float,
    *,
    nice: int = 0,
) -> WorkerPool:
    if find_spec("pkcs11") is None:
        raise OperatorError("python-pkcs11 is not installed", 'Install it: pip install "fourseal[pkcs11]"')
    address = TokenAddress(settings.pkcs11_module, settings.pkcs11_token, _read_pin(settings))
    return WorkerPool(address, workers, patience_seconds, log, start=logins.start, nice=nice)


def _read_pin(settings: Settings) -> str:
    pin = settings.pkcs11_pin.get_secret_value()
    if settings.pkcs11_pin_file:
        path = Path(settings.pkcs11_pin_file)
        try:
            pin = read_secret_file(path, "the PIN in", _PIN_ACTION).decode().strip()
        except UnicodeDecodeError:
            raise OperatorError(f"the PIN in {path} is no text", _PIN_ACTION) from None
    if not pin:
        raise OperatorError("there is no PIN for the token", _PIN_ACTION)
    return pin
