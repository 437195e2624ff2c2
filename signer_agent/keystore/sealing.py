"""How the key store keeps secrets: argon2id, a wrapped data key, AES-256-GCM.

::

    passphrase --argon2id--> wrapping key --AES-256-GCM--> data key (random, for the life of the store)
    PIN --argon2id--> input --oblivious PRF--> wrapping key, as above (``signer_agent.client.pins``)
    data key --HKDF-SHA-256--> sealing key: AES-256-GCM over every entry
                          +--> salt key: HMAC-SHA-512, salts of PSS signatures

A new passphrase wraps the same data key again; no entry changes. Nonces are random: with 96 bits, 2^32 entries under
one key are within NIST SP 800-38D section 8.3, and a store holds some dozens.

The argon2id parameters stand in the store's header, which an attacker with access to the disk can rewrite. They are
authenticated, but only by what is computed with them; so bounds on both sides are checked before: too little would
hand the passphrase to a guesser who sees the time or gets a store opened, too much would stop the machine.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass
from typing import Final

from argon2.exceptions import HashingError
from argon2.low_level import ARGON2_VERSION, Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from mpc.secret import Secret
from wire.catalogue import ServiceError

MIN_PASSPHRASE_CHARACTERS: Final = 8
"""Shortest new passphrase (NIST SP 800-63B section 5.1.1.2)."""

MAX_PASSPHRASE_BYTES: Final = 1024
"""Longest passphrase, in UTF-8."""

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_SALT_BYTES: Final = 16
_USUAL_MEMORY_KIB: Final = 64 * 1024
_MEMORY_KIB: Final = range(64 * 1024, 1024 * 1024 + 1)
_ITERATIONS: Final = range(3, 65)
_LANES: Final = range(1, 17)


class Passphrase(Secret):
    """A passphrase, normalised (NFKC), so that it does not matter on which keyboard it was typed.

    Raises:
        ServiceError: PASSPHRASE_UNSUITABLE: empty, or longer than 1024 bytes of UTF-8.
    """

    __slots__ = ("_value",)

    def __init__(self, text: str) -> None:
        try:
            self._value = unicodedata.normalize("NFKC", text).encode()
        except UnicodeEncodeError:  # a lone surrogate; the cause would quote the passphrase
            raise ServiceError("PASSPHRASE_UNSUITABLE", problem="it is not valid Unicode text") from None
        if not self._value:
            raise ServiceError("PASSPHRASE_UNSUITABLE", problem="it is empty")
        if len(self._value) > MAX_PASSPHRASE_BYTES:
            raise ServiceError("PASSPHRASE_UNSUITABLE", problem=f"it is longer than {MAX_PASSPHRASE_BYTES} bytes")

    @property
    def characters(self) -> int:
        """How long it is."""
        return len(self._value.decode())

    def require_length(self) -> None:
        """Raise ServiceError (PASSPHRASE_UNSUITABLE) unless it is long enough for a new passphrase."""
        if self.characters < MIN_PASSPHRASE_CHARACTERS:
            raise ServiceError(
                "PASSPHRASE_UNSUITABLE", problem=f"it is shorter than {MIN_PASSPHRASE_CHARACTERS} characters"
            )

    def stretch(self, parameters: KdfParameters) -> bytes:
        """Return 32 bytes of argon2id (RFC 9106). Takes some 0.1 s; the GIL is free meanwhile.

        Raises:
            ServiceError: MEMORY_MISSING.
        """
        try:
            return hash_secret_raw(
                self._value,
                parameters.salt,
                time_cost=parameters.iterations,
                memory_cost=parameters.memory_kib,
                parallelism=parameters.lanes,
                hash_len=_KEY_BYTES,
                type=Type.ID,
                version=ARGON2_VERSION,
            )
        except HashingError:
            raise ServiceError("MEMORY_MISSING", mebibytes=parameters.memory_kib // 1024) from None


@dataclass(frozen=True, slots=True)
class KdfParameters:
    """Cost of argon2id. The defaults are the second choice of RFC 9106 section 4.

    Args:
        salt: 16 bytes, fresh for every wrapping.
        memory_kib: 64 MiB to 1 GiB.
        iterations: 3 to 64.
        lanes: 1 to 16.

    Raises:
        ValueError: out of bounds. The message names the field.
    """

    salt: bytes
    memory_kib: int = _USUAL_MEMORY_KIB
    iterations: int = 3
    lanes: int = 4

    def __post_init__(self) -> None:
        if len(self.salt) != _SALT_BYTES:
            raise ValueError(f"the salt has {len(self.salt)} bytes, must have {_SALT_BYTES}")
        for name, value, allowed in (
            ("memory_kib", self.memory_kib, _MEMORY_KIB),
            ("iterations", self.iterations, _ITERATIONS),
            ("lanes", self.lanes, _LANES),
        ):
            if value not in allowed:
                raise ValueError(f"{name} is {value}, must be {allowed.start} to {allowed.stop - 1}")

    @classmethod
    def fresh(cls) -> KdfParameters:
        """The default cost with a new salt."""
        return cls(secrets.token_bytes(_SALT_BYTES), _USUAL_MEMORY_KIB)


@dataclass(frozen=True, slots=True)
class Sealed:
    """An AES-256-GCM ciphertext. Not secret.

    Args:
        nonce: 12 bytes.
        ciphertext: with the tag of 16 bytes at its end.
    """

    nonce: bytes
    ciphertext: bytes


class DataKey(Secret):
    """The store's random key. Everything else is derived from it.

    Args:
        value: 32 bytes.
    """

    __slots__ = ("_salt_key", "_sealing_key", "_value")

    def __init__(self, value: bytes) -> None:
        self._value = value
        self._sealing_key = _derive(value, b"fourseal key store v1: entries")
        self._salt_key = _derive(value, b"fourseal key store v1: signature salts")

    @classmethod
    def generate(cls) -> DataKey:
        """Make a new one."""
        return cls(secrets.token_bytes(_KEY_BYTES))

    def wrap(self, wrapping_key: bytes, context: bytes) -> Sealed:
        """Seal the data key itself under another key; ``context`` is authenticated with it."""
        return _encrypt(wrapping_key, self._value, context)

    @classmethod
    def unwrap(cls, wrapping_key: bytes, context: bytes, sealed: Sealed) -> DataKey:
        """Undo ``wrap``.

        Raises:
            InvalidTag: another key, or something was altered; it cannot be told which.
        """
        return cls(_decrypt(wrapping_key, sealed, context))

    def seal(self, plaintext: bytes, context: bytes) -> Sealed:
        """Seal an entry; ``context`` says what and where it is, and is authenticated with it."""
        return _encrypt(self._sealing_key, plaintext, context)

    def open(self, sealed: Sealed, context: bytes) -> bytes:
        """Undo ``seal``.

        Raises:
            InvalidTag: altered, moved to another context, or of another store.
        """
        return _decrypt(self._sealing_key, sealed, context)

    def signature_salt(self, length: int, *request: str | bytes) -> bytes:
        """Return ``length`` (at most 64) bytes that follow from the request alone, and that nobody else can foretell.

        A request that is repeated after a crash or a timeout so has the salt it had before: it is the same request, and
        gets the same answer. Salts are fresh because request ids are (RFC 8017 section 9.1 asks for no more).
        """
        mac = hmac.new(self._salt_key, digestmod=hashlib.sha512)
        for field in request:
            data = field.encode() if isinstance(field, str) else field
            mac.update(len(data).to_bytes(4, "big") + data)
        return mac.digest()[:length]


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDFExpand(SHA256(), _KEY_BYTES, purpose).derive(key)  # the key is uniform: no extraction (RFC 5869 3.3)


def _encrypt(key: bytes, plaintext: bytes, context: bytes) -> Sealed:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return Sealed(nonce, AESGCM(key).encrypt(nonce, plaintext, context))


def _decrypt(key: bytes, sealed: Sealed, context: bytes) -> bytes:
    if len(sealed.nonce) != _NONCE_BYTES:
        raise InvalidTag
    return AESGCM(key).decrypt(sealed.nonce, sealed.ciphertext, context)
