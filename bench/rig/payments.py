"""Alice, who pays Bob by a device: transactions with their bindings and codes, made ahead."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import grpc
from fourseal.v1 import transaction_service_pb2 as pb
from fourseal.v1.transaction_service_pb2_grpc import TransactionServiceStub

from bench.load.orders import write_requests
from bench.load.target import Target
from bench.rig.company import arrived, register
from bench.rig.server import ServerProcess
from contract.certificates import BackEndCertificate
from contract.oids import DEFAULT_ARC
from contract.signer_keys import SignerPrivateKey
from contract.transactions.binding import CodeVariant, SignedBinding
from contract.transactions.code import ConfirmationCode
from contract.transactions.device import begin_binding
from contract.transactions.money import Amount
from contract.transactions.transaction import Transaction, Transfer, transaction_id
from signer_agent.contracts.possession import alone
from signer_agent.contracts.signer_keys import EncryptKind, KeyChoice, SignKind
from signer_agent.home import Home
from wire import limits
from wire.ids import new_request_id

if TYPE_CHECKING:  # it exists for the type checker only
    from fourseal.v1.transaction_service_pb2_grpc import TransactionServiceAsyncStub

PAYER: Final = "alice"
PAYEE: Final = "bob"
UNITS: Final = 123
"""Of the minor unit, that each transaction transfers."""
_CURRENCY: Final = "EUR"
_OVERDRAFT: Final = "1000000000.00"
_LIFETIME: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Device:
    """Alice's device, which signs by her account's own key.

    Args:
        key: for signing.
        certificate: fingerprint of that key's.
        back_end: codes are sealed for.
    """

    key: SignerPrivateKey
    certificate: bytes
    back_end: BackEndCertificate

    def prepare(self, count: int, path: Path) -> None:
        """Write so many transactions to a file, as ``bench.load.transactions`` brings them.

        They are good for as long as a code is: ``MAX_CODE_LIFE``.
        """
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
            made = threads.map(lambda _: self._make(), range(count))
            write_requests(path, [request for requests in made for request in requests])

    def _make(self) -> tuple[bytes, ...]:
        now = datetime.now(UTC).replace(microsecond=0)
        transaction = Transaction(
            back_end=self.back_end.name,
            kind="transfer",
            signer=PAYER,
            transfers=(Transfer(PAYER, PAYEE, Amount(_CURRENCY, UNITS)),),
            text="A benchmark",
            request_id=new_request_id(),
            create_time=now,
            end=now + _LIFETIME,
        )
        name = transaction_id(transaction.digest)
        variant, back_end = CodeVariant.CODE_AND_RANDOM, self.back_end
        core = begin_binding(transaction, variant, back_end.fingerprint, self.certificate, now)
        code = ConfirmationCode.new(secrets.token_bytes)
        binding = SignedBinding.sign(core, core.seal_code(code, back_end.public_key, secrets.token_bytes), self.key)
        steps = (
            pb.ProposeTransactionRequest(transaction_der=transaction.to_der()),
            pb.SignTransactionRequest(transaction_id=name, binding_der=binding.to_der()),
            pb.ConfirmTransactionRequest(
                transaction_id=name, binding_sha256=binding.digest, code=code.to_secret_groups()
            ),
        )
        return tuple(step.SerializeToString() for step in steps)


def make_device(server: ServerProcess, folder: Path, target: Target) -> Device:
    """Register Alice, and make her device, which knows the back end by ``target``."""
    keys = KeyChoice(SignKind.ED25519, EncryptKind.X25519)
    return asyncio.run(_device_of(register(server, folder, PAYER, keys), target))


async def _device_of(home: Home, target: Target) -> Device:
    async with (
        arrived(home) as person,
        grpc.aio.secure_channel(target.address, target.credentials(), limits.channel_options()) as channel,
    ):
        stub: TransactionServiceAsyncStub = TransactionServiceStub(channel)
        response = await stub.GetBackEnd(pb.GetBackEndRequest())
        signer = person.signer
        back_end = BackEndCertificate.from_der(response.certificate_der, DEFAULT_ARC)
        return Device(alone(signer.sign_key), signer.sign_certificate.fingerprint, back_end)


def open_accounts(server: ServerProcess) -> None:
    """Open both accounts of the ledger. Alice's may be overdrawn."""
    server.operate("ledger", "open", PAYER, _CURRENCY, "--overdraft", _OVERDRAFT)
    server.operate("ledger", "open", PAYEE, _CURRENCY)


def balances(server: ServerProcess) -> dict[str, int]:
    """What each account has, in minor units."""
    accounts = json.loads(server.operate("ledger", "list", "--json"))["accounts"]
    return {each["account"]: each["balance_units"] for each in accounts}
