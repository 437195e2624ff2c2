"""The register of statements: what is asked of earlier messages, found without reading them.

::

    register/<account>/<session id>/<author>.<sequence>.json   sealed: the digest of that statement, the answers to it
    register/<account>/places/<session id>/<digest>.json       sealed: whose the statement of that digest is, and where
    register/<account>/tallies/<session id>.json               sealed: which messages of each author to us are here
    register/<account>/progress/<what>.json                    up to where a mailbox or an outbox is in the register

Only statements that hold are in it. It follows the mailbox and the outbox, and can be made from them: to enter a
statement twice changes nothing.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from contract.names import check_account_name, check_session_id
from contract.statement import Statement
from signer_agent.contracts.register_entry import Place, Progress, SeenAnswer, StatementRecord, Tally
from signer_agent.keystore.drawer import Drawer
from signer_agent.keystore.store import KeyStore
from wire.client.documents import DocumentError

_NAME: Final = re.compile(r"[a-z0-9._-]{1,63}\.[1-9][0-9]{0,18}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class Register:
    """One account's register. Safe to use from several threads and processes. Every method may read files.

    Every method raises ServiceError (STORE_DAMAGED, STORE_PERMISSIONS, STORE_UNUSABLE).

    Args:
        store: the opened key store.
        account: whose.
    """

    def __init__(self, store: KeyStore, account: str) -> None:
        self.account = check_account_name(account)
        """Whose it is."""
        self._store = store
        self._place = f"register/{account}"
        self._tallies = store.drawer(f"{self._place}/tallies", "tally", Tally, check_session_id)
        self._progress = store.drawer(f"{self._place}/progress", "progress", Progress, lambda name: name)
        self._statements: dict[str, Drawer[StatementRecord]] = {}
        self._places: dict[str, Drawer[Place]] = {}

    def progress(self, what: str) -> int:
        """Up to where it has been entered: a mailbox or an outbox."""
        found = self._progress.get(what)
        return found.count if found else 0

    def set_progress(self, what: str, count: int) -> None:
        """Remember that all up to there has been entered."""
        self._progress.put(what, Progress(count))

    def know(self, statement: Statement) -> None:
        """Enter that a statement holds, but not what follows from its arriving."""

        def known(record: StatementRecord | None) -> StatementRecord:
            if record is not None and record.digest == statement.digest:
                return record
            return replace(record or StatementRecord(), digest=statement.digest)

        self._drawer(statement.session_id).update(_name(statement), known)

    def enter(self, statement: Statement, number: int) -> None:
        """Enter a statement that holds and has arrived.

        Args:
            statement: received, or our own.
            number: of the message that brought it, in our mailbox; 0 for our own.
        """
        self.know(statement)
        place = Place(statement.author, statement.sequence, number)
        self._drawer_of_places(statement.session_id).update(statement.digest.hex(), lambda known: known or place)
        if statement.answer is not None:
            said = SeenAnswer(statement.author, statement.answer.decision, statement.time, number)
            answered = statement.answer.statement
            self._drawer(statement.session_id).update(
                _name(answered), lambda known: (known or StatementRecord()).with_answer(answered.digest, said)
            )
        if number:
            counted = statement.recipient(self.account).number
            self._tallies.update(
                statement.session_id, lambda known: (known or Tally({})).with_number(statement.author, counted)
            )

    def record(self, statement: Statement) -> StatementRecord:
        """What is known of the statement with that session, author and sequence number; of another digest perhaps."""
        return self._drawer(statement.session_id).get(_name(statement)) or StatementRecord()

    def place(self, session_id: str, digest: bytes) -> Place | None:
        """Where the statement of that digest is; None if it is not here, or does not hold."""
        return self._drawer_of_places(session_id).get(digest.hex())

    def answers_to(self, statement: Statement) -> list[SeenAnswer]:
        """The answers to a statement, ours too, oldest first."""
        return self.record(statement).answers_to(statement.digest)

    def tally(self, session_id: str) -> Tally:
        """Which messages to us are here."""
        return self._tallies.get(session_id) or Tally({})

    def _drawer(self, session_id: str) -> Drawer[StatementRecord]:
        found = self._statements.get(session_id)
        if found is None:
            place = f"{self._place}/{check_session_id(session_id)}"
            found = self._store.drawer(place, "statement", StatementRecord, _check_name)
            self._statements[session_id] = found
        return found

    def _drawer_of_places(self, session_id: str) -> Drawer[Place]:
        found = self._places.get(session_id)
        if found is None:
            folder = f"{self._place}/places/{check_session_id(session_id)}"
            found = self._store.drawer(folder, "place", Place, _check_digest)
            self._places[session_id] = found
        return found


def _name(statement: Statement) -> str:
    return f"{statement.author}.{statement.sequence}"


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise DocumentError("no name of a statement")
    return name


def _check_digest(name: str) -> str:
    if not _DIGEST.fullmatch(name):
        raise DocumentError("no digest of a statement")
    return name
