"""A phone with an authenticator app: what a person has beside the password."""

from __future__ import annotations

import time

import pyotp


class Phone:
    """Keeps one-time code secrets, by account, as authenticator apps do."""

    def __init__(self) -> None:
        self._apps: dict[str, pyotp.TOTP] = {}
        self._last: dict[str, str] = {}

    def scan(self, account: str, uri: str) -> None:
        """Take an ``otpauth`` URI: a person points the camera at its QR code."""
        read = pyotp.parse_uri(uri)
        if not isinstance(read, pyotp.TOTP):
            raise TypeError("this is no time-based secret")
        self._apps[account] = read

    def code(self, account: str) -> str:
        """The code that is shown now. Waits for the next one if this one was read before: a code works once."""
        app = self._apps[account]
        while (code := app.now()) == self._last.get(account):
            time.sleep(app.interval - time.time() % app.interval)
        self._last[account] = code
        return code
