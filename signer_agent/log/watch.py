"""Looks at the log, and holds it to every checkpoint that it ever showed.

A look:

1. What was kept is read. Whatever the server shows from here on must go with it.
2. The log's key is the one that the authority certified when it was first seen.
3. The newest checkpoint is signed by that key. It is kept, as it came, before anything else is asked.
4. It covers no fewer entries than any that was kept before.
5. A checkpoint that an earlier look kept and did not come to compare is compared first; then the new one becomes the
   pending one, durably; then the server must prove that the log only grew from the proven one to it.

A receipt is held to what was kept, too, when it comes (``hold``): its checkpoint is one more that the server showed.

A crash between any two steps loses no checkpoint that could be held against the server: the next look compares it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from contract.certificate_parts import load_certificate
from mpc.errors import FoursealError, MalformedInput
from signer_agent.client.server_line import ServerLine
from signer_agent.keystore.store import KeyStore
from signer_agent.log.alarms import EXCHANGED, FORKED, REWOUND, LogAlarm, Proof
from signer_agent.log.kept import Kept, LogState, OvertakenError
from signer_agent.log.line import LogLine, certified_key
from transparency.checkpoint import Checkpoint, verify_checkpoint
from transparency.errors import NotProven
from transparency.keys import VerifierKey
from transparency.note import Note
from transparency.receipt import Receipt
from transparency.verification import verify_consistency
from wire.catalogue import ServiceError
from wire.client.blame import blaming_server
from wire.client.repetition import CALL_SECONDS
from wire.status import RemoteError


@dataclass(frozen=True, slots=True)
class Look:
    """The log as it was found, and nothing is wrong with it.

    Args:
        origin: the log's.
        checkpoint: the newest; None: there is none yet.
        file: where it is kept as it came; None if there is none.
        grow_time: when the log was last seen to be larger than before, by our clock, UTC.
    """

    origin: str
    checkpoint: Checkpoint | None
    file: Path | None
    grow_time: datetime


class LogWatch:
    """Watches one log. Several may watch it for one agent at a time. Use ``of``.

    Args:
        kept: what is kept of it.
        line: to the server.
        authority: that certifies the log's key.
        silent_after: time after which a log that does not grow is silent; None: it may be as quiet as it likes. The
            time that the server gives its checkpoints is not looked at: it is not signed.
        clock: the present time, aware.
    """

    def __init__(
        self,
        kept: Kept,
        line: LogLine,
        authority: x509.Certificate,
        silent_after: timedelta | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._kept = kept
        self._line = line
        self._authority = authority
        self._silent_after = silent_after
        self._clock = clock

    @classmethod
    async def of(
        cls,
        store: KeyStore,
        line: ServerLine,
        silent_after: timedelta | None = None,
        *,
        seconds: float = CALL_SECONDS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> LogWatch:
        """The watch of the log of the server that the agent is enrolled with.

        Raises:
            ServiceError: STORE_DAMAGED, STORE_PERMISSIONS, STORE_UNUSABLE.
        """
        authority = x509.load_pem_x509_certificate(line.identity.authority_pem)
        kept = await asyncio.to_thread(Kept, store, authority)
        return cls(kept, LogLine(line, seconds), authority, silent_after, clock)

    async def look(self) -> Look:
        """Look once.

        Raises:
            LogAlarm: the log is not to be relied on.
            ServiceError: STORE_DAMAGED, STORE_PERMISSIONS, STORE_UNUSABLE.
        """
        while True:
            try:
                with _refusal_is_silence():
                    return await self._look()
            except OvertakenError:
                continue  # what the other process kept is what counts now

    async def compare(self, data: bytes) -> Look:
        """Compare a checkpoint that somebody else was shown with what is shown to us.

        Args:
            data: a signed note, from anywhere.

        Returns:
            What ``look`` returns.

        Raises:
            LogAlarm: as ``look``; also where the two are not of one log.
            MalformedInput: NOTE_MALFORMED, CHECKPOINT_MALFORMED: it is none.
            NotProven: NOTE_NOT_SIGNED, NOTE_SIGNATURE_WRONG, CHECKPOINT_OF_OTHER_LOG: the log did not sign it.
            ServiceError: as ``look``.
        """
        theirs = Note.from_bytes(data)
        look = await self.look()
        state = await asyncio.to_thread(self._kept.state)
        if state is None or state.proven is None:
            raise LogAlarm.silent("it shows no checkpoint")
        checkpoint = verify_checkpoint(theirs, self._pinned(state))
        await asyncio.to_thread(self._kept.keep, theirs, checkpoint)
        with _refusal_is_silence():
            await self._require_no_less(state, theirs, state.proven)
            await self._require_growth(state, theirs, state.proven)
        return look

    async def key(self) -> VerifierKey:
        """The log's key, pinned.

        Raises:
            LogAlarm, RemoteError, ServiceError: as ``hold``.
        """
        return self._pinned(await self._known())

    async def hold(self, receipt: Receipt, entry_der: bytes) -> None:
        """Check a receipt that the server shows for an entry, and hold its checkpoint to what was kept.

        Args:
            receipt: for the entry.
            entry_der: the leaf.

        Raises:
            PeerMisbehaved: what ``Receipt.verify`` raises; the culprit is the server.
            LogAlarm: its checkpoint is not of the log that was kept.
            RemoteError: what the server answers instead of a proof.
            ServiceError: STORE_DAMAGED, STORE_PERMISSIONS, STORE_UNUSABLE.
        """
        while True:
            try:
                return await self._hold(receipt, entry_der)
            except OvertakenError:
                continue

    async def _hold(self, receipt: Receipt, entry_der: bytes) -> None:
        state = await self._known()
        with blaming_server():
            checkpoint = receipt.verify(entry_der, self._pinned(state))
        note = receipt.checkpoint
        await asyncio.to_thread(self._kept.keep, note, checkpoint)
        if state.pending is not None:  # (5)
            state = await self._prove(state, state.pending)
        proven = None if state.proven is None else verify_checkpoint(state.proven, self._pinned(state))
        if state.proven is not None and proven is not None and checkpoint.size <= proven.size:
            if checkpoint != proven:  # as of an entry that was stamped some time ago
                await self._require_growth(state, note, state.proven)
            return
        state = await self._advance(state, replace(state, pending=note, grow_time=self._clock()))
        await self._prove(state, note)

    async def _known(self) -> LogState:
        """The state; before the first look the server is asked for its key."""
        return await asyncio.to_thread(self._kept.state) or await self._with_key(None)

    async def _look(self) -> Look:
        state = await asyncio.to_thread(self._kept.state)  # (1)
        state = await self._with_key(state)
        key = self._pinned(state)
        shown = await self._line.newest()
        if shown is None:
            return await self._nothing(state)
        note, checkpoint = await self._read(state, shown)  # (3)
        file = await asyncio.to_thread(self._kept.keep, note, checkpoint)
        for kept in (state.proven, state.pending):  # (4)
            if kept is not None:
                await self._require_no_less(state, kept, note)
        if state.pending is not None:  # (5)
            state = await self._prove(state, state.pending)
        if state.proven is None or verify_checkpoint(state.proven, key) != checkpoint:
            state = await self._advance(state, replace(state, pending=note, grow_time=self._clock()))
            state = await self._prove(state, note)
        self._require_sound(state)
        return Look(key.name, checkpoint, file, state.grow_time)

    async def _with_key(self, state: LogState | None) -> LogState:
        """The state, when the server shows the key that it is about; at the first look that is whatever it shows."""
        certificate = await self._line.certificate()
        try:
            key = certified_key(certificate, self._authority, self._clock())
        except FoursealError as error:
            if state is None:  # nothing is known that it could be held against
                raise LogAlarm.silent(f"it shows no key that the authority certified ({error.reason})") from error
            raise await self._alarm(state, EXCHANGED, str(error), other=certificate) from error
        if state is None:
            return await self._advance(None, LogState(certificate, None, None, self._clock()))
        pinned = self._pinned(state)
        if key != pinned:
            problem = f"its key is {key.to_text()}, and was {pinned.to_text()}"
            raise await self._alarm(state, EXCHANGED, problem, other=certificate)
        return state

    async def _read(self, state: LogState, shown: bytes) -> tuple[Note, Checkpoint]:
        try:
            note = Note.from_bytes(shown)
            return note, verify_checkpoint(note, self._pinned(state))
        except (MalformedInput, NotProven) as error:
            raise await self._alarm(state, EXCHANGED, str(error), other=shown) from error

    async def _nothing(self, state: LogState) -> Look:
        kept = state.pending or state.proven
        if kept is not None:
            raise await self._alarm(state, REWOUND, "it shows no checkpoint, and once did", kept=kept)
        self._require_sound(state)
        return Look(self._pinned(state).name, None, None, state.grow_time)

    async def _require_no_less(self, state: LogState, kept: Note, shown: Note) -> None:
        key = self._pinned(state)
        before, after = verify_checkpoint(kept, key), verify_checkpoint(shown, key)
        if after.size < before.size:
            problem = f"it had {before.size} entries, and shows {after.size}"
            raise await self._alarm(state, REWOUND, problem, kept=kept, shown=shown)

    async def _prove(self, state: LogState, pending: Note) -> LogState:
        """The state with the pending checkpoint proven, once the server has shown that the log only grew."""
        if state.proven is not None:
            await self._require_growth(state, state.proven, pending)
        return await self._advance(state, replace(state, proven=pending, pending=None))

    async def _require_growth(self, state: LogState, kept: Note, shown: Note) -> None:
        key = self._pinned(state)
        old, new = verify_checkpoint(kept, key), verify_checkpoint(shown, key)
        hashes = await self._line.consistency(old.size, new.size)
        if hashes is None:
            problem = f"it signed both {old.size} and {new.size} entries, and has no proof that it only grew"
            raise await self._alarm(state, FORKED, problem, kept=kept, shown=shown)
        try:
            verify_consistency(old.size, new.size, old.root, new.root, hashes)
        except (MalformedInput, NotProven) as error:
            problem = f"what it had of {old.size} entries is not in its {new.size}: {error}"
            raise await self._alarm(state, FORKED, problem, kept=kept, shown=shown, hashes=hashes) from error

    def _require_sound(self, state: LogState) -> None:
        if self._silent_after is not None and self._clock() - state.grow_time > self._silent_after:
            raise LogAlarm.silent(f"it has not grown since {state.grow_time:%Y-%m-%d %H:%M:%S} UTC")

    def _pinned(self, state: LogState) -> VerifierKey:
        begin = load_certificate(state.certificate).not_valid_before_utc  # it was valid when it was pinned
        return certified_key(state.certificate, self._authority, begin)

    async def _advance(self, before: LogState | None, after: LogState) -> LogState:
        return await asyncio.to_thread(self._kept.advance, before, after)

    async def _alarm(
        self,
        state: LogState,
        reason: str,
        problem: str,
        *,
        kept: Note | None = None,
        shown: Note | None = None,
        hashes: list[bytes] | None = None,
        other: bytes = b"",
    ) -> LogAlarm:
        proof = Proof(self._pinned(state), state.certificate, kept, shown, hashes or [], other)
        file = await asyncio.to_thread(self._kept.keep_alarm, reason, proof.to_bytes(reason))
        return LogAlarm.proven(reason, problem, str(file))


@contextmanager
def _refusal_is_silence() -> Iterator[None]:
    """Whatever the server refuses, and whoever cannot be reached: a log that is not shown."""
    try:
        yield
    except RemoteError as error:
        raise LogAlarm.silent(f"the server does not show it ({error.reason})") from error
    except ServiceError as error:
        if error.reason != "SERVER_UNTRUSTED":
            raise
        raise LogAlarm.silent("what answers does not prove to be the server (SERVER_UNTRUSTED)") from error
