"""Alice's signing device, on its page: what she sees there, and what she taps."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from demo.people import Signer
from demo.stage import CommandFailed

_SECONDS: Final = 20.0
_ORIGIN: Final = re.compile(r"http://127\.0\.0\.1:[0-9]+")


@dataclass(slots=True)
class SigningDevice:
    """The device as a process of its own; from ``start``.

    Args:
        signer: whose device it is.
        url: of its page.
        view: what stands there, as the page last heard of it.
    """

    signer: Signer
    url: str
    view: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def start(cls, signer: Signer) -> SigningDevice:
        """Start it, and open its page."""
        said = signer.serve("device", "run", "--own-key", "--page", "--json", log_name="device.log")
        device = cls(signer, said["url"])
        device._look()
        return device

    @property
    def socket(self) -> Path:
        """Where terminals come to it."""
        return self.signer.stage.folder / self.signer.name / "run" / "device.sock"

    def read(self) -> str:
        """Wait for a transaction, and turn its pages to the last one; returns all that stands on them."""
        self._until(lambda: self.view["stage"] == "reading")
        seen: list[str] = []
        while True:
            seen += [line.strip() for _, line in self.view["lines"]]
            if self.view["number"] == self.view["count"]:
                return " ".join(seen)
            self._tap("forward")

    def confirm(self) -> str:
        """Confirm what was read; returns the code that is shown then."""
        self._until(lambda: self.view["may_confirm"])
        self._tap("confirm")
        code: str = self._ask("code")["code"]
        return code

    def hand_over(self) -> None:
        """Let terminals have the code that is shown."""
        self._tap("hand-over")

    def refuse(self) -> None:
        """Refuse what was read."""
        self._tap("refuse")

    def shows_something(self) -> bool:
        """Whether a transaction stands there, or its code."""
        self._look()
        return bool(self.view["stage"] != "waiting")

    def is_free(self) -> None:
        """Wait until it shows nothing any more: the back end has the code, or it was put away."""
        self._until(lambda: self.view["stage"] == "waiting")

    def put_away(self) -> None:
        """Have the code shown no longer."""
        if self.view["stage"] == "showing":
            self._tap("put-away")
        self.is_free()

    def _tap(self, action: str) -> None:
        """Tap; once more where the view changed just then, and still shows the same: its first second was over."""
        before = self.view
        try:
            self.view = self._ask(action)
        except CommandFailed:
            self._look()
            if (self.view["stage"], self.view["lines"]) != (before["stage"], before["lines"]):
                raise
            self.view = self._ask(action)

    def _look(self) -> None:
        self.view = self._ask("view")

    def _until(self, is_so: Any) -> None:  # noqa: ANN401  # a question about the view
        end = time.monotonic() + _SECONDS
        while not is_so():
            if time.monotonic() > end:
                raise CommandFailed(f"the device still shows {self.view['stage']}")
            self._look()

    def _ask(self, action: str) -> dict[str, Any]:
        """As the page's script does: with the revision of what is looked at, and the page's own origin."""
        origin = _ORIGIN.match(self.url)
        headers = {"Content-Type": "application/json", "Origin": origin[0] if origin else ""}
        content = json.dumps({"revision": self.view.get("revision", -1)}).encode()
        request = urllib.request.Request(f"{self.url}{action}", content, headers)  # noqa: S310  # of the device
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                read: dict[str, Any] = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise CommandFailed(f"the device refused {action}: {error.read().decode()}") from None
        return read
