"""What an organisation's key does in one use: it signs a digest, or decrypts a ciphertext. Outside transactions."""

from __future__ import annotations

from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from sqlalchemy import Connection

from contract.trusteeship.uses import UseRequest
from mpc.errors import FaultDetected
from mpc.four_prime_rsa import Purpose
from server.custody import NamedKey, NamedKeys
from server.organisations import find_key, open_key
from server.storage import Database
from wire.catalogue import ServiceError


class KeyOperator:
    """Uses organisations' keys. For who has decided, and noted, that they may be used now.

    Args:
        database: which keys there are. They never change, so those that were used last stay open.
        keys: custody.
        capacity: how many stay open, at least 1.
    """

    def __init__(self, database: Database, keys: NamedKeys, *, capacity: int) -> None:
        self._database = database
        self._keys = keys
        self._opened = lru_cache(capacity)(self._open)

    def operate(self, use: UseRequest, ciphertext: bytes) -> bytes | None:
        """Do what a request says. Waits for custody.

        Args:
            use: with an operation that the key can do.
            ciphertext: to decrypt.

        Returns:
            The signature, checked, or the plaintext; None where the ciphertext does not decrypt, for whatever cause.

        Raises:
            ServiceError: CUSTODY_UNAVAILABLE, NAMED_KEY_DAMAGED.
            FaultDetected: the signature does not hold; nothing is released.
        """
        key = self._opened(use.key_id)
        if use.operation.purpose is Purpose.SIGN:
            return _sign(key, use)
        assert not isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101  # the operation fits the key
        try:
            return key.decrypt(ciphertext, use.operation.oaep(use.label).to_cryptography_padding())
        except ValueError:
            return None

    def _open(self, key_id: str) -> NamedKey:
        def query(connection: Connection) -> NamedKey:
            key = find_key(connection, key_id)
            if key is None:
                raise ServiceError("NAMED_KEY_DAMAGED", name=key_id)
            return open_key(connection, self._keys, key)

        return self._database.read_now(query)


def _sign(key: NamedKey, use: UseRequest) -> bytes:
    hashed = Prehashed(use.operation.hash.to_cryptography())
    try:
        if isinstance(key, ec.EllipticCurvePrivateKey):
            signature = key.sign(use.digest, ec.ECDSA(hashed))
            key.public_key().verify(signature, use.digest, ec.ECDSA(hashed))
        else:
            padding = use.operation.signature_algorithm().to_cryptography_padding()
            signature = key.sign(use.digest, padding, hashed)
            key.public_key().verify(signature, use.digest, padding, hashed)
    except InvalidSignature:
        raise FaultDetected("signature by an organisation's key") from None
    return signature
