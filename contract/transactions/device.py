"""The signing device's part: which transactions it takes, and when it shows a code.

::

    check_proposal(transaction, account, now)
    core = begin_binding(transaction, variant, back_end_certificate, signer_certificate, now)
    held = HeldCode(core, ConfirmationCode.new(random))
    sealed = held.seal(back_end_key, random)
    binding = SignedBinding(core, sealed, signature)              to the terminal; never the code
    reading = Reading.begin(...); ... forward() ...               the user reads
    shown = held.confirm(Confirmation(reading), now)              the user confirms
    shown.code(now)                                               for a minute, or until forget()
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from contract.errors import TransactionRefused
from contract.transactions.binding import MAX_CODE_LIFE, BindingCore, CodeVariant
from contract.transactions.code import ConfirmationCode
from contract.transactions.pages import Confirmation
from contract.transactions.progress import propose
from contract.transactions.transaction import Transaction
from mpc.engines.interface import Random
from mpc.secret import Secret

SHOWN_FOR: Final = timedelta(minutes=1)
"""How long a code is shown."""


def check_proposal(transaction: Transaction, account: str, now: datetime) -> None:
    """Whether this device signs such a transaction at all, once its user confirms.

    Args:
        transaction: that a terminal proposes.
        account: of the device's user.
        now: by the device's clock, UTC.

    Raises:
        TransactionRefused: SIGNER_WRONG: it is for somebody else to sign; TRANSACTION_EXPIRED, CLOCKS_DIFFER.
    """
    if transaction.signer != account:
        raise TransactionRefused("SIGNER_WRONG", f"it is for {transaction.signer} to sign", name=transaction.signer)
    propose(transaction, now)


def begin_binding(
    transaction: Transaction,
    variant: CodeVariant,
    back_end_certificate: bytes,
    signer_certificate: bytes,
    now: datetime,
) -> BindingCore:
    """The words of a binding whose code lives as long as it may, and not longer than the transaction.

    Args:
        transaction: that ``check_proposal`` let pass.
        variant: what is sealed and signed.
        back_end_certificate: SHA-256 of the back end's certificate for encryption, verified by the caller.
        signer_certificate: SHA-256 of the device's certificate for signing.
        now: by the device's clock, UTC.

    Raises:
        TransactionRefused: TRANSACTION_EXPIRED.
    """
    time = now.replace(microsecond=0)
    end = min(time + MAX_CODE_LIFE, transaction.end)
    if time >= end:
        raise TransactionRefused("TRANSACTION_EXPIRED", "the transaction has ended")
    return BindingCore(
        variant=variant,
        transaction=transaction.digest,
        back_end_certificate=back_end_certificate,
        signer=transaction.signer,
        signer_certificate=signer_certificate,
        time=time,
        end=end,
    )


class HeldCode(Secret):
    """A code that the device keeps until its user confirms. It is given out once.

    Args:
        core: words of the binding that it is for.
        code: fresh.
    """

    __slots__ = ("_code", "_core")

    def __init__(self, core: BindingCore, code: ConfirmationCode) -> None:
        self._core = core
        self._code: ConfirmationCode | None = code

    def seal(self, public_key: object, random: Random) -> bytes:
        """The code sealed for the back end: ``BindingCore.seal_code``.

        Raises:
            TransactionRefused: CODE_GONE: it was given out.
            MalformedInput: SIGNER_KEY_UNSUITABLE.
        """
        if self._code is None:
            raise _gone()
        return self._core.seal_code(self._code, public_key, random)

    def confirm(self, confirmation: Confirmation, now: datetime) -> ShownCode:
        """Give the code out to be shown, once, for a minute at most.

        Args:
            confirmation: of the user, of this very transaction.
            now: by the device's clock, UTC.

        Raises:
            TransactionRefused: TRANSACTION_UNREAD: what was read is another transaction; TRANSACTION_EXPIRED: the
                user confirms too late; CODE_GONE: it was given out.
        """
        if confirmation.reading.transaction != self._core.transaction:
            raise TransactionRefused("TRANSACTION_UNREAD", "what was read is another transaction", pages=1)
        if now >= self._core.end:
            self._code = None
            raise TransactionRefused("TRANSACTION_EXPIRED", "the code has ended")
        if self._code is None:
            raise _gone()
        code, self._code = self._code, None
        return ShownCode(code, min(now + SHOWN_FOR, self._core.end))


class ShownCode(Secret):
    """A code on the device's display. From ``HeldCode.confirm``.

    Args:
        code: that is shown.
        end: until when; UTC.
    """

    __slots__ = ("_code", "end")

    def __init__(self, code: ConfirmationCode, end: datetime) -> None:
        self._code: ConfirmationCode | None = code
        self.end = end

    def code(self, now: datetime) -> ConfirmationCode:
        """The code, as long as it is shown.

        Raises:
            TransactionRefused: CODE_GONE.
        """
        if now >= self.end:
            self.forget()
        if self._code is None:
            raise _gone()
        return self._code

    def forget(self) -> None:
        """Show it no longer: it was used, or the user turned away."""
        self._code = None


def _gone() -> TransactionRefused:
    return TransactionRefused("CODE_GONE", "the code is shown once, and no longer")
