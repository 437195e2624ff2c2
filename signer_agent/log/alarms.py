"""Alarms: what a log does that a log must not do, and the file that proves it (docs/formats.md).

::

    ServiceError
    +-- LogAlarm   LOG_FORKED, LOG_REWOUND, LOG_EXCHANGED: with a proof; LOG_SILENT: there is nothing to show
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mpc.four_prime_rsa import Role
from transparency.keys import VerifierKey
from transparency.note import Note
from wire.catalogue import ServiceError
from wire.client.documents import bytes_to_text, encode

FORKED: Final = "LOG_FORKED"
REWOUND: Final = "LOG_REWOUND"
EXCHANGED: Final = "LOG_EXCHANGED"
SILENT: Final = "LOG_SILENT"

_VERSION: Final = 1


class LogAlarm(ServiceError):
    """The log is not to be relied on. ``reason`` says why; the metadata name the file with the proof, if any."""

    @classmethod
    def silent(cls, problem: str) -> LogAlarm:
        """It shows nothing, or nothing new."""
        return cls(SILENT, problem=problem)

    @classmethod
    def proven(cls, reason: str, problem: str, file: str) -> LogAlarm:
        """It shows what it must not show; ``file`` has the proof."""
        return cls(reason, problem=problem, file=file, culprit=Role.SERVER)


@dataclass(frozen=True, slots=True)
class Proof:
    """What an alarm is about. Everything in it comes from the log; nothing in it says who kept it, or when.

    Args:
        key: the log's, as it was pinned.
        certificate: of that key, DER.
        kept: the checkpoint that the log is held to; None where there is none.
        shown: the checkpoint that does not go with it; None where there is none.
        hashes: what was shown as the proof of consistency.
        other: bytes that were shown and are no checkpoint of this log: a certificate, or a note.
    """

    key: VerifierKey
    certificate: bytes
    kept: Note | None = None
    shown: Note | None = None
    hashes: Sequence[bytes] = ()
    other: bytes = b""

    def to_bytes(self, reason: str) -> bytes:
        """The file."""
        document = {
            "kind": "log alarm",
            "version": _VERSION,
            "reason": reason,
            "verifier_key": self.key.to_text(),
            "certificate": bytes_to_text(self.certificate),
            "kept": self.kept.to_bytes().decode() if self.kept else "",
            "shown": self.shown.to_bytes().decode() if self.shown else "",
            "hashes": [bytes_to_text(each) for each in self.hashes],
            "other": bytes_to_text(self.other),
        }
        return encode(document)
