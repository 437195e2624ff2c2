"""The evidence server's log, as this agent knows it: everything that it shows must go with what it showed before.

1. The log's key is certified by the authority that we enrolled with, and is the one that was seen first.
2. A receipt proves its entry, up to a checkpoint that this key signed.
3. That checkpoint is of the same log as the newest one that we have seen: one of them grew out of the other. So a log
   that was rewritten, or of which an older copy was put in its place, is noticed by everybody who has used it before.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import Final

from cryptography import x509
from fourseal.v1 import transparency_service_pb2 as pb

from contract.log_certificate import read_log_certificate
from contract.oids import Arc
from signer_agent.contracts.blame import blaming_server, server_lied
from signer_agent.contracts.entries import LogPin
from signer_agent.contracts.login import LoginLine
from transparency.checkpoint import Checkpoint, verify_checkpoint
from transparency.keys import VerifierKey
from transparency.note import Note
from transparency.receipt import Receipt
from transparency.verification import verify_consistency
from wire.status import RemoteError

_KNOWN: Final = "known"


class KnownLog:
    """The log. Belongs to the event loop that it was made on.

    Args:
        line: to the server, with the place where the log is remembered.
        authority: that we enrolled with.
        arc: the installation's.
    """

    def __init__(self, line: LoginLine, authority: x509.Certificate, arc: Arc) -> None:
        self._line = line.line
        self._drawer = line.drawers.log
        self._authority = authority
        self._arc = arc

    async def key(self) -> VerifierKey:
        """Step 1.

        Raises:
            PeerMisbehaved: LOG_KEY_CHANGED and what ``read_log_certificate`` raises; the culprit is the server.
        """
        pinned = await asyncio.to_thread(self._drawer.get, _KNOWN)
        return await self._fetch_key() if pinned is None else VerifierKey.from_text(pinned.key)

    async def admit(self, receipt: Receipt, entry_der: bytes) -> Checkpoint:
        """Check a receipt for an entry: steps 1 to 3; then its checkpoint is remembered if it is the newest.

        Args:
            receipt: for the entry.
            entry_der: LogEntry, DER.

        Raises:
            PeerMisbehaved: what ``Receipt.verify`` raises; CONSISTENCY_NOT_PROVEN; the culprit is the server.
        """
        pinned = await asyncio.to_thread(self._drawer.get, _KNOWN)
        key = await self._fetch_key() if pinned is None else VerifierKey.from_text(pinned.key)
        with blaming_server():
            shown = receipt.verify(entry_der, key)
        if pinned is not None:
            known = verify_checkpoint(Note.from_bytes(pinned.checkpoint), key)
            await self._require_one_log(*sorted((known, shown), key=lambda each: each.size))
            if shown.size <= known.size:
                return shown
        fresh = LogPin(key.to_text(), receipt.checkpoint.to_bytes())
        await asyncio.to_thread(self._drawer.update, _KNOWN, partial(_newer, fresh))
        return shown

    async def _require_one_log(self, older: Checkpoint, newer: Checkpoint) -> None:
        """Step 3."""
        hashes: list[bytes] = []
        if older.size != newer.size:
            request = pb.GetConsistencyProofRequest(old_size=older.size, new_size=newer.size)
            try:
                answer = await self._line.call(self._line.transparency.GetConsistencyProof, request)
            except RemoteError as error:
                if error.reason != "LOG_SIZE_UNKNOWN":
                    raise
                problem = f"it had {newer.size} entries, and does not know that any more"
                raise server_lied("CONSISTENCY_NOT_PROVEN", problem) from None
            hashes += answer.hashes
        with blaming_server():
            verify_consistency(older.size, newer.size, older.root, newer.root, hashes)

    async def _fetch_key(self) -> VerifierKey:
        answer = await self._line.call(self._line.transparency.GetLogKey, pb.GetLogKeyRequest())
        with blaming_server():
            return read_log_certificate(answer.certificate_der, self._authority, self._arc, datetime.now(UTC))


def _newer(fresh: LogPin, pinned: LogPin | None) -> LogPin:
    """The one with more entries. Another key than the one that is known: a log that another program saw first."""
    if pinned is None:
        return fresh
    if pinned.key != fresh.key:
        raise server_lied("LOG_KEY_CHANGED", "it shows another log key than before")
    sizes = [Checkpoint.from_text(Note.from_bytes(each.checkpoint).text).size for each in (pinned, fresh)]
    return fresh if sizes[1] > sizes[0] else pinned
