"""The key store's header: what opens it, and its data key, wrapped.

A passphrase gives the wrapping key by argon2id alone. A PIN gives it only together with a guard at the server, which
counts attempts (``signer_agent.client.pins``); where that is and what it is called stands here too.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final, Self

from signer_agent.keystore.sealing import DataKey, KdfParameters, Sealed
from wire.client.documents import DocumentError, Fields, Json, bytes_to_text, decode, encode

GUARD_ID_BYTES: Final = 32
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class PinGuard:
    """Who helps to try a PIN.

    Args:
        guard_id: its name, 32 random bytes; whoever has it can use up attempts.
        public_key: what its key is known by, 32 bytes.
        server: where it is asked, host:port.
        authority_pem: whose certificates are believed there.
    """

    guard_id: bytes = field(repr=False)
    public_key: bytes
    server: str
    authority_pem: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """A header as it was read.

    Args:
        parameters: of argon2id.
        guard: None: a passphrase opens it alone.
        sealed: the wrapped data key.
        context: what is authenticated with that.
    """

    parameters: KdfParameters
    guard: PinGuard | None
    sealed: Sealed
    context: bytes

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Read what ``write_header`` wrote.

        The checksum stops no attacker. It tells a damaged file from a wrong passphrase, which look the same otherwise.

        Raises:
            DocumentError: anything else.
            ValueError: parameters out of bounds.
        """
        document = decode(content)
        checksum = document.pop("checksum", None)
        if checksum != _checksum(document):
            raise DocumentError("the checksum does not hold")
        context = encode({name: value for name, value in document.items() if name != "data_key"})
        guard = _read_guard(Fields(document.pop("pin_guard"))) if "pin_guard" in document else None
        fields = Fields(document)
        if (fields.text("kind"), fields.integer("version")) != ("key store", _VERSION):
            raise DocumentError(f"not a key store of version {_VERSION}")
        kdf, sealed = fields.fields("kdf"), sealed_from_fields(fields.fields("data_key"))
        fields.end()
        if kdf.text("name") != "argon2id":
            raise DocumentError("another function than argon2id")
        parameters = KdfParameters(
            kdf.data("salt"), kdf.integer("memory_kib"), kdf.integer("iterations"), kdf.integer("lanes")
        )
        kdf.end()
        return cls(parameters, guard, sealed, context)

    def open(self, wrapping_key: bytes) -> DataKey:
        """Unwrap the data key.

        Raises:
            InvalidTag: by another key, or something was altered; it cannot be told which.
        """
        return DataKey.unwrap(wrapping_key, self.context, self.sealed)


def write_header(data_key: DataKey, wrapping_key: bytes, parameters: KdfParameters, guard: PinGuard | None) -> bytes:
    """A header with the data key wrapped under ``wrapping_key``, which ``parameters`` and ``guard`` led to."""
    header: Json = {
        "kind": "key store",
        "version": _VERSION,
        "kdf": {
            "name": "argon2id",
            "salt": bytes_to_text(parameters.salt),
            "memory_kib": parameters.memory_kib,
            "iterations": parameters.iterations,
            "lanes": parameters.lanes,
        },
    }
    if guard is not None:
        header["pin_guard"] = {
            "guard_id": bytes_to_text(guard.guard_id),
            "public_key": bytes_to_text(guard.public_key),
            "server": guard.server,
            "authority": guard.authority_pem.decode("ascii"),
        }
    header["data_key"] = sealed_to_json(data_key.wrap(wrapping_key, encode(header)))
    return encode({**header, "checksum": _checksum(header)})


def sealed_to_json(sealed: Sealed) -> Json:
    """As it stands in a file."""
    return {"nonce": bytes_to_text(sealed.nonce), "ciphertext": bytes_to_text(sealed.ciphertext)}


def sealed_from_fields(fields: Fields) -> Sealed:
    """Undo ``sealed_to_json``. Raises DocumentError."""
    sealed = Sealed(fields.data("nonce"), fields.data("ciphertext"))
    fields.end()
    return sealed


def _read_guard(fields: Fields) -> PinGuard:
    guard = PinGuard(
        fields.data("guard_id"), fields.data("public_key"), fields.text("server"), fields.text("authority").encode()
    )
    fields.end()
    if len(guard.guard_id) != GUARD_ID_BYTES:
        raise DocumentError("the guard has no name")
    return guard


def _checksum(document: Json) -> str:
    return hashlib.sha256(encode(document)).hexdigest()
