"""``Transactions``: those that the account signs, at the back end: listed, shown, and verified."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from fourseal.v1 import transaction_service_pb2 as pb
from fourseal.v1 import transparency_service_pb2

from contract.chain import check_issued
from contract.log_entry import EntryKind, LogEntry
from contract.transactions.binding import CodeVariant, SignedBinding
from contract.transactions.progress import NEXT_STATES, TransactionState
from contract.transactions.record import TransactionRecord
from contract.transactions.verification import BackEnd, TransactionSigner, verify_binding
from contract.trusteeship.certificates import PersonalCertificate
from mpc.errors import FoursealError
from signer_agent.contracts.personal_certificates import PersonalCertificates
from signer_agent.contracts.signer import Signer
from transparency.receipt import Receipt
from wire.client.blame import blaming_server
from wire.client.paging import all_pages
from wire.client.transactions import ShownStep, ShownTransaction, read_transaction, wrong
from wire.limits import MAX_PAGE_SIZE


@dataclass(frozen=True, slots=True)
class Verified:
    """One thing that was verified.

    Args:
        what: it was.
        problem: why it does not hold; None: it holds.
    """

    what: str
    problem: FoursealError | None = None


class Transactions:
    """See the module. Belongs to the event loop that it was made on; every method raises FoursealError.

    Args:
        signer: the account that is logged in.
        certificates: its personal ones.
    """

    def __init__(self, signer: Signer, certificates: PersonalCertificates) -> None:
        self._signer = signer
        self._certificates = certificates
        self._rpc = signer.line.transactions

    async def all(self) -> list[ShownTransaction]:
        """All of them, newest first."""

        async def page(token: str) -> tuple[Iterable[ShownTransaction], str]:
            request = pb.ListTransactionsRequest(page_size=MAX_PAGE_SIZE, page_token=token)
            answer = await self._signer.call(self._rpc.ListTransactions, request)
            return map(self._read, answer.transactions), answer.next_page_token

        return await all_pages(page)

    async def get(self, transaction_id: str) -> ShownTransaction:
        """One of them. Raises TRANSACTION_NOT_FOUND."""
        request = pb.GetTransactionRequest(transaction_id=transaction_id)
        answer = await self._signer.call(self._rpc.GetTransaction, request)
        found = self._read(answer.status)
        if found.transaction_id != transaction_id:
            raise wrong("it is another transaction than the one that was asked for")
        return found

    async def verify(self, found: ShownTransaction) -> list[Verified]:
        """Verify a transaction of ``get``.

        1. every step is in the log that this agent watches, and its record there is of this transaction and step;
        2. each state follows the one before, and the last is the one that is shown;
        3. the binding that is recorded is the one that is shown, and a certificate of this account signed it.

        Whether the code was the sealed one, the back end alone can tell: it is sealed for it.
        """
        made: list[Verified] = []
        records: list[TransactionRecord] = []
        for number, step in enumerate(found.steps, start=1):
            what = f"step {number}: {step.state}"
            try:
                records.append(await self._record(found, number, step))  # (1)
                made.append(Verified(what))
            except FoursealError as error:
                made.append(Verified(what, error))
        made.append(_order(found))  # (2)
        if found.binding is not None:
            made.append(await self._binding(found, found.binding, records))  # (3)
        return made

    def _read(self, shown: pb.TransactionStatus) -> ShownTransaction:
        found = read_transaction(shown)
        if found.transaction.signer != self._signer.name:
            raise wrong("it is another account's")
        return found

    async def _record(self, found: ShownTransaction, number: int, step: ShownStep) -> TransactionRecord:
        request = transparency_service_pb2.GetReceiptRequest(log_index=step.log_index)
        answer = await self._signer.line.call(self._signer.line.transparency.GetReceipt, request)
        with blaming_server():
            receipt = Receipt.from_bytes(answer.receipt)
        await self._signer.log.hold(receipt, step.entry_der)
        with blaming_server():
            entry = LogEntry.from_der(step.entry_der)
            record = TransactionRecord.from_der(entry.body)
        of_step = (entry.kind, record.transaction, record.number, record.state)
        if of_step != (EntryKind.TRANSACTION, found.transaction.digest, number, step.state):
            raise wrong("its entry in the log is of something else")
        if step.state is found.state and record.cause != found.cause:
            raise wrong("its entry in the log names another cause")
        if record.state is TransactionState.EXECUTED and record.detail != found.execution.encode():
            raise wrong("its entry in the log names another reference")
        return record

    async def _binding(
        self, found: ShownTransaction, binding: SignedBinding, records: Sequence[TransactionRecord]
    ) -> Verified:
        back_end = BackEnd(found.transaction.back_end, binding.core.back_end_certificate, frozenset(CodeVariant))
        try:
            signer = await self._own_certificate(binding.core.signer_certificate)
            with blaming_server():
                verify_binding(found.transaction, binding, signer, back_end)
            recorded = {each.binding for each in records if each.binding}
            if recorded != {binding.digest}:
                raise wrong("the log has another binding than the one that is shown")
        except FoursealError as error:
            return Verified("binding and signature", error)
        return Verified("binding and signature")

    async def _own_certificate(self, fingerprint: bytes) -> TransactionSigner:
        """A certificate of this account for signing, an older one too."""
        for own in self._signer.sign_certificates:
            if own.fingerprint == fingerprint:
                return TransactionSigner(own.name, fingerprint, own.public_key)
        for each in await self._certificates.all():
            if hashlib.sha256(each.certificate).digest() == fingerprint:
                with blaming_server():
                    personal = PersonalCertificate.from_der(each.certificate)
                    check_issued(personal.certificate, self._signer.authority)
                return TransactionSigner(personal.account, fingerprint, personal.public_key)
        raise wrong("it was signed by a certificate that this account never had")


def _order(found: ShownTransaction) -> Verified:
    states = [each.state for each in found.steps]
    follow = all(after in NEXT_STATES[before] for before, after in pairwise(states))
    if states[:1] == [TransactionState.PROPOSED] and follow and states[-1] is found.state:
        return Verified("order of the steps")
    return Verified("order of the steps", wrong("its steps do not follow from each other"))
