"""How the code of a transaction comes from its device to here: typed, in a picture, or handed over.

Each try opens the terminal anew: between them a person may be asked, and can interrupt.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mpc.errors import FoursealError
from terminal.cli.options import with_terminal
from terminal.picture import MAX_PICTURE_BYTES
from wire.catalogue import ServiceError
from wire.client.named_files import read_file
from wire.client.output import OUTPUT, console
from wire.client.transactions import ShownTransaction

_MOST_TYPED: Final = 1024


@dataclass(frozen=True, slots=True)
class Way:
    """How the code comes here. Of ``code``, ``picture`` and ``channel`` at most one; with none a person is asked.

    Args:
        home: the terminal's folder.
        device: the device's socket.
        code: what was typed already.
        picture: file with a picture of the device's display.
        refreshing: whether the device draws that anew all the time.
        channel: whether the device hands the code over.
        resumed: whether another process presented the transaction.
    """

    home: Path | None
    device: Path | None
    code: str | None
    picture: Path | None
    refreshing: bool
    channel: bool
    resumed: bool

    def confirm(self, name: str) -> ShownTransaction:
        """Get the code of a transaction, and bring it.

        Raises:
            ServiceError: CONFIRMATION_CODE_MISSING: nobody can be asked; FILE_UNUSABLE.
            FoursealError: those of ``Terminal.confirm`` and its like.
        """
        if self.channel:
            OUTPUT.note("Read it at the device, confirm it there, and hand its code over.")
            return with_terminal(self.home, lambda terminal: terminal.confirm_by_channel(name, self.device))
        if self.picture is not None:
            return self._by_picture(name, self.picture)
        if self.code is not None:
            return self._type(name, self.code)
        return self._by_asking(name)

    def _by_picture(self, name: str, file: Path) -> ShownTransaction:
        if not self.resumed:
            _ask(f"Read it at the device, confirm it there, have its picture in {file}, and press Enter:", name)
        content = read_file(file, MAX_PICTURE_BYTES, "a picture")
        return with_terminal(
            self.home,
            lambda terminal: terminal.confirm_by_picture(name, content, str(file), refreshing=self.refreshing),
        )

    def _by_asking(self, name: str) -> ShownTransaction:
        """Until a code is right, or no more may be tried."""
        OUTPUT.note("Read it at the device, confirm it there, and type the code that it shows then.")
        while True:
            try:
                return self._type(name, _ask("Code:", name))
            except FoursealError as error:
                wrong = error.reason == "CODE_WRONG" and error.metadata.get("left", "0") != "0"
                if not wrong and error.reason != "CODE_MISTYPED":
                    raise
                OUTPUT.show_error(error)

    def _type(self, name: str, code: str) -> ShownTransaction:
        return with_terminal(self.home, lambda terminal: terminal.confirm(name, code))


def _ask(question: str, name: str) -> str:
    """A line of standard input. Raises ServiceError (CONFIRMATION_CODE_MISSING) at its end."""
    if not OUTPUT.as_json:
        console().print(question, end=" ", markup=False)
    line = sys.stdin.readline(_MOST_TYPED)
    if not line:
        raise ServiceError("CONFIRMATION_CODE_MISSING", transaction_id=name)
    return line.strip()
