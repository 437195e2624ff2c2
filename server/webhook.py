"""Webhooks: what is posted to a URL of the operator's, signed so that its receiver knows where it comes from, and when.

Source: Standard Webhooks, https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from mpc.secret import Secret
from server.clock import Clock
from server.errors import OperatorError
from server.secret_file import read_secret_file
from wire.http_post import HttpAnswer, HttpTarget

LEAST_SECRET_BYTES: Final = 24
MOST_SECRET_BYTES: Final = 64
MAX_SECRETS: Final = 4
"""Of one webhook: more than one while they are being changed."""
_PREFIX: Final = "whsec_"
_SECONDS: Final = 20.0
_MOST_BYTES: Final = 64 * 1024


class WebhookSecrets(Secret):
    """What a webhook is signed with: each secret gives a signature, and its receiver needs one of them.

    Security: never in a log or an error.

    Args:
        keys: each 24 to 64 bytes.
    """

    __slots__ = ("_keys",)

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    def sign(self, webhook_id: str, seconds: int, content: bytes) -> str:
        """The header ``webhook-signature``: "v1," and HMAC-SHA256 in base64, for each secret, with spaces between."""
        signed = f"{webhook_id}.{seconds}.".encode() + content
        macs = (hmac.digest(key, signed, "sha256") for key in self._keys)
        return " ".join(f"v1,{base64.b64encode(mac).decode()}" for mac in macs)

    def _public_summary(self) -> str:
        return f"keys={len(self._keys)}"


def read_webhook_secrets(path: Path) -> WebhookSecrets:
    """The secrets in a file: a line each, "whsec_" and base64.

    Raises:
        OperatorError: the file cannot be read, is open to others than its owner, or has something else.
    """
    action = "Write a line into it: whsec_, and what openssl rand -base64 32 prints."
    content = read_secret_file(path, "the webhook's secret", action)
    try:
        lines = content.decode("ascii").split()
        keys = [base64.b64decode(each.removeprefix(_PREFIX), validate=True) for each in lines]
    except (UnicodeDecodeError, binascii.Error):
        lines, keys = [], []  # the cause is left out on purpose: it quotes the file
    fits = all(each.startswith(_PREFIX) for each in lines)
    fits = fits and all(LEAST_SECRET_BYTES <= len(key) <= MOST_SECRET_BYTES for key in keys)
    if not fits or not 1 <= len(keys) <= MAX_SECRETS:
        sizes = f"{LEAST_SECRET_BYTES} to {MOST_SECRET_BYTES} bytes"
        raise OperatorError(f"{path} has not 1 to {MAX_SECRETS} secrets for webhooks, each of {sizes}", action)
    return WebhookSecrets(keys)


class Webhook:
    """A URL that JSON is posted to.

    Args:
        url: https, or http to this very machine.
        secrets: sign what is posted.
        clock: the time.
        authorities: PEM file of those that the receiver's certificate must come from; empty: the system's.
        seconds: that one post may take.

    Raises:
        OperatorError: the URL or the file cannot be used.
    """

    def __init__(
        self, url: str, secrets: WebhookSecrets, clock: Clock, *, authorities: str = "", seconds: float = _SECONDS
    ) -> None:
        try:
            self._target = HttpTarget(url, authorities=authorities, seconds=seconds, most_bytes=_MOST_BYTES)
        except ValueError as error:
            action = "Give an https URL, or an http URL of this machine."
            raise OperatorError(f"the webhook's URL cannot be used: {error}", action) from None
        except OSError as error:
            text = f"the authorities of the webhook's receiver in {authorities} cannot be read: {error}"
            raise OperatorError(text, "Give a PEM file of certificates.") from error
        self._secrets = secrets
        self._clock = clock

    async def post(self, webhook_id: str, message: Any) -> HttpAnswer:  # noqa: ANN401  # JSON
        """Post a message. One that is posted again has the id that it had before.

        Raises:
            NotAnswered: nobody knows whether it was taken.
        """
        return await self._target.post(*self._signed(webhook_id, message))

    def post_now(self, webhook_id: str, message: Any) -> HttpAnswer:  # noqa: ANN401  # JSON
        """``post`` for a thread that may wait."""
        return self._target.post_now(*self._signed(webhook_id, message))

    def _signed(self, webhook_id: str, message: Any) -> tuple[bytes, dict[str, str]]:  # noqa: ANN401  # JSON
        content = json.dumps(message).encode("ascii")
        seconds = int(self._clock().timestamp())
        return content, {
            "Content-Type": "application/json",
            "webhook-id": webhook_id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": self._secrets.sign(webhook_id, seconds, content),
        }
