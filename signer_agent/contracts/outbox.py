"""The outbox: what was sent, and what is being sent and can go on after a crash.

::

    outbox/<account>/open/<envelope id>.json  ids, state; sealed: header, content key, source, statement, ...
    outbox/<account>/open/<envelope id>.tags  tags of the sealed segments, while a file is sent (``envelopes``)
    outbox/<account>/sent/<envelope id>.json  the same, FINISHED, with the signature
    outbox/<account>/requests/<request id>.json  which envelope a request was answered with

An entry passes through the states in their order. What each promises to a later process:

* UPLOADING: the envelope has a content key; nothing was signed. A file goes on from where the servers have it; anything
  else is begun anew, under a new key. What is to be evidence is at the evidence server before it is at the relay.
* SIGNING: all content is at the relay. The statement is fixed, with its request id: the server answers the same request
  with the same signature, whether it was asked before or not. Its number may be used up, so this entry must be finished
  before anything else is signed in the session.
* SIGNED: so is the signature, and with it the trailer: its key seals one trailer and no other. What is to be evidence
  is deposited, if its receipt is not here, before the relay gets the trailer: the same record gets the same receipt.
* FINISHED: the relay has all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from contract.names import check_account_name, check_envelope_id
from signer_agent.contracts.outbox_entry import OutboxEntry, OutboxState, ToSend
from signer_agent.contracts.register import Register
from signer_agent.keystore.store import KeyStore
from wire.client.documents import Fields, Json
from wire.client.private_folder import PrivateFolder, alone, translated
from wire.ids import check_request_id

_PROGRESS: Final = "outbox"


@dataclass(frozen=True, slots=True)
class _Requested:
    envelope_id: str

    def to_public(self) -> Json:
        return {"envelope_id": self.envelope_id}

    def to_secret_bytes(self) -> bytes:
        return b""

    @classmethod
    def load(cls, fields: Fields, _: bytes) -> Self:
        found = cls(check_envelope_id(fields.text("envelope_id")))
        fields.end()
        return found


class Outbox:
    """One account's outbox. Safe to use from several threads and processes. Every method may read files.

    Every method raises ServiceError (STORE_DAMAGED, STORE_PERMISSIONS, STORE_UNUSABLE).

    Args:
        store: the opened key store.
        account: whose.
        register: of the same account; one that is younger than the outbox gets all that was sent.
    """

    def __init__(self, store: KeyStore, account: str, register: Register) -> None:
        self._register = register
        place = f"outbox/{check_account_name(account)}"
        self._open = store.drawer(f"{place}/open", "open envelope", OutboxEntry, check_envelope_id)
        self._sent = store.drawer(f"{place}/sent", "sent envelope", OutboxEntry, check_envelope_id)
        self._requests = store.drawer(f"{place}/requests", "requested envelope", _Requested, check_request_id)
        self._folder = PrivateFolder.create(store.home.folder / place / "open")
        if not register.progress(_PROGRESS):
            for entry in self.sent():
                register.enter(entry.require_signing().statement, 0)
            register.set_progress(_PROGRESS, 1)

    def sent(self) -> list[OutboxEntry]:
        """All envelopes that were sent, oldest first. Reads them all: for lists."""
        found = (self._sent.get(name) for name in self._sent.names())
        return sorted((entry for entry in found if entry), key=lambda entry: (entry.create_time, entry.envelope_id))

    def open_entries(self, session_id: str | None = None) -> list[OutboxEntry]:
        """The envelopes that are not sent yet, all or those of one session, oldest first."""
        found = (self._open.get(name) for name in self._open.names())
        entries = [each for each in found if each and session_id in {None, each.to_send.session_id}]
        return sorted(entries, key=lambda entry: (entry.create_time, entry.envelope_id))

    def interrupted(self, to_send: ToSend) -> OutboxEntry | None:
        """An envelope that was asked for like this, and whose upload was interrupted."""
        if not to_send.origin:
            return None
        for entry in self.open_entries(to_send.session_id):
            if entry.state is OutboxState.UPLOADING and entry.to_send == to_send:
                return entry
        return None

    def of_request(self, request_id: str) -> OutboxEntry | None:
        """The envelope that a request was answered with, or is being; None if there is none, or it was refused."""
        requested = self._requests.get(request_id)
        if requested is None:
            return None
        return self._sent.get(requested.envelope_id) or self._open.get(requested.envelope_id)

    def put(self, entry: OutboxEntry) -> None:
        """Store an envelope in its new state, durably; the register knows what is signed before it can be answered."""
        if entry.state is OutboxState.SIGNED:
            self._register.know(entry.require_signing().statement)
        if entry.state is OutboxState.UPLOADING and entry.to_send.request_id:
            self._requests.put(entry.to_send.request_id, _Requested(entry.envelope_id))
        if entry.state is not OutboxState.FINISHED:
            self._open.put(entry.envelope_id, entry)
            return
        self._register.enter(entry.require_signing().statement, 0)
        self._sent.put(entry.envelope_id, entry)
        self.remove(entry.envelope_id)  # a crash before this finishes it once more, with the same answer

    def remove(self, envelope_id: str) -> None:
        """Forget an envelope that is not being sent any more."""
        self._open.remove(envelope_id)
        with translated(self._folder.path):
            self.tags_path(envelope_id).unlink(missing_ok=True)
            self._lock_path(envelope_id).unlink(missing_ok=True)

    def tags_path(self, envelope_id: str) -> Path:
        """Where the tags of its segments are noted."""
        return self._folder.path / f"{check_envelope_id(envelope_id)}.tags"

    @contextmanager
    def sending(self, envelope_id: str) -> Iterator[bool]:
        """Be the only one who sends an envelope; yields whether that is so."""
        with alone(self._lock_path(envelope_id)) as is_alone:
            yield is_alone

    @contextmanager
    def signing(self, session_id: str) -> Iterator[None]:
        """Be the only one of this account, on this device, who signs in a session; waits."""
        with self._folder.lock(f"{session_id}.lock"):
            yield

    def _lock_path(self, envelope_id: str) -> Path:
        return self._folder.path / f"{check_envelope_id(envelope_id)}.lock"
