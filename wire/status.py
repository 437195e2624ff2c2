"""Errors as gRPC statuses, and back: the one place for each direction.

A status carries google.rpc.Status with an ErrorInfo (AIP-193): reason, domain, metadata. Where waiting helps, it adds
RetryInfo: after the error's metadata ``retry_seconds``, or after a second where the server is overloaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

import grpc
from fourseal.v1 import errors_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from mpc.errors import FoursealError
from wire.catalogue import CATALOGUE, render

DOMAIN: Final = "fourseal"
DETAILS_KEY: Final = "grpc-status-details-bin"
_OVERLOADED_SECONDS: Final = 1
_LONGEST_RETRY_SECONDS: Final = 366.0 * 24 * 3600
_MAX_TEXT_BYTES: Final = 1024  # of a message or of one value of metadata
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode if code is not grpc.StatusCode.OK}


class RemoteError(FoursealError):
    """An error that the other end of the line answered with.

    Args:
        reason: of the catalogue where the other end speaks it; SERVER_UNAVAILABLE, DEADLINE_PASSED or UNEXPECTED where
            only gRPC itself answered.
        text: the public message.
        code: gRPC status code.
        retry_seconds: of the RetryInfo: after so many seconds another try makes sense; None where it has none.
        metadata: of the ErrorInfo.
    """

    def __init__(
        self,
        reason: str,
        text: str,
        code: grpc.StatusCode,
        retry_seconds: float | None = None,
        /,
        **metadata: str | int,
    ) -> None:
        super().__init__(reason, text, **metadata)
        self.code = code
        self.retry_seconds = retry_seconds


@dataclass(frozen=True, slots=True)
class Status:
    """What is sent for an error: code, public message, trailing metadata."""

    code: grpc.StatusCode
    message: str
    trailing_metadata: tuple[tuple[str, bytes], ...]


def has_status(error: FoursealError) -> bool:
    """Whether there is a status for the error: it is one of the catalogue, or came from the other end."""
    return isinstance(error, RemoteError) or error.reason in CATALOGUE


def status_of(error: FoursealError) -> Status:
    """The status that an error is answered with."""
    code, message, metadata = _public(error)
    details = status_pb2.Status(code=code.value[0], message=message)
    details.details.add().Pack(error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata))
    retry_delay = _retry_delay(error)
    if retry_delay is not None:
        details.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=retry_delay))
    return Status(code, message, ((DETAILS_KEY, details.SerializeToString()),))


def item_error(error: FoursealError) -> errors_pb2.ItemError:
    """The same for one item of a batch."""
    code, message, metadata = _public(error)
    return errors_pb2.ItemError(
        code=code.value[0], reason=error.reason, message=message, metadata=metadata, retry_delay=_retry_delay(error)
    )


def error_from_item(item: errors_pb2.ItemError) -> RemoteError:
    """The error of one item of a batch that the other end answered."""
    code = _CODES.get(item.code, grpc.StatusCode.UNKNOWN)
    retry_seconds = _seconds(item.retry_delay) if item.HasField("retry_delay") else None
    return RemoteError(item.reason, item.message, code, retry_seconds, **dict(item.metadata))


def error_from_rpc(error: grpc.aio.AioRpcError) -> RemoteError:
    """The error that a call ended with."""
    code, text = error.code(), error.details() or ""
    info, retry_seconds = _details(error)
    if info is not None:
        return RemoteError(info.reason, text, code, retry_seconds, **dict(info.metadata))
    reason = _BARE_REASONS.get(code, "UNEXPECTED")
    message = text if reason == "UNEXPECTED" else render(CATALOGUE[reason], {})
    return RemoteError(reason, message, code)


_BARE_REASONS: Final = {
    grpc.StatusCode.UNAVAILABLE: "SERVER_UNAVAILABLE",
    grpc.StatusCode.DEADLINE_EXCEEDED: "DEADLINE_PASSED",
}


def _public(error: FoursealError) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    """Code, message and metadata, as they can be sent: a status travels in headers, and those are short."""
    metadata = {name: _sendable(value) for name, value in error.metadata.items()}
    if isinstance(error, RemoteError):  # passed on as it came
        return error.code, _sendable(str(error)), metadata
    entry = CATALOGUE[error.reason]
    blames_server = error.metadata.get("culprit") == "server"
    code = grpc.StatusCode.ABORTED if blames_server else entry.code  # its caller did nothing wrong
    return code, render(entry, dict(metadata)), metadata


def _retry_delay(error: FoursealError) -> Duration | None:
    """After how long another try makes sense; None where waiting does not help."""
    if isinstance(error, RemoteError):
        return None if error.retry_seconds is None else Duration(seconds=ceil(error.retry_seconds))
    given = error.metadata.get("retry_seconds", "")
    if given.isdecimal():
        return Duration(seconds=int(given))
    return Duration(seconds=_OVERLOADED_SECONDS) if error.reason == "OVERLOADED" else None


def _seconds(delay: Duration) -> float:
    """What the other end says, as far as it makes sense."""
    return min(max(delay.seconds + delay.nanos / 1e9, 0.0), _LONGEST_RETRY_SECONDS)


def _sendable(text: str) -> str:
    """Valid UTF-8 (the name of a file may be none), of a length that leaves room for the rest of a status."""
    return text.encode(errors="backslashreplace")[:_MAX_TEXT_BYTES].decode(errors="ignore")


def _details(error: grpc.aio.AioRpcError) -> tuple[error_details_pb2.ErrorInfo | None, float | None]:
    """The ErrorInfo of ours in the trailing metadata, if it can be read, and the RetryInfo in seconds."""
    for value in error.trailing_metadata().get_all(DETAILS_KEY):
        if not isinstance(value, bytes):
            continue
        status, found, seconds = status_pb2.Status(), None, None
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        try:
            status.ParseFromString(value)
            for detail in status.details:
                if detail.Is(info.DESCRIPTOR) and detail.Unpack(info) and info.domain == DOMAIN:
                    found = info
                elif detail.Is(retry.DESCRIPTOR) and detail.Unpack(retry):
                    seconds = _seconds(retry.retry_delay)
        except DecodeError:
            return None, None
        if found is not None:
            return found, seconds
    return None, None
