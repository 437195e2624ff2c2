"""What the agent keeps of a log: its key, the newest checkpoint that is proven, and every checkpoint it ever saw.

::

    log/<authority>/watch.json                  sealed: the log's certificate, the proven checkpoint, the one after it
    log/<authority>/checkpoints/<size>-<id>     every checkpoint, as it came
    log/<authority>/alarms/<reason>-<id>.json   the proof of every alarm (``alarms``)

``<authority>`` begins its certificate's SHA-256: whoever enrols with another server begins anew, and nobody else does.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Self

from cryptography import x509

from contract.certificate_parts import fingerprint
from signer_agent.keystore.store import KeyStore
from transparency.checkpoint import Checkpoint
from transparency.note import Note
from wire.client.documents import Fields, Json, bytes_to_text

_NAME: Final = "watch"
_ID_DIGITS: Final = 16
_SIZE_DIGITS: Final = 19  # so that names are in the order of sizes


class OvertakenError(Exception):
    """Another process has gone on meanwhile."""


@dataclass(frozen=True, slots=True)
class LogState:
    """How far the log is known to be one log.

    Args:
        certificate: of the log's key, DER, as it was when the key was first seen.
        proven: the newest checkpoint that is consistent with all before; None: none was seen yet.
        pending: a checkpoint that came after it, and is not compared yet; None: there is none.
        grow_time: when the log was last seen to be larger than before, by our clock, UTC.
    """

    certificate: bytes
    proven: Note | None
    pending: Note | None
    grow_time: datetime

    def to_public(self) -> Json:
        """See ``Entry``."""
        return {
            "certificate": bytes_to_text(self.certificate),
            "proven": _to_text(self.proven),
            "pending": _to_text(self.pending),
            "grow_time": self.grow_time.isoformat(),
        }

    def to_secret_bytes(self) -> bytes:
        """See ``Entry``."""
        return b""

    @classmethod
    def load(cls, fields: Fields, _: bytes) -> Self:
        """See ``Entry``."""
        certificate = fields.data("certificate")
        proven, pending = _from_text(fields.text("proven")), _from_text(fields.text("pending"))
        state = cls(certificate, proven, pending, datetime.fromisoformat(fields.text("grow_time")))
        fields.end()
        return state


class Kept:
    """What is kept of one log. Every method reads or writes files.

    Every method raises ServiceError (STORE_DAMAGED, STORE_PERMISSIONS, STORE_UNUSABLE).

    Args:
        store: the opened key store.
        authority: whose log it is.
    """

    def __init__(self, store: KeyStore, authority: x509.Certificate) -> None:
        folder = f"log/{fingerprint(authority).hex()[:_ID_DIGITS]}"
        self._states = store.drawer(folder, "log watch", LogState, lambda name: name)
        self._checkpoints = store.folder(f"{folder}/checkpoints")
        self._alarms = store.folder(f"{folder}/alarms")

    def state(self) -> LogState | None:
        """How far the log is known; None before the first look."""
        return self._states.get(_NAME)

    def advance(self, before: LogState | None, after: LogState) -> LogState:
        """Store a state in place of the one that it follows.

        Raises:
            OvertakenError: that one is not there any more.
        """

        def change(known: LogState | None) -> LogState:
            if known != before:
                raise OvertakenError
            return after

        return self._states.update(_NAME, change)

    def keep(self, note: Note, checkpoint: Checkpoint) -> Path:
        """Store a checkpoint as it came, beside all others; returns the file."""
        content = note.to_bytes()
        name = f"{checkpoint.size:0{_SIZE_DIGITS}}-{_id(content)}"
        if self._checkpoints.read(name) != content:
            self._checkpoints.write(name, content)
        return self._checkpoints.path / name

    def keep_alarm(self, reason: str, content: bytes) -> Path:
        """Store the proof of an alarm; the same proof once; returns the file."""
        name = f"{reason.lower()}-{_id(content)}.json"
        if self._alarms.read(name) != content:
            self._alarms.write(name, content)
        return self._alarms.path / name


def _id(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_ID_DIGITS]


def _to_text(note: Note | None) -> str:
    return note.to_bytes().decode() if note else ""


def _from_text(text: str) -> Note | None:
    return Note.from_bytes(text.encode()) if text else None
