"""``Case``: the transaction that lies on a desk, from its reading until its code is gone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from contract.errors import TransactionRefused
from contract.transactions.binding import SignedBinding
from contract.transactions.code import ConfirmationCode
from contract.transactions.device import HeldCode, ShownCode
from contract.transactions.pages import Confirmation, Reading
from contract.transactions.picture import write_picture
from contract.transactions.transaction import Transaction
from mpc.errors import FoursealError, MalformedInput
from signer_agent.signing_device.model import Stage, View
from signer_agent.signing_device.office import Prepared
from wire.catalogue import ServiceError

SETTLED: Final = timedelta(seconds=1)
"""How long something must have been shown before it can be confirmed."""


class Case:
    """Begins with its first page. The code is in it, and comes out by ``code`` and ``picture`` alone.

    Args:
        transaction: that is shown.
        prepared: what was verified for it.
        held: its code.
        binding: that was signed.
        size: of the display, cells and lines.
        now: UTC, as all times here.
    """

    def __init__(
        self,
        transaction: Transaction,
        prepared: Prepared,
        held: HeldCode,
        binding: SignedBinding,
        size: tuple[int, int],
        now: datetime,
    ) -> None:
        self.digest = transaction.digest
        self.binding = binding
        self.handed_over = False
        self._transaction = transaction
        self._prepared = prepared
        self._held = held
        self._shown: ShownCode | None = None
        self._confirm_time = now
        self.lay_out(size, now)

    def lay_out(self, size: tuple[int, int], now: datetime) -> None:
        """The display has this size: reading begins anew, unless the code is shown already."""
        if self._shown is not None:
            return
        self._reading: Reading | None = None
        self._problem: FoursealError | None = None
        self._since, self._settled = now, False
        try:
            self._reading = Reading.begin(self._transaction, self._prepared.names, size, self._prepared.known)
        except MalformedInput as error:
            self._problem = error

    @property
    def names(self) -> Mapping[str, str]:
        """Display names of the accounts in it."""
        return {account: self._prepared.names[account] for account in self._transaction.parties}

    @property
    def is_confirmed(self) -> bool:
        """Whether its code is shown."""
        return self._shown is not None

    @property
    def end(self) -> datetime:
        """Until when it can be confirmed; then, until when its code is shown."""
        return self.binding.core.end if self._shown is None else self._shown.end

    def settle(self, now: datetime) -> bool:
        """Whether it has become possible to confirm it, by the time alone."""
        was, self._settled = self._settled, now >= self._since + SETTLED
        return self._settled and not was

    def forward(self) -> None:
        """Show the next page. Raises ServiceError (DISPLAY_CHANGED): nothing is read now."""
        self._reading = self._being_read().forward()

    def back(self) -> None:
        """Show the page before. Raises as ``forward``."""
        self._reading = self._being_read().back()

    def read(self) -> Confirmation:
        """What confirms it: all of it was read.

        Raises:
            TransactionRefused: TRANSACTION_UNREAD.
            ServiceError: DISPLAY_CHANGED: nothing is read now, or not for so long that it was meant.
        """
        confirmation = Confirmation(self._being_read())
        if not self._settled:
            raise ServiceError("DISPLAY_CHANGED")
        return confirmation

    def confirm(self, confirmation: Confirmation, now: datetime) -> None:
        """Show the code from now on. Raises TransactionRefused (TRANSACTION_EXPIRED)."""
        self._shown = self._held.confirm(confirmation, now)
        self._confirm_time = now

    def code(self, now: datetime) -> ConfirmationCode:
        """The code, secret. Raises TransactionRefused (CODE_GONE): it is not shown."""
        if self._shown is None:
            raise TransactionRefused("CODE_GONE", "no code is shown")
        return self._shown.code(now)

    def picture(self, now: datetime, *, refreshing: bool) -> str:
        """What stands in the picture, secret. Raises as ``code``."""
        return write_picture(self.code(now), self.digest, now if refreshing else self._confirm_time)

    def forget(self) -> None:
        """Show the code no longer."""
        if self._shown is not None:
            self._shown.forget()

    def view(self, revision: int, *, asks_pin: bool) -> View:
        """What is to be shown of it."""
        reading, reads = self._reading, self._shown is None
        return View(
            revision=revision,
            stage=Stage.READING if reads else Stage.SHOWING,
            transaction=self.digest,
            page=() if reading is None else reading.page,
            number=0 if reading is None else reading.current + 1,
            count=0 if reading is None else len(reading.pages),
            may_confirm=reads and self._settled and reading is not None and reading.is_complete,
            asks_pin=asks_pin,
            end=self.end,
            handed_over=self.handed_over,
            problem=self._problem,
        )

    def _being_read(self) -> Reading:
        if self._shown is not None or self._reading is None:
            raise ServiceError("DISPLAY_CHANGED")
        return self._reading
