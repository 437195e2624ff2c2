"""The back end's checks of what a terminal submits. Each failure has its own name.

 (1) the binding is of this transaction, byte by byte;
 (2) both are for this back end: its name, and the certificate that the code was sealed for;
 (3) the transaction's signer is the binding's, and its certificate the one that is shown;
 (4) the variant is one that this back end takes: nobody may choose a weaker one for it;
 (5) the code ends no later than the transaction, and the binding was made no earlier;
 (6) the signature holds, by the key of that certificate;
 (7) the code that is sealed is the one that was typed.

``verify_binding`` makes (1) to (6), before anything is decrypted; ``is_right_code`` makes (7). The caller MUST check
the certificate itself, and has ``progress`` judge time, tries and whether all this was there before. Whether the signer
may give what a transfer's payer has is for the executor to know: nothing here says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from contract.errors import VerificationFailed
from contract.transactions.binding import CodeVariant, Opener, SignedBinding
from contract.transactions.code import ConfirmationCode
from contract.transactions.transaction import Transaction

CLOCK_DIFFERENCE: Final = timedelta(minutes=2)
"""How far the clocks of terminal, device and back end may be apart."""


@dataclass(frozen=True, slots=True)
class BackEnd:
    """What a back end is, to whoever sends it transactions.

    Args:
        name: as transactions name it.
        certificate: SHA-256 of its certificate for encryption, 32 bytes.
        variants: those that it takes.
    """

    name: str
    certificate: bytes
    variants: frozenset[CodeVariant]


@dataclass(frozen=True, slots=True)
class TransactionSigner:
    """Whose device signs, as a certificate says that the caller verified.

    Args:
        account: its name.
        certificate: SHA-256 of the certificate for signing, 32 bytes.
        public_key: in it: a joint key, or another that ``signer_keys`` knows.
    """

    account: str
    certificate: bytes
    public_key: object


def verify_binding(
    transaction: Transaction, binding: SignedBinding, signer: TransactionSigner, back_end: BackEnd
) -> None:
    """Make checks (1) to (6).

    Raises:
        VerificationFailed: BINDING_OF_OTHER_TRANSACTION (1), BACK_END_WRONG (2), BINDING_OF_OTHER_CERTIFICATE (3),
            CODE_VARIANT_REFUSED (4), BINDING_TIME_WRONG (5), SIGNATURE_INVALID (6).
        MalformedInput: SIGNER_KEY_UNSUITABLE.
    """
    core = binding.core
    if core.transaction != transaction.digest:  # (1)
        raise VerificationFailed("BINDING_OF_OTHER_TRANSACTION", "what was signed is another transaction")
    if (transaction.back_end, core.back_end_certificate) != (back_end.name, back_end.certificate):  # (2)
        raise VerificationFailed("BACK_END_WRONG", "this is for another back end", back_end=transaction.back_end)
    if not transaction.signer == core.signer == signer.account or core.signer_certificate != signer.certificate:  # (3)
        raise VerificationFailed("BINDING_OF_OTHER_CERTIFICATE", "it names another signer or certificate")
    if core.variant not in back_end.variants:  # (4)
        raise VerificationFailed(
            "CODE_VARIANT_REFUSED", f"the variant {core.variant} is not taken here", variant=core.variant
        )
    if core.end > transaction.end or core.time < transaction.create_time - CLOCK_DIFFERENCE:  # (5)
        raise VerificationFailed("BINDING_TIME_WRONG", "its times do not fit those of the transaction")
    binding.check(signer.public_key)  # (6)


def is_right_code(binding: SignedBinding, typed: ConfirmationCode, opener: Opener) -> bool:
    """Make check (7), in a time that does not depend on the codes. Only after (1) to (6).

    The answer is for ``progress.judge`` alone, which counts it: whoever may ask it more often guesses.

    Args:
        binding: verified.
        typed: read from what was typed; what is no code never gets here.
        opener: with the back end's key.

    Raises:
        VerificationFailed: CODE_UNREADABLE.
    """
    return binding.open_code(opener).is_same_as(typed)
