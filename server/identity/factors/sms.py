"""Text messages: an interface, and its providers.

* file: appends each message to a file, as a line of JSON. For development, and for tests.
* webhook: posts each message to a URL of the operator's, who passes it on to whoever sends it. See ``WebhookSms``.

A provider blocks; it is called in a thread of its own.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Protocol

from server.webhook import Webhook
from wire.http_post import NotAnswered
from wire.ids import new_request_id


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
    """Posts {"to": ..., "text": ...}. Any 2xx answer means that the message will be sent.

    Args:
        webhook: where to.
    """

    def __init__(self, webhook: Webhook) -> None:
        self._webhook = webhook

    def send(self, phone_number: str, text: str) -> None:
        """See ``SmsProvider``."""
        try:
            answer = self._webhook.post_now(f"message-{new_request_id()}", {"to": phone_number, "text": text})
        except NotAnswered as error:
            raise MessageNotSent(str(error)) from None
        if not answer.is_success:
            raise MessageNotSent(f"HTTP status {answer.status}")
