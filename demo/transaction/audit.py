"""The third act: what was done is verified from the log, and the ledger is added up."""

from __future__ import annotations

from dataclasses import dataclass

from demo.attacks import SERVER_HOME
from demo.stage import CommandFailed
from demo.transaction.bank import Bank


@dataclass(slots=True)
class Audit:
    """Each step returns what it came to, in a few words; one that does not hold raises."""

    bank: Bank

    def perform(self) -> None:
        """Do every step; stops at the first that does not hold."""
        for title, step in (
            ("Verify what was executed, from the log", self._verify),
            ("Add the ledger up", self._add_up),
        ):
            with self.bank.show.step(title) as shown:
                shown.outcome = step()

    def _verify(self) -> str:
        for transaction in self.bank.transactions:
            self.bank.operator("transactions", "verify", transaction)
        listed = self.bank.stage.must(["fourseal-server", "transactions", "list", "--home", SERVER_HOME])
        self.bank.show.output(listed)
        return f"{len(self.bank.transactions)} payments: read, confirmed, signed, executed once"

    def _add_up(self) -> str:
        self.bank.show.output(self.bank.operator("ledger", "check"))
        self.bank.require_paid()
        if not self.bank.paid:
            raise CommandFailed("nothing was paid")
        return "all balances add up to nothing, and each to its payments"
