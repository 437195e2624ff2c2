"""Who holds the server's halves: the database or a token, as the configuration says."""

from __future__ import annotations

import secrets
import stat
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import structlog

from server.clock import Clock
from server.config import Settings
from server.custody import DatabaseHolder, Holder
from server.custody.pkcs11 import TokenAddress, TokenHolder, WorkerPool
from server.errors import OperatorError
from server.storage import Database

_OPEN_TO_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_PIN_ACTION: Final = "Put the PIN of the token's user into the file, or into FOURSEAL_PKCS11_PIN."


def open_holder(settings: Settings, database: Database, log: structlog.stdlib.BoundLogger, clock: Clock) -> Holder:
    """Open it. A token is looked for when it is needed."""
    if settings.custody == "database":
        return DatabaseHolder(settings.shares_ahead)
    return TokenHolder(database, partial(_open_pool, settings, log), secrets.token_bytes, clock)


def _open_pool(settings: Settings, log: structlog.stdlib.BoundLogger) -> WorkerPool:
    if find_spec("pkcs11") is None:
        raise OperatorError("python-pkcs11 is not installed", 'Install it: pip install "fourseal[pkcs11]"')
    address = TokenAddress(settings.pkcs11_module, settings.pkcs11_token, _read_pin(settings))
    return WorkerPool(address, settings.pkcs11_workers, settings.pkcs11_start_seconds, log)


def _read_pin(settings: Settings) -> str:
    pin = settings.pkcs11_pin.get_secret_value()
    if settings.pkcs11_pin_file:
        path = Path(settings.pkcs11_pin_file)
        try:
            if path.stat().st_mode & _OPEN_TO_OTHERS:
                text = f"the PIN in {path} is open to others than its owner"
                raise OperatorError(text, f"Close it: chmod 600 {path}")
            pin = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise OperatorError(f"the PIN in {path} cannot be read: {error}", _PIN_ACTION) from None
    if not pin:
        raise OperatorError("there is no PIN for the token", _PIN_ACTION)
    return pin
