"""The line to the back end: ``TransactionService`` over mutual TLS."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from fourseal.v1 import transaction_service_pb2 as pb
from fourseal.v1.transaction_service_pb2_grpc import TransactionServiceStub

from contract.transactions.binding import SignedBinding
from contract.transactions.code import ConfirmationCode
from contract.transactions.transaction import Transaction, transaction_id
from wire.client.identity import Identity
from wire.client.paging import all_pages
from wire.client.repetition import CALL_SECONDS, call_repeatedly, server_channel
from wire.client.transactions import ShownTransaction, read_transaction, wrong
from wire.limits import MAX_PAGE_SIZE

if TYPE_CHECKING:  # the stub exists for the type checker only
    from fourseal.v1.transaction_service_pb2_grpc import TransactionServiceAsyncStub

_Response = TypeVar("_Response")


class BackEndLine:
    """The back end, as its terminal asks it. Belongs to the event loop that it was made on.

    Every method raises FoursealError: what the back end refuses, in its words; SERVER_UNAVAILABLE, SERVER_UNTRUSTED;
    PeerMisbehaved for an answer that does not hold.

    Args:
        identity: who we are.

    Raises:
        ServiceError: CERTIFICATE_EXPIRED.
    """

    def __init__(self, identity: Identity) -> None:
        self._address = identity.server_address
        self._channel = server_channel(identity)
        self._stub: TransactionServiceAsyncStub = TransactionServiceStub(self._channel)

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close()

    async def name(self) -> str:
        """The back end's name, as transactions have it."""
        answer = await self._call(self._stub.GetBackEnd, pb.GetBackEndRequest())
        return answer.name

    async def propose(self, transaction: Transaction) -> ShownTransaction:
        """Register a transaction; the same again answers how it stands."""
        request = pb.ProposeTransactionRequest(transaction_der=transaction.to_der())
        answer = await self._call(self._stub.ProposeTransaction, request)
        return _read(answer.status, transaction_id(transaction.digest))

    async def sign(self, transaction_id: str, binding: SignedBinding) -> ShownTransaction:
        """Bring what the device signed."""
        request = pb.SignTransactionRequest(transaction_id=transaction_id, binding_der=binding.to_der())
        return _read((await self._call(self._stub.SignTransaction, request)).status, transaction_id)

    async def confirm(self, transaction_id: str, binding: SignedBinding, code: ConfirmationCode) -> ShownTransaction:
        """Bring the code. Where an answer is lost it is brought again: a right one then is CODE_USED."""
        request = pb.ConfirmTransactionRequest(
            transaction_id=transaction_id, binding_sha256=binding.digest, code=code.to_secret_text()
        )
        return _read((await self._call(self._stub.ConfirmTransaction, request)).status, transaction_id)

    async def refuse(self, transaction_id: str) -> ShownTransaction:
        """Take a transaction back."""
        request = pb.RefuseTransactionRequest(transaction_id=transaction_id)
        return _read((await self._call(self._stub.RefuseTransaction, request)).status, transaction_id)

    async def get(self, transaction_id: str) -> ShownTransaction:
        """How a transaction of this terminal stands."""
        request = pb.GetTransactionRequest(transaction_id=transaction_id)
        return _read((await self._call(self._stub.GetTransaction, request)).status, transaction_id)

    async def all(self) -> list[ShownTransaction]:
        """All of this terminal's, newest first."""

        async def page(token: str) -> tuple[Iterable[ShownTransaction], str]:
            request = pb.ListTransactionsRequest(page_size=MAX_PAGE_SIZE, page_token=token)
            answer = await self._call(self._stub.ListTransactions, request)
            return map(read_transaction, answer.transactions), answer.next_page_token

        return await all_pages(page)

    async def _call(self, method: Callable[..., Awaitable[_Response]], request: object) -> _Response:
        return await call_repeatedly(method, request, self._address, CALL_SECONDS)


def _read(shown: pb.TransactionStatus, transaction_id: str) -> ShownTransaction:
    found = read_transaction(shown)
    if found.transaction_id != transaction_id:
        raise wrong("it is another transaction than the one that was asked for")
    return found
