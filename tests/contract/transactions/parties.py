"""Device, terminal and back end of the confirmed transactions in one process: what travels does so encoded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa, x25519

from contract.sealing import SealingPrivateKey, unseal
from contract.transactions.binding import BindingCore, CodeVariant, SignedBinding
from contract.transactions.code import ConfirmationCode
from contract.transactions.device import HeldCode, begin_binding
from contract.transactions.pages import Confirmation, Reading
from contract.transactions.progress import CodeTried, Progress, Signed, Verdict, judge, propose
from contract.transactions.transaction import Transaction
from contract.transactions.verification import BackEnd, TransactionSigner, is_right_code, verify_binding
from mpc.four_prime_rsa import DecryptionShare
from tests.contract.transactions.examples import NAMES
from tests.contract.world import NOW
from tests.mpc.parties import RANDOM

CERTIFICATE: Final = bytes([2]) * 32
BACK_END: Final = BackEnd("bank", bytes([1]) * 32, frozenset(CodeVariant))
LATER: Final = NOW + timedelta(seconds=30)


@dataclass(frozen=True)
class Device:
    """A signing device of Alice's: its public key, and how it signs."""

    public_key: object
    sign: Callable[[BindingCore, bytes], bytes]

    @property
    def signer(self) -> TransactionSigner:
        """As its certificate says."""
        return TransactionSigner("alice", CERTIFICATE, self.public_key)

    def bind(
        self,
        transaction: Transaction,
        key: SealingPrivateKey,
        variant: CodeVariant = CodeVariant.CODE_AND_RANDOM,
        now: datetime = NOW,
    ) -> tuple[SignedBinding, HeldCode]:
        """Sign a transaction with a fresh code."""
        core = begin_binding(transaction, variant, BACK_END.certificate, CERTIFICATE, now)
        held = HeldCode(core, ConfirmationCode.new(RANDOM))
        sealed = held.seal(public_key_of(key), RANDOM)
        return SignedBinding.from_der(SignedBinding(core, sealed, self.sign(core, sealed)).to_der()), held


def public_key_of(key: SealingPrivateKey) -> rsa.RSAPublicKey | x25519.X25519PublicKey:
    """What codes are sealed for."""
    return key.public.to_cryptography() if isinstance(key, DecryptionShare) else key.public_key()


def read_and_confirm(transaction: Transaction, held: HeldCode, now: datetime = LATER) -> ConfirmationCode:
    """What the user does: read all of it, confirm, and take the code to the terminal."""
    reading = Reading.begin(transaction, NAMES, (40, 6), {})
    while not reading.is_complete:
        reading = reading.forward()
    shown = held.confirm(Confirmation(reading), now).code(now)
    return ConfirmationCode.parse(shown.to_secret_groups().lower())


class Bank:
    """A back end that takes one transaction: the calls of one caller after the other, as a locked row would have it."""

    def __init__(self, device: Device, key: SealingPrivateKey, back_end: BackEnd = BACK_END) -> None:
        self._signer = device.signer
        self._key = key
        self._back_end = back_end
        self.progress: Progress | None = None
        self.confirmed = 0

    def submit(
        self, transaction: Transaction, binding: SignedBinding, code: ConfirmationCode, now: datetime = LATER
    ) -> None:
        """All that a terminal brings, in one call."""
        verify_binding(transaction, binding, self._signer, self._back_end)
        if self.progress is None:
            self.progress = propose(transaction, now)
        self._keep(judge(self.progress, Signed(binding), now))
        right = is_right_code(binding, code, lambda ciphertext, label: unseal(self._key, ciphertext, label))
        self._keep(judge(self.progress, CodeTried(binding.digest, right), now))
        self.confirmed += 1

    def _keep(self, verdict: Verdict) -> None:
        self.progress = verdict.progress
        if verdict.refusal is not None:
            raise verdict.refusal
