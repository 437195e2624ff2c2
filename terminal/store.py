"""What a terminal keeps: who it is, and every transaction that it prepared, before it is sent anywhere.

::

    identity.json                  server, certificates, TLS key
    enrolment.json                 an enrolment under way
    transactions/TRANSACTION.json  its words, and what the device signed; never a code
    requests/REQUEST               which transaction a request id is of

All of it is 0600 in folders of 0700, and each file is there whole or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from contract.transactions.binding import SignedBinding
from contract.transactions.transaction import Transaction, transaction_id
from mpc.errors import FoursealError
from terminal.home import Home
from wire.catalogue import ServiceError
from wire.client.documents import DocumentError, Fields, Json, bytes_to_text, decode, encode
from wire.client.identity import Identity, PendingEnrolment, tls_key_to_secret_bytes
from wire.client.private_folder import PrivateFolder

_IDENTITY: Final = "identity.json"
_ENROLMENT: Final = "enrolment.json"
_SUFFIX: Final = ".json"
_TURNS: Final = ".turns"
_TRANSACTION_ID: Final = re.compile(r"transaction-[0-9a-f]{32}", re.ASCII)

_Loaded = TypeVar("_Loaded")


@dataclass(frozen=True, slots=True)
class Kept:
    """A transaction that was prepared here.

    Args:
        transaction: its words.
        binding: what a device signed of it; None: nothing yet.
    """

    transaction: Transaction
    binding: SignedBinding | None = None

    @property
    def transaction_id(self) -> str:
        """Its name."""
        return transaction_id(self.transaction.digest)


class TerminalStore:
    """See the module. Makes its folders where they are missing.

    Args:
        home: where.

    Raises:
        ServiceError: STORE_UNUSABLE, STORE_PERMISSIONS; as every method does, and STORE_DAMAGED.
    """

    def __init__(self, home: Home) -> None:
        self._root = PrivateFolder.create(home.folder)
        self._transactions = PrivateFolder.create(home.transactions)
        self._requests = PrivateFolder.create(home.requests)

    def identity(self) -> Identity:
        """Who this terminal is. Raises ServiceError (NOT_ENROLLED)."""
        found = self._load(self._root, _IDENTITY, _with_secret(Identity.load))
        if found is None:
            raise ServiceError("NOT_ENROLLED")
        return found

    def save_identity(self, identity: Identity) -> None:
        """See ``EnrolmentStore``."""
        secret = tls_key_to_secret_bytes(identity.private_key)
        self._root.write(_IDENTITY, encode({**identity.to_public(), "secret": bytes_to_text(secret)}))
        self._root.remove(_ENROLMENT)

    def pending_enrolment(self) -> PendingEnrolment | None:
        """See ``EnrolmentStore``."""
        return self._load(self._root, _ENROLMENT, _with_secret(PendingEnrolment.load))

    def save_pending_enrolment(self, pending: PendingEnrolment) -> None:
        """See ``EnrolmentStore``."""
        secret = bytes_to_text(pending.to_secret_bytes())
        self._root.write(_ENROLMENT, encode({**pending.to_public(), "secret": secret}))

    def keep(self, transaction: Transaction) -> Kept:
        """Keep a new transaction; one that differs from it in its times alone, and has its request id, is that one.

        Raises:
            ServiceError: REQUEST_ID_REUSED: its request id is of another one.
        """
        with self._requests.lock(_TURNS):
            named = self._requests.read(transaction.request_id)
            if named is None:
                kept = Kept(transaction)
                self._write(kept)
                self._requests.write(transaction.request_id, kept.transaction_id.encode())
                return kept
        earlier = self.get(named.decode(errors="replace"))
        times = {"create_time": earlier.transaction.create_time, "end": earlier.transaction.end}
        if replace(transaction, **times) != earlier.transaction:  # type: ignore[arg-type]  # both are times
            raise ServiceError("REQUEST_ID_REUSED")
        return earlier

    def keep_binding(self, transaction_id: str, binding: SignedBinding) -> Kept:
        """Keep what a device signed. Raises as ``get``."""
        kept = replace(self.get(transaction_id), binding=binding)
        self._write(kept)
        return kept

    def get(self, transaction_id: str) -> Kept:
        """One that is kept. Raises ServiceError (TRANSACTION_NOT_FOUND)."""
        if not _TRANSACTION_ID.fullmatch(transaction_id):
            raise ServiceError("TRANSACTION_NOT_FOUND")

        def load(fields: Fields) -> Kept:
            transaction = Transaction.from_der(fields.data("transaction"))
            binding = SignedBinding.from_der(fields.data("binding")) if fields.has("binding") else None
            if Kept(transaction).transaction_id != transaction_id:
                raise DocumentError("it is another transaction")
            if binding is not None and binding.core.transaction != transaction.digest:
                raise DocumentError("what was signed is another transaction")
            return Kept(transaction, binding)

        found = self._load(self._transactions, transaction_id + _SUFFIX, load)
        if found is None:
            raise ServiceError("TRANSACTION_NOT_FOUND")
        return found

    def _write(self, kept: Kept) -> None:
        binding = {} if kept.binding is None else {"binding": bytes_to_text(kept.binding.to_der())}
        document: Json = {"transaction": bytes_to_text(kept.transaction.to_der()), **binding}
        self._transactions.write(kept.transaction_id + _SUFFIX, encode(document))

    def _load(self, folder: PrivateFolder, name: str, load: Callable[[Fields], _Loaded]) -> _Loaded | None:
        content = folder.read(name)
        if content is None:
            return None
        try:
            fields = Fields(decode(content))
            found = load(fields)
            fields.end()
        except (ValueError, FoursealError) as error:
            problem = str(error) if isinstance(error, (DocumentError, FoursealError)) else "it does not hold"
            raise ServiceError("STORE_DAMAGED", file=str(folder.path / name), problem=problem) from None
        return found


def _with_secret(load: Callable[[Fields, bytes], _Loaded]) -> Callable[[Fields], _Loaded]:
    return lambda fields: load(fields, fields.data("secret"))
