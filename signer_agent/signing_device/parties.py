"""Names of accounts: from certificates of the authority that hold now, and that are the ones seen before.

A server that issues certificates could show another one in somebody's name: so those that are seen first are pinned
(``contacts``). What the display name is of, is the account's name, which the certificate has too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

from cryptography import x509
from fourseal.v1 import certificate_service_pb2 as pb

from contract.certificates import SignerCertificate
from contract.chain import check_chain
from contract.errors import TransactionRefused
from contract.names import check_account_name
from contract.transactions.transaction import Transaction
from signer_agent.contracts.contacts import Contacts
from signer_agent.contracts.revocations import revoke_time
from signer_agent.contracts.signer import Signer
from signer_agent.keystore.store import KeyStore
from wire.client.blame import blaming_server, server_lied
from wire.client.documents import Fields, Json

_FEW: Final = 8
"""So many accounts are asked for at once."""


@dataclass(frozen=True, slots=True)
class KnownParty:
    """Somebody with whom a transaction was confirmed, as the key store has it: parties/<account>.json.

    Args:
        display_name: at that time.
    """

    display_name: str

    def to_public(self) -> Json:
        """As it stands in the file."""
        return {"display_name": self.display_name}

    def to_secret_bytes(self) -> bytes:
        """Nothing is secret."""
        return b""

    @classmethod
    def load(cls, fields: Fields, _: bytes) -> Self:
        """Undo ``to_public``."""
        return cls(fields.text("display_name"))


class Parties:
    """The accounts in transactions of one signer. Every method raises FoursealError.

    Args:
        signer: whose device it is.
        contacts: the certificates that were seen.
        store: the opened key store.
    """

    def __init__(self, signer: Signer, contacts: Contacts, store: KeyStore) -> None:
        self._signer = signer
        self._contacts = contacts
        self._drawer = store.drawer("parties", "party", KnownParty, check_account_name)

    async def names(self, transaction: Transaction) -> dict[str, str]:
        """The display name of every account in a transaction.

        Raises:
            TransactionRefused: PARTY_UNVERIFIED: there is no such account, or it has no certificates that hold.
            PeerMisbehaved: CERTIFICATE_...: they are not what they must be; the culprit is the server.
            ServiceError: CONTACT_CHANGED: they are others than were seen before.
        """
        turns = asyncio.Semaphore(_FEW)

        async def name(account: str) -> str:
            async with turns:
                return await self._name(account)

        found = await asyncio.gather(*map(name, transaction.parties))
        return dict(zip(transaction.parties, found, strict=True))

    async def known(self) -> dict[str, str]:
        """Display names of accounts with which a transaction was confirmed here."""

        def read() -> dict[str, str]:
            found = ((name, self._drawer.get(name)) for name in self._drawer.names())
            return {name: party.display_name for name, party in found if party is not None}

        return await asyncio.to_thread(read)

    async def remember(self, names: Mapping[str, str]) -> None:
        """Know these from now on."""

        def write() -> None:
            for account, name in names.items():
                self._drawer.put(account, KnownParty(name))

        await asyncio.to_thread(write)

    async def _name(self, account: str) -> str:
        own = self._signer.sign_certificate
        if account == own.name:
            return own.display_name
        request = pb.GetSignerCertificatesRequest(name=account)
        answer = await self._signer.call(self._signer.line.certificates.GetSignerCertificates, request)
        ders = answer.sign_certificate.certificate_der, answer.encrypt_certificate.certificate_der
        if not all(ders):
            raise _unverified(account)
        with blaming_server():
            sign, encrypt = (SignerCertificate.from_der(each, own.arc) for each in ders)
            self._check(sign, own.arc.signer_sign, account)
            self._check(encrypt, own.arc.signer_encrypt, account)
        revocations = await self._signer.revocations()
        if revoke_time(revocations, sign.certificate, encrypt.certificate) is not None:
            raise _unverified(account)
        await asyncio.to_thread(self._contacts.require_known, sign, encrypt)
        return sign.display_name

    def _check(self, certificate: SignerCertificate, usage: x509.ObjectIdentifier, account: str) -> None:
        check_chain(certificate.certificate, self._signer.authority, usage, datetime.now(UTC))
        if certificate.name != account:
            raise server_lied("CERTIFICATE_NOT_OURS", f"the certificate is not that of {account}")


def _unverified(account: str) -> TransactionRefused:
    return TransactionRefused("PARTY_UNVERIFIED", f"the name of {account} was not verified", name=account)
