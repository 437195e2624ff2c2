"""``Terminal``: what a program does that wants a transaction; each step may be repeated, and survives a crash."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from contract.transactions.binding import SignedBinding
from contract.transactions.code import ConfirmationCode
from contract.transactions.picture import REFRESHED, STILL
from contract.transactions.transaction import Transaction, Transfer
from terminal.back_end import BackEndLine
from terminal.device import connected_device
from terminal.home import Home
from terminal.picture import read_code
from terminal.store import Kept, TerminalStore
from wire.catalogue import ServiceError
from wire.client.enrolment import begin_enrolment, enrol
from wire.client.identity import Identity
from wire.client.revocation_secret import RevocationSecret
from wire.client.ticket import Ticket
from wire.client.transactions import ShownTransaction
from wire.ids import check_request_id, new_request_id
from wire.status import RemoteError

LIFE: Final = timedelta(minutes=15)
"""From a transaction's making to its end, unless it is said otherwise."""
KIND: Final = "transfer"
"""Of transactions, unless it is said otherwise."""


async def enrol_terminal(home: Home, ticket: Ticket) -> tuple[Identity, RevocationSecret]:
    """Use a ticket: who the terminal is from then on, in place of who it was, and what blocks it, to be written down.

    Raises:
        FoursealError: those of ``wire.client.enrolment.enrol`` and of ``TerminalStore``.
    """
    store = TerminalStore(home)
    secret = begin_enrolment(store, ticket).revocation_secret
    return await enrol(store, ticket), secret


class Terminal:
    """A terminal that is enrolled. From ``open``; belongs to the event loop that it was made on.

    Every method raises FoursealError: what back end and device refuse, in their words, and those of ``TerminalStore``.

    Args:
        store: what it keeps.
        line: to the back end.
        now: the clock, UTC.
    """

    def __init__(self, store: TerminalStore, line: BackEndLine, now: Callable[[], datetime]) -> None:
        self._store = store
        self._line = line
        self._now = now

    @classmethod
    @asynccontextmanager
    async def open(cls, home: Home, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> AsyncIterator[Terminal]:
        """The terminal of a folder, as long as the context lasts.

        Raises:
            ServiceError: NOT_ENROLLED, CERTIFICATE_EXPIRED; those of ``TerminalStore``.
        """
        store = await asyncio.to_thread(TerminalStore, home)
        line = BackEndLine(store.identity())
        try:
            yield cls(store, line, now)
        finally:
            await line.close()

    async def prepare(
        self,
        signer: str,
        transfers: Sequence[Transfer],
        *,
        kind: str = KIND,
        text: str = "",
        request_id: str | None = None,
        life: timedelta = LIFE,
    ) -> Kept:
        """Make a transaction, and keep it: nobody else has seen it yet.

        Args:
            signer: account whose device shall sign it.
            transfers: 1 to 16.
            kind: of transaction, as the back end knows it.
            text: for people to read, up to 500 characters.
            request_id: chosen once for this transaction: the same again is the same transaction. None: a fresh one.
            life: from now to its end, whole seconds, at most a day.

        Raises:
            MalformedInput: what ``Transaction`` raises; REQUEST_ID_MALFORMED.
            ServiceError: REQUEST_ID_REUSED: it was for another transaction.
        """
        chosen = new_request_id() if request_id is None else check_request_id(request_id)
        back_end = await self._line.name()
        time = self._now().replace(microsecond=0)
        transaction = Transaction(back_end, kind, signer, tuple(transfers), text, chosen, time, time + life)
        return await asyncio.to_thread(self._store.keep, transaction)

    async def kept(self, transaction_id: str) -> Kept:
        """One that was prepared here. Raises ServiceError (TRANSACTION_NOT_FOUND)."""
        return await asyncio.to_thread(self._store.get, transaction_id)

    async def propose(self, transaction_id: str) -> ShownTransaction:
        """Register it at the back end; one that was registered before answers how it stands."""
        return await self._line.propose((await self.kept(transaction_id)).transaction)

    async def present(self, transaction_id: str, socket: Path | None) -> SignedBinding:
        """Have it signed and shown by a device; what was signed before is answered again, and no device asked.

        Args:
            transaction_id: of one that was prepared here.
            socket: the device's Unix socket; None: there is no device now.

        Raises:
            ServiceError: DEVICE_NOT_NAMED, DEVICE_UNREACHABLE.
            RemoteError: what the device refuses: SIGNER_WRONG, DEVICE_BUSY, REFUSED_AT_DEVICE, PARTY_UNVERIFIED, ...
            MalformedInput, VerificationFailed: BINDING_MALFORMED, BINDING_OF_OTHER_TRANSACTION.
        """
        kept = await self.kept(transaction_id)
        if kept.binding is not None:
            return kept.binding
        async with connected_device(_named(socket)) as device:
            binding = await device.present(kept.transaction)
        await asyncio.to_thread(self._store.keep_binding, transaction_id, binding)
        return binding

    async def sign(self, transaction_id: str) -> ShownTransaction:
        """Bring what the device signed to the back end. Raises ServiceError (NOT_PRESENTED)."""
        _, binding = await self._signed(transaction_id)
        return await self._line.sign(transaction_id, binding)

    async def confirm(self, transaction_id: str, typed: str) -> ShownTransaction:
        """Bring the code that somebody typed.

        Raises:
            MalformedInput: CODE_MISTYPED: it was not even brought.
            RemoteError: CODE_WRONG, with ``left``; CODE_USED: it was confirmed before, perhaps by this very call, whose
                answer was lost: ``get`` says how it stands; TRANSACTION_EXPIRED, TRANSACTION_CLOSED, ...
            ServiceError: NOT_PRESENTED.
        """
        return await self._confirm(transaction_id, ConfirmationCode.parse(typed))

    async def confirm_by_picture(
        self, transaction_id: str, content: bytes, file: str, *, refreshing: bool = False
    ) -> ShownTransaction:
        """Bring the code that stands in a picture of the device's display.

        Args:
            transaction_id: of one that was prepared here.
            content: of a file of PNG, JPEG or WebP.
            file: its name, for errors.
            refreshing: whether the device draws it anew all the time: then none older than three seconds is taken.

        Raises:
            FoursealError: as ``read_code`` and ``confirm``.
        """
        transaction, _ = await self._signed(transaction_id)
        oldest = REFRESHED if refreshing else STILL
        code = await asyncio.to_thread(read_code, content, file, transaction.digest, self._now(), oldest)
        return await self._confirm(transaction_id, code)

    async def confirm_by_channel(self, transaction_id: str, socket: Path | None) -> ShownTransaction:
        """Wait until the device's user hands the code over, and bring it.

        Raises:
            ServiceError: DEVICE_NOT_NAMED, DEVICE_UNREACHABLE.
            RemoteError: the device's REFUSED_AT_DEVICE, CODE_GONE, TRANSACTION_EXPIRED, TRANSACTION_NOT_SHOWN.
            FoursealError: as ``confirm``.
        """
        transaction, _ = await self._signed(transaction_id)
        async with connected_device(_named(socket)) as device:
            code = await device.collect(transaction)
        return await self._confirm(transaction_id, code)

    async def refuse(self, transaction_id: str) -> ShownTransaction:
        """Take a transaction back that is not confirmed."""
        return await self._line.refuse(transaction_id)

    async def get(self, transaction_id: str) -> ShownTransaction:
        """How a transaction of this terminal stands.

        Raises:
            ServiceError: TRANSACTION_NOT_PROPOSED: it was prepared here, and the back end does not know it.
        """
        try:
            return await self._line.get(transaction_id)
        except RemoteError as error:
            if error.reason != "TRANSACTION_NOT_FOUND":
                raise
        kept = await self.kept(transaction_id)
        raise ServiceError("TRANSACTION_NOT_PROPOSED", transaction_id=kept.transaction_id)

    async def all(self) -> list[ShownTransaction]:
        """All of this terminal's at the back end, newest first."""
        return await self._line.all()

    async def _confirm(self, transaction_id: str, code: ConfirmationCode) -> ShownTransaction:
        _, binding = await self._signed(transaction_id)
        return await self._line.confirm(transaction_id, binding, code)

    async def _signed(self, transaction_id: str) -> tuple[Transaction, SignedBinding]:
        kept = await self.kept(transaction_id)
        if kept.binding is None:
            raise ServiceError("NOT_PRESENTED", transaction_id=transaction_id)
        return kept.transaction, kept.binding


def _named(socket: Path | None) -> Path:
    if socket is None:
        raise ServiceError("DEVICE_NOT_NAMED")
    return socket
