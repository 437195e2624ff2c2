"""The local mailbox: what was received, kept as ciphertext.

::

    mailbox/<account>/messages/<number>.json   ids; sealed: content key, statement, description, signature, checks
    mailbox/<account>/content/<envelope id>    the sealed content, segment by segment
    mailbox/<account>/incoming/<envelope id>   the same of what is still coming, and its sealed content key

Plaintext leaves it only where somebody asks for it. A message is in it whole or not at all, and what is done to keep
one does not depend on how many there are:

(1) its content is durable, among what is still coming;
(2) the entry that names it is written, under the next number;
(3) its statement, if it holds, is entered in the register (``register``);
(4) the content goes to its place: whose content is there is known;
(5) what was known of its coming is removed, and the register's progress names it.

Who finds an entry beyond that progress, after a crash, does (3) to (5) first. So a mailbox that is older than the
register gets into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from contract.names import check_account_name, check_envelope_id, check_session_id
from signer_agent.contracts.mailbox_entry import IncomingEntry, MailboxEntry, Message
from signer_agent.contracts.register import Register
from signer_agent.keystore.store import KeyStore
from wire.catalogue import ServiceError
from wire.client.documents import DocumentError
from wire.client.private_folder import PrivateFolder, alone, sync, translated

_DIGITS: Final = 8
_NUMBERING: Final = "numbering.lock"
_PROGRESS: Final = "mailbox"


class Mailbox:
    """One account's local mailbox. Safe to use from several threads and processes. Every method may read files.

    Every method raises ServiceError (STORE_DAMAGED, STORE_PERMISSIONS, STORE_UNUSABLE).

    Args:
        store: the opened key store.
        account: whose.
        register: of the same account.
    """

    def __init__(self, store: KeyStore, account: str, register: Register) -> None:
        self._register = register
        place = f"mailbox/{check_account_name(account)}"
        self._messages = store.drawer(f"{place}/messages", "message", MailboxEntry, _check_number)
        self._incoming = store.drawer(f"{place}/incoming", "incoming envelope", IncomingEntry, check_envelope_id)
        self._root = PrivateFolder.create(store.home.folder / place)
        self._parts = PrivateFolder.create(self._root.path / "incoming")
        self._content = PrivateFolder.create(self._root.path / "content")

    def entries(self) -> list[MailboxEntry]:
        """All messages, in the order in which they were received. Reads them all: for lists."""
        found = (self._messages.get(name) for name in self._messages.names())
        return [entry for entry in found if entry is not None]

    def page(self, after: int, limit: int) -> list[MailboxEntry]:
        """At most ``limit`` messages with a number above ``after``, in order. Reads no others."""
        found: list[MailboxEntry] = []
        for number in range(after + 1, min(after + limit + 1, 10**_DIGITS)):
            entry = self._messages.get(_name(number))
            if entry is None:
                break
            found.append(entry)
        return found

    def entry(self, number: int) -> MailboxEntry:
        """One message.

        Raises:
            ServiceError: MESSAGE_NOT_FOUND.
        """
        found = self._messages.get(_name(number)) if 0 < number < 10**_DIGITS else None
        if found is None:
            raise ServiceError("MESSAGE_NOT_FOUND", number=number)
        return found

    def incoming(self, envelope_id: str) -> IncomingEntry | None:
        """An envelope whose receiving was interrupted."""
        return self._incoming.get(envelope_id)

    def begin(self, incoming: IncomingEntry) -> None:
        """Remember that an envelope is being received, and how it is opened."""
        self._incoming.put(incoming.envelope_id, incoming)

    def forget(self, envelope_id: str) -> None:
        """Remove what came of an envelope that is not kept."""
        with translated(self._parts.path):
            self.part_path(envelope_id).unlink(missing_ok=True)
        self._incoming.remove(envelope_id)

    def part_path(self, envelope_id: str) -> Path:
        """Where the sealed content of an envelope lies while it comes."""
        return self._parts.path / check_envelope_id(envelope_id)

    def content_path(self, envelope_id: str) -> Path:
        """Where the sealed content of a message lies."""
        path = self._content_path(envelope_id)
        if not path.exists():
            self.catch_up()
        return path

    def has(self, envelope_id: str) -> bool:
        """Whether a message came in that envelope; after ``catch_up``."""
        with translated(self._content.path):
            return self._content_path(envelope_id).exists()

    def catch_up(self) -> None:
        """Finish what a crash interrupted."""
        with self._root.lock(_NUMBERING):
            self._catch_up()

    def keep(self, message_of: Callable[[int], MailboxEntry]) -> Message:
        """Keep a message, whose content is durable at ``part_path``: steps (2) to (5).

        Args:
            message_of: makes the entry of its number.
        """
        with self._root.lock(_NUMBERING):
            number = self._catch_up() + 1
            entry = message_of(number)
            self._messages.put(_name(number), entry)
            self._settle(entry)
            return entry.message

    def _content_path(self, envelope_id: str) -> Path:
        return self._content.path / check_envelope_id(envelope_id)

    def _catch_up(self) -> int:
        """Settle what is beyond the register's progress; returns the last number."""
        number = self._register.progress(_PROGRESS)
        while (entry := self._messages.get(_name(number + 1))) is not None:
            self._settle(entry)
            number += 1
        return number

    def _settle(self, entry: MailboxEntry) -> None:
        """Steps (3) to (5)."""
        message = entry.message
        if message.verdict.verified:
            self._register.enter(message.statement, message.number)
        part = self.part_path(message.envelope_id)
        with translated(self._content.path):
            if part.exists():
                part.replace(self._content_path(message.envelope_id))
                sync(self._content.path)
        self._incoming.remove(message.envelope_id)
        self._register.set_progress(_PROGRESS, message.number)

    @contextmanager
    def receiving(self, session_id: str) -> Iterator[None]:
        """Be the only one who receives in a session.

        Raises:
            ServiceError: MAILBOX_BUSY: another program of the account's does.
        """
        with alone(self._root.path / f"{check_session_id(session_id)}.lock") as is_alone:
            if not is_alone:
                raise ServiceError("MAILBOX_BUSY", session_id=session_id)
            yield


def _name(number: int) -> str:
    return f"{number:0{_DIGITS}}"


def _check_number(name: str) -> str:
    if len(name) != _DIGITS or not (name.isascii() and name.isdigit()):
        raise DocumentError("no number of a message")
    return name
