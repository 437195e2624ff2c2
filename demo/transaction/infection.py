"""The second act: the terminal is infected. It tries what it can, and Alice looks at nothing but her device."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from contract.transactions.binding import SignedBinding
from contract.transactions.code import ConfirmationCode
from contract.transactions.money import Amount
from contract.transactions.transaction import Transfer
from demo.show import Show
from demo.stage import AttackSucceeded
from demo.transaction.bank import CURRENCY, Bank
from demo.transaction.phone import SigningDevice
from mpc.errors import FoursealError
from terminal import Home, Kept, Terminal
from terminal.back_end import BackEndLine
from terminal.device import connected_device
from terminal.store import TerminalStore
from terminal.terminal import LIFE

_AT_ONCE: Final = 100
_TRIES: Final = 3
_STOLEN: Final = 90_000
_RENT: Final = 5_000
_SHORT: Final = timedelta(seconds=2)
_PATIENCE: Final = 1.0
_TOO_LATE: Final = frozenset({"TRANSACTION_EXPIRED"})

Trick = Callable[["Malware"], Awaitable[str]]


@dataclass(slots=True)
class Infection:
    """Each trick returns how it was caught, in a few words; one that is not caught raises."""

    bank: Bank

    def perform(self) -> None:
        """Try each; stops at the first that is not caught."""
        for title, trick in (
            ("Show one amount, and send another", Malware.show_one_and_send_another),
            ("Change the amount after signing", Malware.change_after_signing),
            ("Send a code before there is one", Malware.confirm_before_its_user),
            ("Use the code of another transaction", Malware.use_another_code),
            ("Guess codes, a hundred at once", Malware.guess),
            ("Bring one code a hundred times at once", Malware.race),
            ("Play an executed payment again", Malware.replay),
            ("Wait until Alice is too late", Malware.let_it_expire),
            ("Have a clock that is an hour wrong", Malware.lie_about_time),
        ):
            with self.bank.show.step(title, is_attack=True) as shown:
                shown.outcome = asyncio.run(self._try(trick))
                self.bank.require_paid()

    async def _try(self, trick: Trick) -> str:
        home = Home(self.bank.terminal_home)
        line = BackEndLine(TerminalStore(home).identity())
        try:
            async with Terminal.open(home) as terminal:
                return await trick(Malware(self.bank, home, terminal, line))
        finally:
            await line.close()


@dataclass(slots=True)
class Malware:
    """What an infected terminal has: all that the honest one kept, its line, and the device's socket."""

    bank: Bank
    home: Home
    terminal: Terminal
    line: BackEndLine

    async def show_one_and_send_another(self) -> str:
        """Its own display is its own; the device's is not."""
        self._show.say(
            "The terminal's screen asks for 50.00 EUR of rent. What it sends to the device is another payment."
        )
        kept = await self._signed(_STOLEN)
        self._show.say("Alice reads on her device, and nowhere else:")
        seen = await asyncio.to_thread(self._device.read)
        self._show.output(seen)
        if "900.00" not in seen:
            raise AttackSucceeded("the device shows another amount than it signed")
        await asyncio.to_thread(self._device.refuse)
        await self._refused(
            "what Alice refused is dead at the back end:", kept, ConfirmationCode.new(secrets.token_bytes)
        )
        return "Alice saw it, and refused"

    async def change_after_signing(self) -> str:
        """The signature is of the digest."""
        kept = await self._signed(_RENT)
        changed = await self.terminal.prepare("alice", [_transfer(_STOLEN)])
        await self.terminal.propose(changed.transaction_id)
        binding = (await self.terminal.kept(kept.transaction_id)).binding
        if binding is None:
            raise AttackSucceeded("there is no signature to move")
        answer = await _reason(self.line.sign(changed.transaction_id, binding))
        self._refusal("the signature of 50.00 EUR, for 900.00 EUR:", answer, {"BINDING_OF_OTHER_TRANSACTION"})
        await self._let_go()
        return "the signature is of the other amount"

    async def confirm_before_its_user(self) -> str:
        """The code leaves the device after confirming, and the terminal holds it sealed for the back end."""
        kept = await self._signed(_RENT)
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._collect(kept)
        except TimeoutError:
            self._show.say(f"The device was asked for the code, and gave none within {_PATIENCE:g} s.")
        else:
            raise AttackSucceeded("the device gave its code away")
        await self._refused("an invented one:", kept, ConfirmationCode.new(secrets.token_bytes), "CODE_WRONG")
        await self._let_go()
        return "the device gives nothing before its user confirmed"

    async def use_another_code(self) -> str:
        """A code is bound to one transaction."""
        small = await self._signed(_RENT)
        code = ConfirmationCode.parse(await asyncio.to_thread(self._read_and_confirm))
        await asyncio.to_thread(self._device.put_away)
        large = await self._signed(_STOLEN)
        for number in range(1, _TRIES + 1):
            await self._refused(f"the code of 50.00 EUR, for 900.00 EUR, try {number}:", large, code, "CODE_WRONG")
        await self._refused("and once more:", large, code, "TRANSACTION_CLOSED")
        await self._let_go()
        await self.terminal.refuse(small.transaction_id)
        return "wrong three times, and the transaction is dead"

    async def guess(self) -> str:
        """Three tries, whatever the parallelism."""
        kept = await self._signed(_STOLEN)
        guesses = (self._confirm(kept, ConfirmationCode.new(secrets.token_bytes)) for _ in range(_AT_ONCE))
        answers = Counter(await asyncio.gather(*guesses))
        self._show.output(", ".join(f"{count} x {answer or 'executed'}" for answer, count in sorted(answers.items())))
        found = await self.terminal.get(kept.transaction_id)
        if answers["CODE_WRONG"] > _TRIES or found.wrong_codes != _TRIES or found.state != "rejected":
            raise AttackSucceeded(f"{found.wrong_codes} guesses were compared, and it is {found.state}")
        await self._let_go()
        return f"{_TRIES} of {_AT_ONCE} guesses were compared, and the transaction is dead"

    async def race(self) -> str:
        """One of many wins."""
        kept = await self._signed(_RENT)
        code = ConfirmationCode.parse(await asyncio.to_thread(self._read_and_confirm))
        answers = Counter(await asyncio.gather(*(self._confirm(kept, code) for _ in range(_AT_ONCE))))
        self._show.output(", ".join(f"{count} x {answer or 'executed'}" for answer, count in sorted(answers.items())))
        if answers[""] != 1:
            raise AttackSucceeded(f"one code was good {answers['']} times")
        await asyncio.to_thread(self._device.is_free)
        self.bank.transactions.append(kept.transaction_id)
        self.bank.paid += _RENT
        self.bank.used_code = code
        return "one of a hundred was executed"

    async def replay(self) -> str:
        """Whatever was executed is known."""
        executed = self.bank.transactions[-1]
        kept = await self.terminal.kept(executed)
        shown = await self.terminal.propose(executed)
        self._show.say(f"Proposed again, it is what it was: {shown.state}.")
        await self._refused("its code once more:", kept, self._used_code, "CODE_USED")
        again = await _reason(self.line.sign(executed, _binding(kept)))
        self._show.say(f"Its signature once more: {again or 'answered as before, and nothing is done'}.")
        twin = await self._signed(_RENT)
        await self._refused("the code for another payment of 50.00 EUR:", twin, self._used_code, "CODE_WRONG")
        await self._let_go()
        return "nothing was executed twice"

    async def let_it_expire(self) -> str:
        """Neither device nor back end has patience without end."""
        kept = await self._signed(_STOLEN, life=_SHORT)
        await asyncio.to_thread(self._device.read)
        await asyncio.to_thread(self._device.is_free)
        self._refusal("the device, asked for the code after the end:", await _reason(self._collect(kept)), _TOO_LATE)
        self._refusal("the device, asked to show it again:", await _reason(self._present(kept)), _TOO_LATE)
        async with Terminal.open(self.home, lambda: datetime.now(UTC) - timedelta(hours=1)) as behind:
            old = await behind.prepare("alice", [_transfer(_STOLEN)])
        self._refusal("the back end, an old one:", await _reason(self.line.propose(old.transaction)), _TOO_LATE)
        return "whoever is too late gets no code, and has nothing executed"

    async def lie_about_time(self) -> str:
        """Clocks may differ a little."""
        async with Terminal.open(self.home, lambda: datetime.now(UTC) + timedelta(hours=1)) as ahead:
            kept = await ahead.prepare("alice", [_transfer(_RENT)])
        self._refusal("the back end:", await _reason(self.line.propose(kept.transaction)), {"CLOCKS_DIFFER"})
        self._refusal("the device:", await _reason(self._present(kept)), {"CLOCKS_DIFFER"})
        return "it is told whose clock differs, and nothing is signed"

    async def _collect(self, kept: Kept) -> None:
        async with connected_device(self._device.socket) as device:
            await device.collect(kept.transaction)

    async def _present(self, kept: Kept) -> None:
        async with connected_device(self._device.socket) as device:
            await device.present(kept.transaction)

    async def _signed(self, cents: int, life: timedelta = LIFE) -> Kept:
        """A payment to Bob that the device has signed, and shows; the back end has the signature."""
        kept = await self.terminal.prepare("alice", [_transfer(cents)], life=life)
        await self.terminal.propose(kept.transaction_id)
        await self.terminal.present(kept.transaction_id, self._device.socket)
        await self.terminal.sign(kept.transaction_id)
        return await self.terminal.kept(kept.transaction_id)

    def _read_and_confirm(self) -> str:
        self._device.read()
        return self._device.confirm()

    async def _let_go(self) -> None:
        """Alice refuses what her device still shows."""

        def refuse() -> None:
            if self._device.shows_something():
                self._device.read()
                self._device.refuse()
            self._device.is_free()

        await asyncio.to_thread(refuse)

    async def _confirm(self, kept: Kept, code: ConfirmationCode) -> str:
        return await _reason(self.line.confirm(kept.transaction_id, _binding(kept), code))

    async def _refused(
        self, attempt: str, kept: Kept, code: ConfirmationCode, reason: str = "TRANSACTION_CLOSED"
    ) -> None:
        self._refusal(attempt, await self._confirm(kept, code), {reason})

    def _refusal(self, attempt: str, answer: str, right: Collection[str]) -> None:
        if answer not in right:
            raise AttackSucceeded(f"{attempt} {answer or 'it was done'}")
        self._show.refusal(attempt, answer)

    @property
    def _used_code(self) -> ConfirmationCode:
        if self.bank.used_code is None:
            raise AttackSucceeded("no code was used")
        return self.bank.used_code

    @property
    def _device(self) -> SigningDevice:
        return self.bank.device

    @property
    def _show(self) -> Show:
        return self.bank.show


async def _reason(call: Awaitable[object]) -> str:
    """Why it was refused; empty if it was not."""
    try:
        await call
    except FoursealError as error:
        return error.reason
    return ""


def _binding(kept: Kept) -> SignedBinding:
    if kept.binding is None:
        raise AttackSucceeded("nothing was signed")
    return kept.binding


def _transfer(cents: int) -> Transfer:
    return Transfer("alice", "bob", Amount(CURRENCY, cents))
