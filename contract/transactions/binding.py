"""Bindings: what a device signs. The digest of a transaction and the sealed confirmation code, together.

The three variants of the source are one structure with an option. In each of them the code is sealed for the back
end's key alone, bound to all of the binding's words (``BindingCore.label``), so it opens for no other transaction; and
in each the sealed code travels with the signature. What differs is what is sealed, and what is signed::

    variant            sealed                            signed
    code               code                              core and sealed code
    code-and-random    code and 16 random bytes          core and sealed code
    digest             code and 16 random bytes          core and SHA-256 of the sealed code

Where a terminal would send only that digest, as the source has it, the back end would have to seal the code again to
compare: then sealing is not random, and whoever sees the digest tries all codes. So the sealed code itself travels.

A device signs by a joint key (RSASSA-PSS with SHA-256) or by a key of its own (``signer_keys``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.errors import VerificationFailed
from contract.names import check_account_name
from contract.sealing import HPKE_OVERHEAD, seal
from contract.signer_keys import MAX_SIGNATURE_BYTES, SignerPrivateKey, check_signature_alone, sign_alone
from contract.transactions.code import CODE_CHARACTERS, ConfirmationCode
from mpc.engines.interface import Random
from mpc.errors import DecryptionFailed, MalformedInput

MAX_BINDING_BYTES: Final = 4 << 10
"""Longest binding that is looked at, with its signature."""
MAX_CODE_LIFE: Final = timedelta(minutes=5)
"""Longest time from a signature to the end of its code: for reading, confirming and typing."""
RANDOM_NUMBER_BYTES: Final = 16
"""Of the random number that is sealed beside a code."""

Opener = Callable[[bytes, bytes], bytes]
"""Opens what was sealed for the back end: takes ciphertext and label, returns the plaintext or raises DecryptionFailed.

``sealing.unseal`` with the back end's key, or custody with its own: RSAES-OAEP as ``sealing.oaep_parameters(label)``.
"""

_BINDING_REASON: Final = "BINDING_MALFORMED"
_PROTOCOL: Final = "fourseal/v1/code binding"
_LABEL_DOMAIN: Final = b"fourseal/v1/confirmation code"
_RSA_BYTES: Final = range(256, 1024 + 1)


class CodeVariant(StrEnum):
    """What is sealed and signed. The value stands in the binding."""

    CODE = "code"
    CODE_AND_RANDOM = "code-and-random"
    DIGEST = "digest"

    @property
    def plaintext_bytes(self) -> int:
        """Length of what is sealed."""
        return CODE_CHARACTERS + (0 if self is CodeVariant.CODE else RANDOM_NUMBER_BYTES)


@dataclass(frozen=True, slots=True)
class BindingCore:
    """What a binding says, without the sealed code, which is bound to this.

    Args:
        variant: what is sealed and signed.
        transaction: its digest, 32 bytes.
        back_end_certificate: SHA-256 of the back end's certificate for encryption, 32 bytes.
        signer: account that signs.
        signer_certificate: SHA-256 of its certificate for signing, 32 bytes.
        time: when, by the device's clock; UTC, whole seconds.
        end: of the code; at most five minutes later.

    Raises:
        MalformedInput: BINDING_MALFORMED, ACCOUNT_NAME_MALFORMED.
    """

    variant: CodeVariant
    transaction: bytes
    back_end_certificate: bytes
    signer: str
    signer_certificate: bytes
    time: datetime
    end: datetime

    def __post_init__(self) -> None:
        der.require_digest(self.transaction, "the transaction", reason=_BINDING_REASON)
        der.require_digest(self.back_end_certificate, "the back end's certificate", reason=_BINDING_REASON)
        check_account_name(self.signer)
        der.require_digest(self.signer_certificate, "the signer's certificate", reason=_BINDING_REASON)
        der.require_time(self.time, "the time", reason=_BINDING_REASON)
        der.require_time(self.end, "the end", reason=_BINDING_REASON)
        der.require_that(self.time < self.end, "its code ends before it is made", reason=_BINDING_REASON)
        der.require_that(self.end - self.time <= MAX_CODE_LIFE, "its code ends too late", reason=_BINDING_REASON)

    @property
    def label(self) -> bytes:
        """What the sealed code is bound to, 32 bytes."""
        return hashlib.sha256(_LABEL_DOMAIN + self.to_der()).digest()

    def seal_code(self, code: ConfirmationCode, public_key: object, random: Random) -> bytes:
        """Seal a code for the back end.

        Args:
            code: of this transaction alone.
            public_key: of the back end's certificate, X25519 or RSA; verified by the caller.
            random: randomness for the random number.

        Raises:
            MalformedInput: SIGNER_KEY_UNSUITABLE.
        """
        plaintext = code.to_secret_text().encode()
        if self.variant is not CodeVariant.CODE:
            plaintext += random(RANDOM_NUMBER_BYTES)
        return seal(plaintext, public_key, self.label)

    def to_der(self) -> bytes:
        """DER of BindingCore: docs/formats.md."""
        return der.write_structure(
            _BindingCore(
                version=der.VERSION,
                variant=self.variant.value,
                transaction=self.transaction,
                back_end_certificate=self.back_end_certificate,
                signer=self.signer,
                signer_certificate=self.signer_certificate,
                time=der.to_generalized_time(self.time),
                end=der.to_generalized_time(self.end),
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor does."""
        read = der.read_structure(_BindingCore, data, MAX_BINDING_BYTES, reason=_BINDING_REASON)
        der.require_version(read.version, reason=_BINDING_REASON)
        der.require_that(read.variant in frozenset(CodeVariant), "this variant does not exist", reason=_BINDING_REASON)
        core = cls(
            variant=CodeVariant(read.variant),
            transaction=read.transaction,
            back_end_certificate=read.back_end_certificate,
            signer=read.signer,
            signer_certificate=read.signer_certificate,
            time=der.from_generalized_time(read.time),
            end=der.from_generalized_time(read.end),
        )
        der.require_canonical(data, core.to_der(), reason=_BINDING_REASON)
        return core


def to_be_signed(core: BindingCore, sealed_code: bytes) -> bytes:
    """DER of CodeBinding: what the device signs. By a joint key: PSS_SHA256, over SHA-256 of this."""
    signed = hashlib.sha256(sealed_code).digest() if core.variant is CodeVariant.DIGEST else sealed_code
    return der.write_structure(
        _CodeBinding(version=der.VERSION, protocol=_PROTOCOL, core=core.to_der(), sealed_code=signed)
    )


@dataclass(frozen=True, slots=True)
class SignedBinding:
    """A binding as it travels. Well-formed; whether it is genuine says ``verification``.

    Args:
        core: what it says.
        sealed_code: as long as the variant's plaintext makes it (X25519), or as the back end's RSA key.
        signature: the device's, 1 to 1024 bytes.

    Raises:
        MalformedInput: BINDING_MALFORMED.
    """

    core: BindingCore
    sealed_code: bytes
    signature: bytes

    def __post_init__(self) -> None:
        sealed = len(self.sealed_code)
        fits = sealed in _RSA_BYTES or sealed == HPKE_OVERHEAD + self.core.variant.plaintext_bytes
        der.require_that(fits, "a sealed code of a wrong length", reason=_BINDING_REASON)
        fits = 1 <= len(self.signature) <= MAX_SIGNATURE_BYTES
        der.require_that(fits, "a signature of a wrong length", reason=_BINDING_REASON)

    @classmethod
    def sign(cls, core: BindingCore, sealed_code: bytes, private_key: SignerPrivateKey) -> Self:
        """Sign by a key of the device's own.

        Raises:
            MalformedInput: SIGNER_KEY_UNSUITABLE.
        """
        return cls(core, sealed_code, sign_alone(private_key, to_be_signed(core, sealed_code)))

    @property
    def digest(self) -> bytes:
        """SHA-256 of what is signed, 32 bytes: names this binding."""
        return hashlib.sha256(to_be_signed(self.core, self.sealed_code)).digest()

    def check(self, public_key: object) -> None:
        """Check the signature, by a joint key or one alone.

        Raises:
            MalformedInput: SIGNER_KEY_UNSUITABLE.
            VerificationFailed: SIGNATURE_INVALID.
        """
        check_signature_alone(public_key, self.signature, to_be_signed(self.core, self.sealed_code))

    def open_code(self, opener: Opener) -> ConfirmationCode:
        """The code that the device made. Check the signature first: nobody else's ciphertext is decrypted.

        Raises:
            VerificationFailed: CODE_UNREADABLE: it does not open, or what is in it is no code; for every cause.
        """
        try:
            plaintext = opener(self.sealed_code, self.core.label)
            if len(plaintext) == self.core.variant.plaintext_bytes:
                return ConfirmationCode(plaintext[:CODE_CHARACTERS].decode("ascii"))
        except (DecryptionFailed, MalformedInput, UnicodeDecodeError):
            pass  # refused below, as one of another length is
        raise VerificationFailed("CODE_UNREADABLE", "the sealed code does not open for this transaction")

    def to_der(self) -> bytes:
        """DER of SignedBinding: docs/formats.md."""
        return der.write_structure(
            _SignedBinding(core=self.core.to_der(), sealed_code=self.sealed_code, signature=self.signature)
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``.

        Raises:
            MalformedInput: BINDING_MALFORMED, ACCOUNT_NAME_MALFORMED.
        """
        read = der.read_structure(_SignedBinding, data, MAX_BINDING_BYTES, reason=_BINDING_REASON)
        binding = cls(BindingCore.from_der(read.core), read.sealed_code, read.signature)
        der.require_canonical(data, binding.to_der(), reason=_BINDING_REASON)
        return binding


@asn1.sequence
class _BindingCore:
    version: int
    variant: str
    transaction: bytes
    back_end_certificate: bytes
    signer: str
    signer_certificate: bytes
    time: asn1.GeneralizedTime
    end: asn1.GeneralizedTime


@asn1.sequence
class _CodeBinding:
    version: int
    protocol: str
    core: bytes
    sealed_code: bytes


@asn1.sequence
class _SignedBinding:
    core: bytes
    sealed_code: bytes
    signature: bytes
