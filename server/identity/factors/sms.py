"""Text messages: an interface, and its providers.

* file: appends each message to a file, as a line of JSON. For development, and for tests.
* webhook: posts each message to a URL of the operator's, who passes it on to whoever sends it. See ``WebhookSms``.

A provider blocks; it is called in a thread of its own.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import ssl
from collections.abc import Callable
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import SplitResult, urlsplit

from server.errors import OperatorError

SIGNATURE_HEADER: Final = "Fourseal-Signature"
LEAST_SECRET_BYTES: Final = 32
_TIMEOUT_SECONDS: Final = 10.0
_MOST_RESPONSE_BYTES: Final = 64 * 1024


class MessageNotSent(Exception):
    """A provider could not pass a message on. Says what went wrong, without the message."""


class SmsProvider(Protocol):
    """Passes text messages on."""

    def send(self, phone_number: str, text: str) -> None:
        """Send a text to a number (E.164). Blocks.

        Raises:
            MessageNotSent: it may not have been sent.
        """


class FileSms:
    """Appends messages to a file that only its owner can read: {"to": ..., "text": ...}.

    Args:
        path: the file; made with the first message.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, phone_number: str, text: str) -> None:
        """See ``SmsProvider``."""
        line = json.dumps({"to": phone_number, "text": text}) + "\n"
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            raise MessageNotSent(f"{self._path}: {error.strerror}") from None


class WebhookSms:
    """Posts {"to": ..., "text": ...} as JSON. Any 2xx answer means that the message will be sent.

    The header ``Fourseal-Signature: t=<seconds since 1970>,v1=<hex>`` proves where it comes from: HMAC-SHA256 under the
    shared secret of the time's digits, a full stop and the body. A receiver refuses times that are minutes old.

    Args:
        url: https, or http to this very machine.
        secret: at least 32 bytes.
        clock: the time.

    Raises:
        OperatorError: the URL or the secret cannot be used.
    """

    def __init__(self, url: str, secret: bytes, clock: Callable[[], datetime]) -> None:
        self._target = _checked_url(url)
        if len(secret) < LEAST_SECRET_BYTES:
            raise OperatorError(
                f"the webhook's secret is shorter than {LEAST_SECRET_BYTES} bytes", "Make it with openssl rand -hex 32."
            )
        self._secret = secret
        self._clock = clock

    def send(self, phone_number: str, text: str) -> None:
        """See ``SmsProvider``."""
        body = json.dumps({"to": phone_number, "text": text}).encode()
        headers = {"Content-Type": "application/json", SIGNATURE_HEADER: self._signature(body)}
        connection = self._connect()
        try:
            connection.request("POST", self._path, body, headers)  # follows no redirect
            response = connection.getresponse()
            response.read(_MOST_RESPONSE_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise MessageNotSent(type(error).__name__) from None
        finally:
            connection.close()
        if response.status // 100 != 2:  # noqa: PLR2004  # 2xx
            raise MessageNotSent(f"HTTP status {response.status}")

    @property
    def _path(self) -> str:
        path = self._target.path or "/"
        return f"{path}?{self._target.query}" if self._target.query else path

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._target.hostname or "", self._target.port
        if self._target.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_SECONDS, context=context)
        return http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)

    def _signature(self, body: bytes) -> str:
        seconds = int(self._clock().timestamp())
        mac = hmac.new(self._secret, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
        return f"t={seconds},v1={mac}"


def read_secret(path: Path) -> bytes:
    """The secret in a file, without white space around it.

    Raises:
        OperatorError: the file cannot be read.
    """
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise OperatorError(
            f"the webhook's secret {path} cannot be read: {error.strerror}", "Correct sms_webhook_secret_file."
        ) from None


def _checked_url(url: str) -> SplitResult:
    action = "Give an https URL, or an http URL of this machine."
    try:
        parts = urlsplit(url)
        usable = parts.port is None or parts.port > 0
    except ValueError:
        raise OperatorError("the webhook's URL cannot be read", action) from None
    if not usable or not parts.hostname or parts.scheme not in {"https", "http"} or parts.username is not None:
        raise OperatorError("the webhook's URL cannot be used", action)
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        raise OperatorError("the webhook's URL would send codes in the clear", action)
    return parts


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
