"""A desk of Alice's, with a clock that is set by hand, and an office that answers at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ed25519, x25519

from contract.sealing import unseal
from contract.transactions.binding import BindingCore, CodeVariant, SignedBinding
from contract.transactions.code import ConfirmationCode
from contract.transactions.progress import TransactionState
from contract.transactions.transaction import Transaction
from contract.transactions.verification import BackEnd, TransactionSigner, is_right_code, verify_binding
from mpc.errors import FoursealError
from signer_agent.signing_device.desk import Desk
from signer_agent.signing_device.model import Stage
from signer_agent.signing_device.office import Prepared
from tests.contract.transactions.examples import NAMES, TRANSACTION
from tests.contract.world import NOW
from wire.catalogue import ServiceError

SIZE: Final = (40, 8)
PIN: Final = "2580"
BACK_END: Final = BackEnd("bank", bytes([1]) * 32, frozenset(CodeVariant))
SIGNER: Final = bytes([2]) * 32


def another(number: int) -> Transaction:
    """Another transaction with the same content."""
    return replace(TRANSACTION, request_id=f"request-of-number-{number}")


@dataclass
class Clock:
    """Says what it was set to."""

    now: datetime = NOW
    passed: float = 0.0
    """Seconds that really went by."""

    def __call__(self) -> datetime:
        """The time."""
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Go on."""
        self.now += timedelta(seconds=seconds)
        self.passed += seconds

    def set_back(self, seconds: float) -> None:
        """Somebody sets it."""
        self.now -= timedelta(seconds=seconds)


@dataclass
class SmallOffice:
    """Has one key, three names, and says of transactions what a test says."""

    account: str = "alice"
    names: dict[str, str] = field(default_factory=lambda: dict(NAMES))
    states: dict[str, TransactionState] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    unreachable: bool = False
    key: ed25519.Ed25519PrivateKey = field(default_factory=ed25519.Ed25519PrivateKey.generate)
    back_end_key: x25519.X25519PrivateKey = field(default_factory=x25519.X25519PrivateKey.generate)
    signed: int = 0
    known: dict[str, str] = field(default_factory=dict)

    async def prepare(self, transaction: Transaction) -> Prepared:
        """See ``Office``."""
        assert transaction.back_end == BACK_END.name
        key = self.back_end_key.public_key()
        return Prepared(self.names, dict(self.known), BACK_END.certificate, key, BACK_END.variants, SIGNER)

    async def sign(self, core: BindingCore, sealed_code: bytes) -> SignedBinding:
        """See ``Office``."""
        self.signed += 1
        return SignedBinding.sign(core, sealed_code, self.key)

    async def state(self, transaction_id: str) -> TransactionState | None:
        """See ``Office``."""
        if self.unreachable:
            raise ServiceError("SERVER_UNAVAILABLE")
        return self.states.get(transaction_id)

    async def refuse(self, transaction_id: str) -> None:
        """See ``Office``."""
        if self.unreachable:
            raise ServiceError("SERVER_UNAVAILABLE")
        self.refused.append(transaction_id)

    async def remember(self, names: Mapping[str, str]) -> None:
        """See ``Office``."""
        self.known.update(names)

    async def check_pin(self, pin: str) -> None:
        """See ``Office``."""
        if pin != PIN:
            raise FoursealError("PASSPHRASE_WRONG", "the passphrase is wrong")

    def opens(self, transaction: Transaction, binding: SignedBinding, code: ConfirmationCode) -> bool:
        """Whether a back end takes binding and code for that transaction."""
        verify_binding(transaction, binding, TransactionSigner("alice", SIGNER, self.key.public_key()), BACK_END)
        return is_right_code(binding, code, lambda sealed, label: unseal(self.back_end_key, sealed, label))


@dataclass
class Table:
    """All of it."""

    clock: Clock
    office: SmallOffice
    desk: Desk

    @property
    def revision(self) -> int:
        """Of what is shown now."""
        return self.desk.view.revision

    @property
    def stage(self) -> Stage:
        """What the desk does now."""
        return self.desk.view.stage

    @property
    def hint(self) -> str:
        """What the display offers now."""
        return "confirm" if self.desk.view.may_confirm else ""

    async def present(self, transaction: Transaction = TRANSACTION) -> SignedBinding:
        """A terminal presents; its user waits for a second, as must be."""
        binding = await self.desk.present(transaction.to_der())
        self.settle()
        return binding

    def settle(self) -> None:
        """A second passes."""
        self.clock.pass_by(1)
        self.desk.look_at_clock()

    def read(self) -> None:
        """The user reads to the end."""
        while self.desk.view.number < self.desk.view.count:
            self.desk.forward(self.revision)

    async def confirm(self, pin: str = "") -> None:
        """The user confirms."""
        await self.desk.confirm(self.revision, pin)

    async def shown(self, transaction: Transaction = TRANSACTION) -> SignedBinding:
        """All until the code is shown."""
        binding = await self.present(transaction)
        self.read()
        await self.confirm()
        return binding


def new_table(*, asks_pin: bool = False, refreshing: bool = False, size: tuple[int, int] = SIZE) -> Table:
    """A table with nothing on it."""
    clock, office = Clock(), SmallOffice()
    desk = Desk(office, size, asks_pin=asks_pin, refreshing=refreshing, now=clock, monotonic=lambda: clock.passed)
    return Table(clock, office, desk)
