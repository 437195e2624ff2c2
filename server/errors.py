"""What stops a server from being set up or started: for the operator, never for a caller over gRPC."""

from __future__ import annotations


class OperatorError(Exception):
    """Something that the operator has to put right before the server can go on.

    Args:
        text: what is wrong, in English, without secrets.
        action: what to do about it, one sentence.
    """

    def __init__(self, text: str, action: str) -> None:
        super().__init__(text)
        self.action = action
