"""The first act: a bank with a ledger, Alice with her signing device, Bob, and a terminal that is honest yet."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from contract.transactions.code import ConfirmationCode
from demo.accounts import open_account
from demo.attacks import SERVER_HOME
from demo.people import Signer
from demo.phone import Phone
from demo.show import Show
from demo.stage import CommandFailed, Outcome, Stage
from demo.transaction.phone import SigningDevice

CURRENCY: Final = "EUR"
OPENING: Final = 100_000
"""What Alice has at first, in cents; and Bob nothing."""
TERMINAL_HOME: Final = "till"
_DEVICE: Final = "alice/run/device.sock"
_NAME: Final = re.compile("transaction-[0-9a-f]{32}")
_RENT: Final = 12_500
_LUNCH: Final = 1_250


@dataclass(slots=True)
class Bank:
    """Each step returns what it came to, in a few words; one that does not hold raises."""

    stage: Stage
    show: Show
    alice: Signer
    bob: Signer
    paid: int = 0
    transactions: list[str] = field(default_factory=list)
    used_code: ConfirmationCode | None = None
    _device: SigningDevice | None = None

    def perform(self) -> None:
        """Do every step; stops at the first that does not hold."""
        for title, step in (
            ("Open a bank and two accounts", self._open),
            ("Start the signing device, enrol a terminal", self._equip),
            ("Pay: read on the device, type the code", self._pay_by_typing),
            ("Pay: the device hands the code over", self._pay_by_channel),
        ):
            with self.show.step(title) as shown:
                shown.outcome = step()

    @property
    def device(self) -> SigningDevice:
        """Alice's, once it was started."""
        if self._device is None:
            raise CommandFailed("the device was not started")
        return self._device

    @property
    def terminal_home(self) -> Path:
        """The terminal's folder."""
        return self.stage.folder / TERMINAL_HOME

    def operator(self, *arguments: str) -> str:
        """Run ``fourseal-server`` and show it; it has to succeed. Returns what it printed."""
        command = ["fourseal-server", *arguments, "--home", SERVER_HOME]
        self.show.command(command, who="operator")
        return self.stage.must(command)

    def balance(self, account: str) -> int:
        """Of an account, in cents: what the ledger says."""
        listed = json.loads(self.stage.must(["fourseal-server", "ledger", "list", "--json", "--home", SERVER_HOME]))
        (found,) = [int(each["balance_units"]) for each in listed["accounts"] if each["account"] == account]
        return found

    def _open(self) -> str:
        self.operator("init")
        self.stage.start_server(SERVER_HOME)
        for person in (self.alice, self.bob):
            person.enrol(SERVER_HOME)
            open_account(person, Phone(), person.name.capitalize())
            self.operator("ledger", "open", person.name, CURRENCY)
        self.operator("ledger", "open", "treasury", CURRENCY, "--overdraft", "1000000.00")
        self.operator("ledger", "post", "treasury", "alice", _money(OPENING), CURRENCY, "--text", "Opening balance")
        return f"Alice has {_money(OPENING)} {CURRENCY}, and Bob nothing"

    def _equip(self) -> str:
        self.show.say("Alice's device shows a page on her phone. It signs with her own key, which never leaves it.")
        self._device = SigningDevice.start(self.alice)
        self.operator("ticket", TERMINAL_HOME, "--out", "till.ticket")
        self.terminal("enrol", "--ticket", "till.ticket")
        return "device and terminal know each other by a socket, and nothing more"

    def _pay_by_typing(self) -> str:
        transaction = self._present(_RENT, "Rent for December")
        self.show.say("The device shows it to Alice, on as many pages as it takes:")
        self.show.output(self.device.read())
        self.show.say("She confirms, and only then there is a code, on her device alone. She types it:")
        code = self.device.confirm()
        return self._finish(transaction, _RENT, "--code", code)

    def _pay_by_channel(self) -> str:
        transaction = self._present(_LUNCH, "Lunch")
        self.device.read()
        self.device.confirm()
        self.device.hand_over()
        return self._finish(transaction, _LUNCH, "--channel", "--device", _DEVICE)

    def _present(self, cents: int, text: str) -> str:
        """Have a payment to Bob shown by the device; returns its name. Nobody is at the terminal to type a code yet."""
        wanted = ("bob", _money(cents), CURRENCY, "--from", "alice", "--text", text, "--device", _DEVICE)
        shown = self.try_terminal("pay", *wanted).printed
        found = _NAME.search(shown)
        if found is None or "CONFIRMATION_CODE_MISSING" not in shown:
            raise CommandFailed(f"fourseal-terminal pay failed:\n{shown}")
        return found[0]

    def _finish(self, transaction: str, cents: int, *code: str) -> str:
        self.terminal("pay", "--resume", transaction, *code)
        self.device.is_free()
        self.transactions.append(transaction)
        self.paid += cents
        self.require_paid()
        return f"executed once: Bob has {_money(self.paid)} {CURRENCY}"

    def require_paid(self) -> None:
        """Both balances are what the payments that Alice confirmed make them."""
        found = (self.balance("alice"), self.balance("bob"))
        if found != (OPENING - self.paid, self.paid):
            raise CommandFailed(f"balances are {found} cents, after payments of {self.paid}")

    def terminal(self, *arguments: str) -> str:
        """Run ``fourseal-terminal`` and show it; it has to succeed. Returns what it printed."""
        done = self.try_terminal(*arguments)
        if not done.succeeded:
            raise CommandFailed(f"fourseal-terminal {arguments[0]} failed:\n{done.printed}")
        return done.printed

    def try_terminal(self, *arguments: str) -> Outcome:
        """The same, whatever comes of it."""
        command = ["fourseal-terminal", *arguments]
        self.show.command(command, who="terminal")
        return self.stage.run(command, {"FOURSEAL_TERMINAL_HOME": str(self.terminal_home)})


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"
