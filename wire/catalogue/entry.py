"""One entry of the catalogue, and what entries have in common: codes, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from grpc import StatusCode


@dataclass(frozen=True, slots=True)
class Entry:
    """One reason.

    Args:
        reason: stable name, UPPER_SNAKE.
        code: gRPC status code.
        message: for people; ``{name}`` stands for metadata.
        action: what the one who reads it can do.
    """

    reason: str
    code: StatusCode
    message: str
    action: str


INVALID = StatusCode.INVALID_ARGUMENT
PRECONDITION = StatusCode.FAILED_PRECONDITION
DENIED = StatusCode.PERMISSION_DENIED
UNAVAILABLE = StatusCode.UNAVAILABLE

CORRECT: Final = "Correct the request."
REBUILD: Final = "Use a client library that follows docs/protocol.md."
NEW_SHARE: Final = "Make a new share and start a new generation."
FORMATS: Final = "See docs/formats.md."
DISTRUST: Final = "Do not trust what came with it, and ask the operator."
