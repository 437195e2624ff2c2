"""What the journal records of a call, from the call's message. For every gRPC face.

It knows messages only as what can be turned to bytes: deterministic serialisation gives a repeat the same digest.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Protocol

from server.journal.records import Caller, Request
from wire.ids import check_request_id


class Message(Protocol):
    """A protobuf message."""

    def SerializeToString(self, *, deterministic: bool = ...) -> bytes:  # noqa: N802  # protobuf's name
        """Its bytes."""


def request_of(
    caller: Caller, request_id: str, method: str, message: Message, *, account: str | None = None
) -> Request:
    """A changing call with the request_id that its caller chose.

    Args:
        caller: who calls.
        request_id: of the message.
        method: name of the call.
        message: the whole request.
        account: who is logged in, where a login is needed.

    Raises:
        MalformedInput: REQUEST_ID_MALFORMED.
    """
    return own_request_of(caller, check_request_id(request_id), method, message, account=account)


def own_request_of(
    caller: Caller, request_id: str, method: str, message: Message, *, account: str | None = None
) -> Request:
    """A changing call with a request_id of ours. Where there is a login, a repeat must come from the same account."""
    of_account = b"" if account is None else account.encode() + b"\0"
    body = sha256(of_account + message.SerializeToString(deterministic=True)).digest()
    return Request(caller, request_id, method, body, account)
