"""A bank, terminals that bring it transactions, and devices: each step by hand, so that it can be done wrong."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

from fourseal.v1 import transaction_service_pb2 as pb
from fourseal.v1 import transaction_service_pb2_grpc

from contract.certificate_parts import fingerprint
from contract.certificates import BackEndCertificate
from contract.oids import DEFAULT_ARC
from contract.transactions.binding import BindingCore, CodeVariant, SignedBinding
from contract.transactions.code import ConfirmationCode
from contract.transactions.device import begin_binding
from contract.transactions.money import Amount
from contract.transactions.transaction import Transaction, Transfer
from mpc.four_prime_rsa import Purpose
from server.clock import Clock
from server.root.application import Server
from server.root.home import Home
from tests.server.harness import Client, MovableClock, call, query
from tests.server.identity.accounts.people import Person
from tests.server.transactions.book import BOOKS, Book
from wire.peer import LOGIN_KEY

KIND = "note"
BACK_END = "fourseal"


@dataclass
class Terminal:
    """An enrolled agent that brings transactions."""

    client: Client
    clock: Clock

    @property
    def stub(self) -> transaction_service_pb2_grpc.TransactionServiceAsyncStub:
        """TransactionService."""
        return transaction_service_pb2_grpc.TransactionServiceStub(self.client.channel)

    def transaction(self, **changed: Any) -> Transaction:  # noqa: ANN401  # fields
        """A transaction for Alice to sign, to be sent or to be spoilt."""
        now = self.clock().replace(microsecond=0)
        made = Transaction(
            back_end=BACK_END,
            kind=KIND,
            signer="alice",
            transfers=(Transfer("alice", "bob", Amount("EUR", 123450)),),
            text="Rent for May",
            request_id=secrets.token_hex(16),
            create_time=now,
            end=now + timedelta(minutes=15),
        )
        return replace(made, **changed)

    async def back_end(self) -> BackEndCertificate:
        """The certificate that codes are sealed for."""
        response = await call(self.stub.GetBackEnd, pb.GetBackEndRequest())
        return BackEndCertificate.from_der(response.certificate_der, DEFAULT_ARC)

    async def propose(self, transaction: Transaction) -> pb.TransactionStatus:
        """First step."""
        request = pb.ProposeTransactionRequest(transaction_der=transaction.to_der())
        return (await call(self.stub.ProposeTransaction, request)).status

    async def sign(self, transaction_id: str, binding: SignedBinding) -> pb.TransactionStatus:
        """Second step."""
        request = pb.SignTransactionRequest(transaction_id=transaction_id, binding_der=binding.to_der())
        return (await call(self.stub.SignTransaction, request)).status

    async def confirm(self, transaction_id: str, binding: SignedBinding, code: str) -> pb.TransactionStatus:
        """Third step."""
        request = pb.ConfirmTransactionRequest(transaction_id=transaction_id, binding_sha256=binding.digest, code=code)
        return (await call(self.stub.ConfirmTransaction, request)).status

    async def refuse(self, transaction_id: str, token: str = "") -> pb.TransactionStatus:
        """Take it back; with a login: refuse it."""
        request = pb.RefuseTransactionRequest(transaction_id=transaction_id)
        return (await call(partial(self.stub.RefuseTransaction, metadata=_metadata(token)), request)).status

    async def get(self, transaction_id: str, token: str = "") -> pb.TransactionStatus:
        """How it stands."""
        request = pb.GetTransactionRequest(transaction_id=transaction_id)
        return (await call(partial(self.stub.GetTransaction, metadata=_metadata(token)), request)).status

    async def list(self, token: str = "", **changed: Any) -> pb.ListTransactionsResponse:  # noqa: ANN401
        """A page."""
        request = pb.ListTransactionsRequest(**changed)
        return await call(partial(self.stub.ListTransactions, metadata=_metadata(token)), request)


@dataclass
class Device:
    """A signing device with a key of its own."""

    person: Person
    certificate: bytes
    """Its fingerprint."""
    clock: Clock

    def bind(
        self,
        transaction: Transaction,
        back_end: BackEndCertificate,
        variant: CodeVariant = CodeVariant.CODE_AND_RANDOM,
        **changed: Any,  # noqa: ANN401  # fields of the core
    ) -> tuple[SignedBinding, str]:
        """A binding with a fresh code, and the code as it is shown."""
        now = self.clock().replace(microsecond=0)
        core = replace(begin_binding(transaction, variant, back_end.fingerprint, self.certificate, now), **changed)
        code = ConfirmationCode.new(secrets.token_bytes)
        sealed = core.seal_code(code, back_end.public_key, secrets.token_bytes)
        return self.sign(core, sealed), code.to_secret_groups()

    def sign(self, core: BindingCore, sealed: bytes) -> SignedBinding:
        """Sign whatever it is."""
        return SignedBinding.sign(core, sealed, self.person.sign_key)


@dataclass
class Bank:
    """A running server, a terminal, another one that is up to something, and the devices of Alice and Bob."""

    home: Home
    server: Server
    clock: MovableClock
    terminal: Terminal
    mallory: Terminal
    alice: Device
    bob: Device
    book: Book = field(default_factory=lambda: (BOOKS or [Book()])[-1])

    async def signed(
        self,
        variant: CodeVariant = CodeVariant.CODE_AND_RANDOM,
        **changed: Any,  # noqa: ANN401
    ) -> tuple[str, SignedBinding, str]:
        """A transaction that was signed: its name, its binding, its code."""
        transaction = self.terminal.transaction(**changed)
        proposed = await self.terminal.propose(transaction)
        binding, code = self.alice.bind(transaction, await self.terminal.back_end(), variant)
        await self.terminal.sign(proposed.transaction_id, binding)
        return proposed.transaction_id, binding, code

    def executions(self, transaction_id: str) -> int:
        """How often it was executed, by the book."""
        if not query(self.home, "SELECT 1 FROM sqlite_master WHERE name = 'book'"):
            return 0
        return int(query(self.home, "SELECT count(*) FROM book WHERE key = ?", transaction_id)[0][0])


def wrong_code() -> str:
    """A code of no transaction; by chance once in 2^39 of some."""
    return ConfirmationCode.new(secrets.token_bytes).to_secret_groups()


async def device_of(person: Person) -> Device:
    """The device of somebody who registers, with a certificate for a key of its own."""
    await person.register()
    pair = await person.get_certificates()
    return Device(person, fingerprint(pair[Purpose.SIGN]), person.clock)


def _metadata(token: str) -> tuple[tuple[str, str], ...]:
    return ((LOGIN_KEY, token),) if token else ()
