"""``Desk``: one transaction at a time, from a terminal's proposal until its code is gone.

::

    waiting --present--> reading --confirm--> showing --> waiting
                            |                    |
                            +-- refuse, time ----+-- used, refuse, put_away, a minute

Terminals present and collect; the user, through one display, does all else. What the user does names the view that the
user looked at: a key that was pressed for another one does nothing (DISPLAY_CHANGED), and nothing is confirmed within
the first second that it is shown, for a terminal could time a transaction to a key that is just being pressed.

The code is held by ``contract.transactions.device`` and given to displays when they draw it, and to terminals after it
was handed over; nothing here copies it.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from contract.errors import TransactionRefused
from contract.transactions.binding import CodeVariant, SignedBinding
from contract.transactions.code import ConfirmationCode
from contract.transactions.device import SHOWN_FOR, HeldCode, begin_binding, check_proposal
from contract.transactions.pages import Reading
from contract.transactions.progress import TransactionState
from contract.transactions.transaction import Transaction, transaction_id
from mpc.engines.interface import Random
from mpc.errors import FoursealError
from signer_agent.signing_device.case import Case
from signer_agent.signing_device.model import Ended, Ending, Stage, View
from signer_agent.signing_device.office import Office
from wire.catalogue import ServiceError

_TICK_SECONDS: Final = 0.25
_ASK_SECONDS: Final = 1.0
_REMEMBERED: Final = 64
"""So many transactions that have ended are known, to say so to their terminals."""
_USED: Final = frozenset({TransactionState.CONFIRMED, TransactionState.EXECUTED, TransactionState.FAILED})
_WAITED_FOR: Final = frozenset({TransactionState.PROPOSED, TransactionState.SIGNED})


class Desk:
    """See the module. Belongs to the event loop that it was made on; ``run`` has to run beside it.

    Args:
        office: what it needs from elsewhere.
        size: of the display, cells and lines.
        variant: of its bindings.
        asks_pin: whether confirming takes the PIN, or the passphrase, of the key store.
        refreshing: whether a picture says when it is drawn, and not when its code was confirmed.
        now: the clock, UTC.
        monotonic: seconds that nobody can set back, for the minute of a code.
        random: randomness for codes.
    """

    def __init__(
        self,
        office: Office,
        size: tuple[int, int],
        *,
        variant: CodeVariant = CodeVariant.CODE_AND_RANDOM,
        asks_pin: bool = False,
        refreshing: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        random: Random = secrets.token_bytes,
    ) -> None:
        self._office = office
        self._size = size
        self._variant = variant
        self._asks_pin = asks_pin
        self._refreshing = refreshing
        self._now = now
        self._monotonic = monotonic
        self._gone_at = math.inf
        self._random = random
        self._case: Case | None = None
        self._coming: tuple[bytes, asyncio.Task[SignedBinding]] | None = None
        self._endings: dict[bytes, Ending] = {}
        self._ended: Ended | None = None
        self._revision = 0
        self._changed = asyncio.Event()
        self._confirming = asyncio.Lock()

    # What terminals do.

    async def present(self, transaction_der: bytes) -> SignedBinding:
        """Have a transaction signed and shown; the same again, while it is shown, is answered as before.

        Args:
            transaction_der: DER of Transaction.

        Raises:
            MalformedInput: TRANSACTION_MALFORMED, ..., DISPLAY_TOO_SMALL.
            TransactionRefused: SIGNER_WRONG, TRANSACTION_EXPIRED, CLOCKS_DIFFER.
            ServiceError: DEVICE_BUSY: another one is shown; REFUSED_AT_DEVICE, CODE_GONE, TRANSACTION_EXPIRED: this
                one was shown before.
            FoursealError: what ``Office.prepare`` and ``sign`` raise.
        """
        transaction = Transaction.from_der(transaction_der)
        digest = transaction.digest
        if self._case is not None and self._case.digest == digest:
            return self._case.binding
        if self._coming is None or self._coming[0] != digest:
            if self._coming is not None or self._case is not None:
                raise ServiceError("DEVICE_BUSY")
            if digest in self._endings:
                raise self._over(digest)
            task = asyncio.create_task(self._prepare(transaction))
            task.add_done_callback(self._came)
            self._coming = (digest, task)
        return await asyncio.shield(self._coming[1])  # a terminal that goes away does not stop the others

    async def collect(self, transaction: bytes) -> ConfirmationCode:
        """Wait until the user hands the code over.

        Args:
            transaction: its digest.

        Raises:
            ServiceError: TRANSACTION_NOT_SHOWN; REFUSED_AT_DEVICE, CODE_GONE, TRANSACTION_EXPIRED: it ended first.
        """
        while True:
            case = self._case
            if case is None or case.digest != transaction:
                if self._coming is None or self._coming[0] != transaction:
                    raise self._over(transaction)
            elif case.handed_over:
                return case.code(self._now())
            await self._changed.wait()

    # What displays and their user do.

    @property
    def view(self) -> View:
        """What is to be shown now."""
        case = self._case
        if case is None:
            return View(self._revision, Stage.WAITING, asks_pin=self._asks_pin, ended=self._ended)
        return case.view(self._revision, asks_pin=self._asks_pin)

    async def changed(self, revision: int) -> View:
        """Wait until the view is another one than that of a revision; returns it."""
        while self._revision == revision:
            await self._changed.wait()
        return self.view

    def resize(self, size: tuple[int, int]) -> None:
        """The display has another size, cells and lines: reading begins anew, unless the code is shown already."""
        if size == self._size:
            return
        self._size = size
        if self._case is not None:
            self._case.lay_out(size, self._now())
        self._change()

    def forward(self, revision: int) -> None:
        """Show the next page. Raises ServiceError (DISPLAY_CHANGED)."""
        self._looked_at(revision).forward()
        self._change()

    def back(self, revision: int) -> None:
        """Show the page before. Raises ServiceError (DISPLAY_CHANGED)."""
        self._looked_at(revision).back()
        self._change()

    async def confirm(self, revision: int, pin: str = "") -> None:
        """Confirm what was read: the code is shown from now on, for a minute.

        Args:
            revision: of the view that was looked at.
            pin: the PIN, or the passphrase, of the key store, secret; empty where none is asked for.

        Raises:
            TransactionRefused: TRANSACTION_UNREAD, TRANSACTION_EXPIRED.
            ServiceError: DISPLAY_CHANGED; what ``Office.check_pin`` raises.
        """
        async with self._confirming:  # no two PINs at once
            case = self._looked_at(revision)
            confirmation = case.read()
            if self._asks_pin:
                await self._office.check_pin(pin)
                self._looked_at(revision)  # it may have ended meanwhile, and another one be here
            try:
                case.confirm(confirmation, self._now())
            except TransactionRefused:
                self._end(case, Ending.EXPIRED)
                raise
            self._gone_at = self._monotonic() + SHOWN_FOR.total_seconds()
            self._change()
        with suppress(FoursealError):  # the next look-alike has no caution then; the code is shown all the same
            await self._office.remember(case.names)

    async def refuse(self, revision: int) -> None:
        """Refuse the transaction: its code is gone, and the back end is told. ``View.ended`` says whether it was.

        Raises:
            ServiceError: DISPLAY_CHANGED.
        """
        case = self._looked_at(revision)
        ended = self._end(case, Ending.REFUSED)
        try:
            await self._office.refuse(transaction_id(ended.transaction))
        except FoursealError as error:
            if self._ended is ended:
                self._ended = replace(ended, problem=error)
                self._change()

    def hand_over(self, revision: int) -> None:
        """Let terminals collect the code that is shown.

        Raises:
            ServiceError: DISPLAY_CHANGED.
            TransactionRefused: CODE_GONE.
        """
        case = self._looked_at(revision)
        case.code(self._now())
        case.handed_over = True
        self._change()

    def put_away(self, revision: int) -> None:
        """Show the code no longer. Raises ServiceError (DISPLAY_CHANGED), TransactionRefused (CODE_GONE)."""
        case = self._looked_at(revision)
        case.code(self._now())
        self._end(case, Ending.GONE)

    def code(self, revision: int) -> ConfirmationCode:
        """The code, secret, for who draws it now.

        Raises:
            ServiceError: DISPLAY_CHANGED.
            TransactionRefused: CODE_GONE: it is not shown.
        """
        return self._looked_at(revision).code(self._now())

    def picture(self, revision: int) -> str:
        """What stands in the picture, secret, for who draws it now; where it refreshes, at least once a second.

        Raises as ``code``.
        """
        return self._looked_at(revision).picture(self._now(), refreshing=self._refreshing)

    # What happens by itself.

    async def run(self) -> None:
        """Watch the time, and whether the back end has the code. Until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_time())
            tasks.create_task(self._watch_back_end())

    def look_at_clock(self) -> None:
        """End what is over by now."""
        case, now = self._case, self._now()
        if case is None:
            return
        if now >= case.end or (case.is_confirmed and self._monotonic() >= self._gone_at):  # the clock may be set back
            self._end(case, Ending.GONE if case.is_confirmed else Ending.EXPIRED)
        elif case.settle(now):
            self._change()

    async def look_at_back_end(self) -> None:
        """Show a code no longer that was used. A back end that cannot be asked changes nothing: the minute ends."""
        case = self._case
        if case is None or not case.is_confirmed:
            return
        with suppress(FoursealError):
            state = await self._office.state(transaction_id(case.digest))
            if state is not None and state not in _WAITED_FOR and self._case is case:
                self._end(case, Ending.USED if state in _USED else Ending.CLOSED, state)

    async def _watch_time(self) -> None:
        while True:
            self.look_at_clock()
            await asyncio.sleep(_TICK_SECONDS)

    async def _watch_back_end(self) -> None:
        while True:
            await self.look_at_back_end()
            await asyncio.sleep(_ASK_SECONDS)

    async def _prepare(self, transaction: Transaction) -> SignedBinding:
        check_proposal(transaction, self._office.account, self._now())
        prepared = await self._office.prepare(transaction)
        if self._variant not in prepared.variants:
            raise ServiceError("CODE_VARIANT_REFUSED", variant=self._variant)
        Reading.begin(transaction, prepared.names, self._size, prepared.known)  # what cannot be shown is not signed
        now = self._now()
        core = begin_binding(
            transaction, self._variant, prepared.back_end_certificate, prepared.signer_certificate, now
        )
        held = HeldCode(core, ConfirmationCode.new(self._random))
        binding = await self._office.sign(core, held.seal(prepared.back_end_key, self._random))
        self._case, self._ended = Case(transaction, prepared, held, binding, self._size, self._now()), None
        self._change()
        return binding

    def _came(self, task: asyncio.Task[SignedBinding]) -> None:
        self._coming = None
        if not task.cancelled():
            task.exception()  # looked at here, should every terminal have gone away
        self._change()

    def _looked_at(self, revision: int) -> Case:
        if self._case is None or revision != self._revision:
            raise ServiceError("DISPLAY_CHANGED")
        return self._case

    def _end(self, case: Case, ending: Ending, state: TransactionState | None = None) -> Ended:
        case.forget()
        self._case, self._ended = None, Ended(case.digest, ending, state)
        self._endings[case.digest] = ending
        if len(self._endings) > _REMEMBERED:
            del self._endings[next(iter(self._endings))]
        self._change()
        return self._ended

    def _over(self, transaction: bytes) -> FoursealError:
        match self._endings.get(transaction):
            case None:
                return ServiceError("TRANSACTION_NOT_SHOWN")
            case Ending.REFUSED:
                return ServiceError("REFUSED_AT_DEVICE")
            case Ending.EXPIRED:
                return ServiceError("TRANSACTION_EXPIRED")
            case _:
                return ServiceError("CODE_GONE")

    def _change(self) -> None:
        self._revision += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
