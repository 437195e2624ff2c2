"""An infected terminal tries each of its tricks, and is caught each time, under the name of the trick."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519

from contract.sealing import SealingPrivateKey, seal, unseal
from contract.transactions.binding import CodeVariant, SignedBinding, to_be_signed
from contract.transactions.code import ConfirmationCode
from contract.transactions.money import Amount
from contract.transactions.progress import TransactionState
from contract.transactions.transaction import Transfer
from contract.transactions.verification import BackEnd, is_right_code, verify_binding
from mpc.errors import DecryptionFailed
from tests.contract.refusals import refused, undecrypted, unverified
from tests.contract.transactions.examples import TRANSACTION
from tests.contract.transactions.parties import (
    BACK_END,
    LATER,
    Bank,
    Device,
    public_key_of,
    read_and_confirm,
)
from tests.contract.world import NOW
from tests.mpc.parties import RANDOM
from tests.mpc.refusals import malformed

VARIANTS = pytest.mark.parametrize("variant", CodeVariant)
OTHER = replace(TRANSACTION, request_id="request-of-another")
WRONG = ConfirmationCode("000000000")


@VARIANTS
def test_an_honest_terminal_is_served(
    device: Device, sealing_key: x25519.X25519PrivateKey, variant: CodeVariant
) -> None:
    """With every kind of device's key, in every variant."""
    binding, held = device.bind(TRANSACTION, sealing_key, variant)
    bank = Bank(device, sealing_key)
    bank.submit(TRANSACTION, binding, read_and_confirm(TRANSACTION, held))
    assert bank.progress is not None
    assert bank.progress.state is TransactionState.CONFIRMED


@VARIANTS
def test_every_kind_of_back_end_key_opens_its_codes(
    card: Device, back_end_key: SealingPrivateKey, variant: CodeVariant
) -> None:
    """HPKE and OAEP; and equal codes never look equal."""
    binding, held = card.bind(TRANSACTION, back_end_key, variant)
    code = read_and_confirm(TRANSACTION, held)
    Bank(card, back_end_key).submit(TRANSACTION, binding, code)
    public_key = public_key_of(back_end_key)
    assert len({binding.core.seal_code(code, public_key, RANDOM) for _ in range(3)}) == 3


@VARIANTS
def test_a_transaction_that_was_changed_after_signing(
    card: Device, sealing_key: x25519.X25519PrivateKey, variant: CodeVariant
) -> None:
    """Its amount, payee, currency, text, end: any word of it."""
    binding, held = card.bind(TRANSACTION, sealing_key, variant)
    code = read_and_confirm(TRANSACTION, held)
    first, *others = TRANSACTION.transfers
    for changed in (
        replace(TRANSACTION, transfers=(replace(first, amount=Amount("EUR", 1234500)), *others)),
        replace(TRANSACTION, transfers=(replace(first, amount=Amount("USD", 123450)), *others)),
        replace(TRANSACTION, transfers=(replace(first, payee="mallory"), *others)),
        replace(TRANSACTION, transfers=(*TRANSACTION.transfers, Transfer("alice", "mallory", Amount("EUR", 1)))),
        replace(TRANSACTION, transfers=(first,)),
        replace(TRANSACTION, text="Rent for June"),
        replace(TRANSACTION, end=TRANSACTION.end + timedelta(seconds=1)),
        replace(TRANSACTION, kind="payout"),
        OTHER,
    ):
        bank = Bank(card, sealing_key)
        with unverified("BINDING_OF_OTHER_TRANSACTION"):
            bank.submit(changed, binding, code)
        forged = replace(binding, core=replace(binding.core, transaction=changed.digest))
        with unverified("SIGNATURE_INVALID"):
            bank.submit(changed, forged, code)


def test_the_device_shows_one_thing_and_signs_another(card: Device, sealing_key: x25519.X25519PrivateKey) -> None:
    """A terminal that shows its user a transaction and sends another: the device shows what it signed."""
    sent = replace(TRANSACTION, transfers=(Transfer("alice", "bob", Amount("EUR", 99999900)),))
    _, held = card.bind(sent, sealing_key)
    with refused("TRANSACTION_UNREAD"):  # what was read is what the terminal pretends
        read_and_confirm(TRANSACTION, held)


@VARIANTS
def test_the_sealed_code_of_another_transaction(
    card: Device, sealing_key: x25519.X25519PrivateKey, variant: CodeVariant
) -> None:
    """It is signed with its own; and even with a signature it would not open."""
    binding, _ = card.bind(TRANSACTION, sealing_key, variant)
    other, held = card.bind(OTHER, sealing_key, variant)
    code = read_and_confirm(OTHER, held)
    moved = replace(binding, sealed_code=other.sealed_code)
    with unverified("SIGNATURE_INVALID"):
        Bank(card, sealing_key).submit(TRANSACTION, moved, code)
    signed = SignedBinding(binding.core, other.sealed_code, card.sign(binding.core, other.sealed_code))
    with unverified("CODE_UNREADABLE"):
        Bank(card, sealing_key).submit(TRANSACTION, signed, code)
    with undecrypted():
        unseal(sealing_key, other.sealed_code, binding.core.label)


def test_the_code_of_another_transaction(card: Device, sealing_key: x25519.X25519PrivateKey) -> None:
    """It is a wrong code like any other, and counts."""
    binding, _ = card.bind(TRANSACTION, sealing_key)
    _, held = card.bind(OTHER, sealing_key)
    bank = Bank(card, sealing_key)
    with refused("CODE_WRONG"):
        bank.submit(TRANSACTION, binding, read_and_confirm(OTHER, held))
    assert bank.progress is not None
    assert bank.progress.wrong_codes == 1


def test_a_variant_that_is_weaker(card: Device, sealing_key: x25519.X25519PrivateKey) -> None:
    """Relabelled, it does not hold; made so by the device, the back end does not take it."""
    for variant, other in ((a, b) for a in CodeVariant for b in CodeVariant if a is not b):
        binding, held = card.bind(TRANSACTION, sealing_key, variant)
        code = read_and_confirm(TRANSACTION, held)
        core = replace(binding.core, variant=other)
        if variant.plaintext_bytes == other.plaintext_bytes:
            sealed = binding.sealed_code
        else:
            sealed = core.seal_code(code, sealing_key.public_key(), RANDOM)
        with unverified("SIGNATURE_INVALID"):
            Bank(card, sealing_key).submit(TRANSACTION, SignedBinding(core, sealed, binding.signature), code)
        strict = BackEnd(BACK_END.name, BACK_END.certificate, frozenset({other}))
        with unverified("CODE_VARIANT_REFUSED"):
            Bank(card, sealing_key, strict).submit(TRANSACTION, binding, code)


def test_a_digest_does_not_stand_for_a_sealed_code(card: Device, sealing_key: x25519.X25519PrivateKey) -> None:
    """What is signed in the variant with the digest is never what is signed in another one, and the reverse."""
    binding, _ = card.bind(TRANSACTION, sealing_key, CodeVariant.DIGEST)
    digest = hashlib.sha256(binding.sealed_code).digest()
    signed = to_be_signed(binding.core, binding.sealed_code)
    assert digest in signed
    assert binding.sealed_code not in signed
    for variant in (CodeVariant.CODE, CodeVariant.CODE_AND_RANDOM):
        assert to_be_signed(replace(binding.core, variant=variant), digest) != signed


def test_a_replay(card: Device, sealing_key: x25519.X25519PrivateKey) -> None:
    """The same once more, and the same code with the same transaction signed anew."""
    binding, held = card.bind(TRANSACTION, sealing_key)
    code = read_and_confirm(TRANSACTION, held)
    bank = Bank(card, sealing_key)
    bank.submit(TRANSACTION, binding, code)
    for _ in range(5):
        with refused("CODE_USED"):
            bank.submit(TRANSACTION, binding, code)
    again, _ = card.bind(TRANSACTION, sealing_key)
    with refused("TRANSACTION_BOUND"):
        bank.submit(TRANSACTION, again, code)
    assert bank.confirmed == 1


@VARIANTS
def test_codes_that_are_guessed(card: Device, sealing_key: x25519.X25519PrivateKey, variant: CodeVariant) -> None:
    """Three, and then the right one does not help either. Mistyped ones never get that far."""
    binding, held = card.bind(TRANSACTION, sealing_key, variant)
    right = read_and_confirm(TRANSACTION, held)
    bank = Bank(card, sealing_key)
    for _ in range(3):
        guess = ConfirmationCode.new(secrets.token_bytes)
        with refused("CODE_WRONG"):
            bank.submit(TRANSACTION, binding, guess)
    for code in (right, WRONG):
        with refused("TRANSACTION_CLOSED"):
            bank.submit(TRANSACTION, binding, code)
    again, held = card.bind(TRANSACTION, sealing_key)  # nor does another code for the same transaction
    with refused("TRANSACTION_CLOSED"):
        bank.submit(TRANSACTION, again, read_and_confirm(TRANSACTION, held))
    assert bank.confirmed == 0


def test_a_code_that_was_mistyped_is_no_try(card: Device, sealing_key: x25519.X25519PrivateKey) -> None:
    """However often."""
    binding, held = card.bind(TRANSACTION, sealing_key)
    code = read_and_confirm(TRANSACTION, held)
    bank = Bank(card, sealing_key)
    text = code.to_secret_text()
    for other in "0123456789":
        if other != text[3]:
            with malformed("CODE_MISTYPED"):
                bank.submit(TRANSACTION, binding, ConfirmationCode.parse(text[:3] + other + text[4:]))
    bank.submit(TRANSACTION, binding, code)
    assert bank.confirmed == 1


@VARIANTS
def test_codes_are_not_found_by_sealing_them_again(
    card: Device, sealing_key: x25519.X25519PrivateKey, variant: CodeVariant
) -> None:
    """A terminal has all but the back end's private key: sealing the right code gives another ciphertext."""
    binding, held = card.bind(TRANSACTION, sealing_key, variant)
    code = read_and_confirm(TRANSACTION, held)
    for _ in range(10):
        assert binding.core.seal_code(code, sealing_key.public_key(), RANDOM) != binding.sealed_code


def test_a_code_that_the_terminal_made_itself(card: Device, sealing_key: x25519.X25519PrivateKey) -> None:
    """It can seal one, and not sign it."""
    binding, _ = card.bind(TRANSACTION, sealing_key)
    own = ConfirmationCode.new(secrets.token_bytes)
    sealed = binding.core.seal_code(own, sealing_key.public_key(), RANDOM)
    with unverified("SIGNATURE_INVALID"):
        Bank(card, sealing_key).submit(TRANSACTION, replace(binding, sealed_code=sealed), own)
    mallory = ed25519.Ed25519PrivateKey.generate()
    with unverified("SIGNATURE_INVALID"):
        Bank(card, sealing_key).submit(TRANSACTION, SignedBinding.sign(binding.core, sealed, mallory), own)


def test_what_is_for_somebody_else(card: Device, sealing_key: x25519.X25519PrivateKey) -> None:
    """Another back end, another certificate of it, another signer, another certificate of the signer's."""
    binding, _ = card.bind(TRANSACTION, sealing_key)
    for other in (replace(BACK_END, name="other"), replace(BACK_END, certificate=bytes(32))):
        with unverified("BACK_END_WRONG"):
            verify_binding(TRANSACTION, binding, card.signer, other)
    for signer in (replace(card.signer, account="bob"), replace(card.signer, certificate=bytes(32))):
        with unverified("BINDING_OF_OTHER_CERTIFICATE"):
            verify_binding(TRANSACTION, binding, signer, BACK_END)
    of_bob = replace(TRANSACTION, signer="bob")
    core = replace(binding.core, transaction=of_bob.digest)
    with unverified("BINDING_OF_OTHER_CERTIFICATE"):
        verify_binding(of_bob, replace(binding, core=core), card.signer, BACK_END)


def test_times_that_do_not_fit_the_transaction(card: Device, sealing_key: x25519.X25519PrivateKey) -> None:
    """A code that outlives it, or was made before it."""
    binding, _ = card.bind(TRANSACTION, sealing_key)
    end, begin = TRANSACTION.end, NOW - timedelta(minutes=2, seconds=1)
    for core in (
        replace(binding.core, time=end - timedelta(minutes=1), end=end + timedelta(seconds=1)),
        replace(binding.core, time=begin, end=begin + timedelta(minutes=5)),
    ):
        with unverified("BINDING_TIME_WRONG"):
            verify_binding(TRANSACTION, replace(binding, core=core), card.signer, BACK_END)
    early = NOW - timedelta(minutes=2)
    core = replace(binding.core, time=early, end=early + timedelta(minutes=5))
    signed = SignedBinding(core, binding.sealed_code, card.sign(core, binding.sealed_code))
    verify_binding(TRANSACTION, signed, card.signer, BACK_END)


def test_a_code_that_comes_too_late(card: Device, sealing_key: x25519.X25519PrivateKey) -> None:
    """Up to the code's end and two minutes; the transaction then is dead."""
    binding, held = card.bind(TRANSACTION, sealing_key)
    code = read_and_confirm(TRANSACTION, held)
    last = binding.core.end + timedelta(minutes=2)
    bank = Bank(card, sealing_key)
    bank.submit(TRANSACTION, binding, code, last - timedelta(microseconds=1))
    bank = Bank(card, sealing_key)
    with refused("CODE_WRONG"):
        bank.submit(TRANSACTION, binding, WRONG)
    with refused("TRANSACTION_EXPIRED"):
        bank.submit(TRANSACTION, binding, code, last)
    with refused("TRANSACTION_CLOSED"):
        bank.submit(TRANSACTION, binding, code)


def test_a_device_whose_clock_is_fast(card: Device, sealing_key: x25519.X25519PrivateKey) -> None:
    """Two minutes, and no more."""
    for ahead, holds in ((120, True), (121, False)):
        binding, held = card.bind(TRANSACTION, sealing_key, now=NOW + timedelta(seconds=ahead))
        code = read_and_confirm(TRANSACTION, held, NOW + timedelta(seconds=ahead))
        bank = Bank(card, sealing_key)
        if holds:
            bank.submit(TRANSACTION, binding, code, NOW)
        else:
            with refused("CLOCKS_DIFFER"):
                bank.submit(TRANSACTION, binding, code, NOW)


@pytest.mark.parametrize(
    "plaintext",
    [b"", b"0" * 9, b"0" * 24, b"0" * 26, b"UUUUUUUUU" + bytes(16), b"\xff" * 25, b"000000001" + bytes(16)],
    ids=["nothing", "short", "one short", "one long", "no code", "no text", "wrong check"],
)
def test_a_device_that_seals_no_code(card: Device, sealing_key: x25519.X25519PrivateKey, plaintext: bytes) -> None:
    """One answer, whatever is in it."""
    binding, _ = card.bind(TRANSACTION, sealing_key)
    sealed = seal(plaintext, sealing_key.public_key(), binding.core.label)
    with unverified("CODE_UNREADABLE"):
        is_right_code(binding, WRONG, lambda _, label: unseal(sealing_key, sealed, label))


def test_what_cannot_be_opened_is_one_answer(sealing_key: x25519.X25519PrivateKey) -> None:
    """Of any length."""
    for size in (0, 1, 31, 32, 47, 48, 73, 300):
        with pytest.raises(DecryptionFailed):
            unseal(sealing_key, bytes(size), b"label")


def test_a_code_comes_from_one_call(card: Device, sealing_key: x25519.X25519PrivateKey) -> None:
    """Two terminals race with the same code: one of them wins."""
    binding, held = card.bind(TRANSACTION, sealing_key)
    code = read_and_confirm(TRANSACTION, held)
    bank = Bank(card, sealing_key)
    answers = []
    for _ in range(20):
        try:
            bank.submit(TRANSACTION, binding, code, LATER)
        except Exception as error:  # noqa: BLE001  # asserted below
            answers.append(getattr(error, "reason", ""))
    assert bank.confirmed == 1
    assert answers == ["CODE_USED"] * 19
