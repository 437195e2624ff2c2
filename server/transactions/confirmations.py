"""The third step: the code comes. Whatever the number of callers, one confirms, and three wrong codes are the end.

1. What is no code is told at once, and is no try.
2. The state is judged as if the code were right: what could not be confirmed even then is refused, and nothing is
   decrypted for it. If the state has changed until that is kept (the binding came), all begins anew: nothing is ever
   confirmed by a code that was not compared.
3. The sealed code is opened, in a worker, and compared. In this process one try of a transaction follows the other, and
   begins with 2: so nobody can have it opened more often than three times by guessing.
4. In one transaction of the database the state is judged with the outcome, and kept. There the tries of all processes
   come one after the other: whatever they compared, what counts is one right code, or the first three wrong ones.

A sealed code that does not open counts as a wrong one: else a device could have anything opened without end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from contract.errors import VerificationFailed
from contract.transactions.binding import Opener, SignedBinding
from contract.transactions.code import ConfirmationCode
from contract.transactions.progress import CodeTried, TransactionState, Verdict, judge
from contract.transactions.verification import is_right_code
from mpc.errors import FoursealError
from server.clock import Clock
from server.identity import require_caller
from server.journal import Caller
from server.storage import Database, Threads
from server.transactions.execution import LEASE, Execution
from server.transactions.keys import BackEndKeys
from server.transactions.signers import require_signer
from server.transactions.steps import Taken, advance, find
from server.transactions.store.transactions import TransactionRow

WAIT: Final = timedelta(seconds=5)
"""For which a caller waits until what it confirmed is executed."""


@dataclass(slots=True)
class _Turn:
    """Whose turn it is to try a code of a transaction."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class _Try:
    """A code, and what it is compared with."""

    caller: Caller
    transaction_id: str
    binding_sha256: bytes
    code: ConfirmationCode


class Confirmations:
    """Takes codes. All methods are called on one event loop.

    Args:
        database: where transactions are.
        keys: open sealed codes.
        execution: does what was confirmed.
        workers: threads that decrypt.
        clock: the time.
    """

    def __init__(
        self, database: Database, keys: BackEndKeys, execution: Execution, workers: Threads, clock: Clock
    ) -> None:
        self._database = database
        self._keys = keys
        self._execution = execution
        self._workers = workers
        self._clock = clock
        self._turns: dict[str, _Turn] = {}

    async def confirm(self, caller: Caller, transaction_id: str, binding_sha256: bytes, code: str) -> None:
        """Try a code; the right one confirms. Waits some seconds for the execution.

        Args:
            caller: that brings it.
            transaction_id: of which transaction.
            binding_sha256: digest of the binding that it belongs to.
            code: as it was typed.

        Raises:
            MalformedInput: CODE_MISTYPED.
            TransactionRefused: what ``progress.judge`` refuses with: CODE_WRONG, CODE_USED, ...
            VerificationFailed: CODE_UNREADABLE.
            ServiceError: TRANSACTION_NOT_FOUND, SIGNER_CERTIFICATE_WRONG, CUSTODY_UNAVAILABLE, NAMED_KEY_DAMAGED.
        """
        tried = _Try(caller, transaction_id, binding_sha256, ConfirmationCode.parse(code))  # 1
        async with self._turn(transaction_id):
            confirmed = await self._try(tried)
        await self._execution.begin(confirmed, WAIT)

    async def _try(self, tried: _Try) -> TransactionRow:
        while True:
            row, opener = await self._database.read(lambda connection: self._prepare(connection, tried))
            if opener is not None:
                break
            refused = await self._database.write(lambda connection: self._refuse(connection, tried))  # 2
            if refused is not None:
                return refused.require()
        unreadable: FoursealError | None = None
        try:
            right = await self._workers.run(is_right_code, SignedBinding.from_der(row.binding_der), tried.code, opener)
        except VerificationFailed as error:  # 3
            right, unreadable = False, error
        taken = await self._database.write(lambda connection: self._take(connection, tried, right=right))  # 4
        if taken.refusal is not None and unreadable is not None:
            raise unreadable
        return taken.require()

    def _prepare(self, connection: Connection, tried: _Try) -> tuple[TransactionRow, Opener | None]:
        row, verdict, _ = self._judge(connection, tried, right=True)
        if verdict.refusal is not None:
            return row, None
        return row, self._keys.opener(connection, SignedBinding.from_der(row.binding_der).core.back_end_certificate)

    def _refuse(self, connection: Connection, tried: _Try) -> Taken | None:
        """Keep that it is refused whatever the code is; None if it is not, any more."""
        row, verdict, now = self._judge(connection, tried, right=True)
        if verdict.refusal is None:
            return None
        return Taken(advance(connection, row, verdict.progress, now), verdict.refusal)

    def _take(self, connection: Connection, tried: _Try, *, right: bool) -> Taken:
        row, verdict, now = self._judge(connection, tried, right=right)
        if verdict.progress.state is not TransactionState.CONFIRMED or verdict.refusal is not None:
            return Taken(advance(connection, row, verdict.progress, now), verdict.refusal)
        code = tried.code.to_secret_text().encode()  # it is worth nothing any more
        return Taken(advance(connection, row, verdict.progress, now, detail=code, attempts=1, due_time=now + LEASE))

    def _judge(self, connection: Connection, tried: _Try, *, right: bool) -> tuple[TransactionRow, Verdict, datetime]:
        require_caller(connection, tried.caller)
        row, now = find(connection, tried.transaction_id), self._clock()
        verdict = judge(row.progress, CodeTried(tried.binding_sha256, right), now)
        if verdict.refusal is None:  # revoked since it was signed: the device may be in other hands
            binding = SignedBinding.from_der(row.binding_der)
            require_signer(connection, row.signer, binding.core.signer_certificate, now)
        return row, verdict, now

    @asynccontextmanager
    async def _turn(self, transaction_id: str) -> AsyncIterator[None]:
        turn = self._turns.setdefault(transaction_id, _Turn())
        turn.waiting += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.waiting -= 1
            if not turn.waiting:
                del self._turns[transaction_id]
