"""The master key file: JSON, readable by its owner only, outside the database.

::

    {"version": 1, "active": "9f0c…", "keys": {"9f0c…": "base64 of 32 bytes"}}

New secrets are sealed under the active key; every sealed secret names the key it was sealed under. So a key can be
replaced: add one, make it active, keep the old one until nothing is sealed under it any more.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from mpc.secret import Secret
from server.errors import OperatorError
from server.secret_file import read_secret_file

MASTER_KEY_BYTES: Final = 32
KEY_ID_BYTES: Final = 8
_VERSION: Final = 1
_RESTORE = "Restore the file from its backup: without it no share can be opened."


class MasterKeys(Secret):
    """The keys of a master key file, by key id (8 bytes).

    Security: never in the database, a log or an error.
    """

    __slots__ = ("active", "keys")

    def __init__(self, active: bytes, keys: Mapping[bytes, bytes]) -> None:
        self.active = active
        self.keys = dict(keys)

    def _public_summary(self) -> str:
        return f"active={self.active.hex()} keys={len(self.keys)}"


def create_master_key(path: Path, random: Callable[[int], bytes]) -> None:
    """Make a new file with one key, and see that it is on the disk.

    Raises:
        OperatorError: a file is there already, or the folder cannot be written.
    """
    key_id = random(KEY_ID_BYTES).hex()
    content = {
        "version": _VERSION,
        "active": key_id,
        "keys": {key_id: base64.b64encode(random(MASTER_KEY_BYTES)).decode()},
    }
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(json.dumps(content) + "\n")
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(path.parent)
    except FileExistsError:
        raise OperatorError(f"there is a master key already: {path}", "Keep it; it opens all shares.") from None
    except OSError as error:
        raise OperatorError(
            f"the master key cannot be written to {path}: {error.strerror}", "Check the folder and its owner."
        ) from error


def load_master_keys(path: Path) -> MasterKeys:
    """Read a master key file.

    Raises:
        OperatorError: the file is missing, not readable, open to others than its owner, or damaged.
    """
    content = read_secret_file(path, "the master key", _RESTORE)
    try:
        return _parse(json.loads(content))
    except (ValueError, KeyError, TypeError, binascii.Error):
        # the cause is left out on purpose: it quotes the file
        raise OperatorError(f"the master key {path} is damaged", _RESTORE) from None


def _parse(content: Any) -> MasterKeys:  # noqa: ANN401  # JSON of a file
    if not isinstance(content, dict) or set(content) != {"version", "active", "keys"} or content["version"] != _VERSION:
        raise ValueError("unknown form")
    if not isinstance(content["keys"], dict):
        raise TypeError("no keys")
    keys = {bytes.fromhex(name): base64.b64decode(text, validate=True) for name, text in content["keys"].items()}
    active = bytes.fromhex(content["active"])
    if active not in keys or {len(name) for name in keys} != {KEY_ID_BYTES}:
        raise ValueError("no active key")
    if {len(key) for key in keys.values()} != {MASTER_KEY_BYTES}:
        raise ValueError("wrong length")
    return MasterKeys(active, keys)


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder durable: the fsync of a file does not do that."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
