"""What can be wrong, divided by whose fault it is.

::

    FoursealError
    +-- MalformedInput      our caller's: a value does not have the form it must have
    +-- WrongPurpose        our caller's: a signing share asked to decrypt, or the reverse
    +-- PeerMisbehaved      the other party's: its share, proof, commitment or partial does not hold
    +-- DecryptionFailed    nobody says whose: one answer to every failure of a padding
    +-- FaultDetected       ours: a result failed its own check, and nothing was released
    +-- EngineUnavailable   the machine's: it lacks what an engine needs

Each carries a ``reason`` that never changes, for programs, and ``metadata`` with whatever varies in the text. Neither
ever holds a secret: texts and metadata may be logged and sent to the other side.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class FoursealError(Exception):
    """Base of every error that Fourseal raises on purpose.

    Args:
        reason: stable name of the cause, UPPER_SNAKE.
        text: what is wrong, in English, without secrets.
        metadata: whatever varies in the text, by name.
    """

    def __init__(self, reason: str, text: str, /, **metadata: str | int) -> None:
        super().__init__(text)
        self.reason = reason
        self.metadata = {name: str(value) for name, value in metadata.items()}


class MalformedInput(FoursealError):
    """A value from our caller does not have the form it must have."""


class WrongPurpose(FoursealError):
    """A share or key for signing was asked to decrypt, or the reverse."""

    def __init__(self, wanted: str, found: str) -> None:
        super().__init__(
            "WRONG_PURPOSE", f"this needs a key for {wanted}, this one is for {found}", wanted=wanted, found=found
        )


class PeerMisbehaved(FoursealError):
    """The other party's share, proof, commitment or partial does not hold.

    ``culprit`` names the party, "client" or "server"; it stands in the metadata too.
    """

    def __init__(self, reason: str, text: str, /, *, culprit: str, **metadata: str | int) -> None:
        super().__init__(reason, text, culprit=culprit, **metadata)
        self.culprit = culprit


class DecryptionFailed(FoursealError):
    """The one answer to every failure of a padding (RFC 8017 section 7.1.2): nothing may tell one from another."""

    def __init__(self) -> None:
        super().__init__("DECRYPTION_FAILED", "the ciphertext could not be decrypted")


class FaultDetected(FoursealError):
    """A result of our own failed its check: a fault of the machine or of this code. Nothing was released.

    Danger: one released wrong CRT result reveals a prime of the share (Boneh, DeMillo, Lipton, EUROCRYPT 1997).
    """

    def __init__(self, what: str) -> None:
        super().__init__("FAULT_DETECTED", f"our own {what} failed its check; nothing was released", what=what)


class EngineUnavailable(FoursealError):
    """An engine needs what the machine lacks.

    Args:
        engine: its name.
        cause: what is missing.
    """

    def __init__(self, engine: str, cause: str) -> None:
        text = f"the engine {engine} is not available here, because {cause}"
        super().__init__("ENGINE_UNAVAILABLE", text, engine=engine, cause=cause)


@contextmanager
def blaming(culprit: str) -> Iterator[None]:
    """Turn MalformedInput into PeerMisbehaved, where all input of the block comes from the other party.

    Args:
        culprit: that party, "client" or "server".
    """
    try:
        yield
    except MalformedInput as error:
        raise PeerMisbehaved(error.reason, str(error), **{**error.metadata, "culprit": culprit}) from error
