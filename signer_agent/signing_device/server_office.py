"""The office of a device that is enrolled and logged in: asks the server, and believes what certificates prove."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from fourseal.v1 import transaction_service_pb2 as pb

from contract.certificates import BackEndCertificate
from contract.chain import check_chain
from contract.errors import VerificationFailed
from contract.transactions.binding import BindingCore, CodeVariant, SignedBinding
from contract.transactions.progress import TransactionState
from contract.transactions.transaction import Transaction
from signer_agent.client.opening import open_key_store
from signer_agent.contracts.contacts import Contacts
from signer_agent.contracts.revocations import revoke_time
from signer_agent.contracts.signer import Signer
from signer_agent.keystore.store import KeyStore
from signer_agent.signing_device.device_key import DeviceKey
from signer_agent.signing_device.office import Prepared
from signer_agent.signing_device.parties import Parties
from wire.client.blame import blaming_server, server_lied
from wire.client.transactions import read_state
from wire.status import RemoteError

_NOT_THERE = "TRANSACTION_NOT_FOUND"


class ServerOffice:
    """See ``Office``. Belongs to the event loop that it was made on.

    Args:
        store: the opened key store.
        signer: the account that is logged in.
        contacts: certificates of others that were seen.
        key: that signs bindings.
    """

    def __init__(self, store: KeyStore, signer: Signer, contacts: Contacts, key: DeviceKey) -> None:
        self._store = store
        self._signer = signer
        self._key = key
        self._parties = Parties(signer, contacts, store)
        self._rpc = signer.line.transactions

    @property
    def account(self) -> str:
        """See ``Office``."""
        return self._signer.name

    async def prepare(self, transaction: Transaction) -> Prepared:
        """See ``Office``."""
        back_end, variants = await self._back_end(transaction.back_end)
        names, known, certificate = await asyncio.gather(
            self._parties.names(transaction), self._parties.known(), self._key.certificate()
        )
        return Prepared(names, known, back_end.fingerprint, back_end.public_key, variants, certificate)

    async def sign(self, core: BindingCore, sealed_code: bytes) -> SignedBinding:
        """See ``Office``."""
        return await self._key.sign(core, sealed_code)

    async def state(self, transaction_id: str) -> TransactionState | None:
        """See ``Office``."""
        request = pb.GetTransactionRequest(transaction_id=transaction_id)
        try:
            answer = await self._signer.call(self._rpc.GetTransaction, request)
        except RemoteError as error:
            if error.reason == _NOT_THERE:
                return None
            raise
        return read_state(answer.status.state)

    async def refuse(self, transaction_id: str) -> None:
        """See ``Office``."""
        request = pb.RefuseTransactionRequest(transaction_id=transaction_id)
        try:
            await self._signer.call(self._rpc.RefuseTransaction, request)
        except RemoteError as error:
            if error.reason != _NOT_THERE:
                raise

    async def remember(self, names: Mapping[str, str]) -> None:
        """See ``Office``."""
        await self._parties.remember(names)

    async def check_pin(self, pin: str) -> None:
        """See ``Office``."""
        await open_key_store(self._store.home, pin)

    async def _back_end(self, name: str) -> tuple[BackEndCertificate, frozenset[CodeVariant]]:
        answer = await self._signer.call(self._rpc.GetBackEnd, pb.GetBackEndRequest())
        arc = self._signer.sign_certificate.arc
        with blaming_server():
            found = BackEndCertificate.from_der(answer.certificate_der, arc)
            check_chain(found.certificate, self._signer.authority, arc.back_end, datetime.now(UTC))
        if revoke_time(await self._signer.revocations(), found.certificate) is not None:
            raise server_lied("TRANSACTION_ANSWER_WRONG", "the back end's certificate was revoked")
        if found.name != name:
            raise VerificationFailed("BACK_END_WRONG", f"this is for another back end than {found.name}", back_end=name)
        taken = set(answer.variants)
        return found, frozenset(each for each in CodeVariant if each.value in taken)
