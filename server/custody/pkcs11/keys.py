"""Named keys in a token: made there, used there. What is sealed is the id of the object.

A token's ECDSA is used with digests (``CKM_ECDSA``), its RSA raw (``CKM_RSA_X_509``), with our padding, as for halves.
Every result is checked with the public key before it is given out: what another key has made is not.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from sqlalchemy import Connection

from mpc.four_prime_rsa import HashAlgorithm, OaepParameters, Purpose, SignatureAlgorithm, encode_digest
from mpc.four_prime_rsa.encodings import oaep
from mpc.four_prime_rsa.integers import integer_to_bytes
from server.clock import Clock
from server.custody.key_holder import CURVES, KeyKind
from server.custody.pkcs11 import store
from server.custody.pkcs11.pool import WorkerPool
from server.custody.pkcs11.process import Refused
from server.custody.pkcs11.shares import OBJECT_ID_BYTES
from server.custody.private_keys import NamedEcKey, NamedKey, NamedRsaKey
from server.custody.sealed_keys import PublicKey
from server.custody.sealing import SealBroken
from server.storage import Database
from wire.catalogue import ServiceError

_EXPONENT: Final = 65537
_ANSWER_SECONDS: Final = 5.0  # the authority signs in transactions, which nobody may hold up for long
_POINT_TAG: Final = 4  # of an OCTET STRING, which CKA_EC_POINT is; and the first byte of an uncompressed point

Pool = Callable[[], WorkerPool]


class _Object:
    """An object of a token that is a named key.

    Args:
        pool: gives the workers at the token.
        name: of the key.
        object_id: its CKA_ID, in hexadecimal.
    """

    def __init__(self, pool: Pool, name: str, object_id: str) -> None:
        self._pool = pool
        self._name = name
        self.object_id = object_id

    def ask(self, do: str, **arguments: object) -> Any:  # noqa: ANN401  # JSON
        """Have it do something.

        Raises:
            ServiceError: CUSTODY_UNAVAILABLE; NAMED_KEY_DAMAGED: it is not there, or is not what it must be.
        """
        try:
            return self._pool().ask(do, seconds=_ANSWER_SECONDS, **arguments)
        except Refused:
            raise self.damaged() from None

    def damaged(self) -> ServiceError:
        """What is said when another object is in its place."""
        return ServiceError("NAMED_KEY_DAMAGED", name=self._name)


class TokenRsaKey(NamedRsaKey):
    """An RSA key in a token."""

    def __init__(self, name: str, purpose: Purpose, public_key: rsa.RSAPublicKey, token_object: _Object) -> None:
        super().__init__(name, purpose, public_key)
        self._numbers = public_key.public_numbers()
        self.token_object = token_object

    def _sign(self, digest: bytes, algorithm: SignatureAlgorithm) -> bytes:
        salt = secrets.token_bytes(algorithm.salt_length)
        return self._exponentiate(encode_digest(algorithm, digest, salt, self.key_size))

    def _decrypt(self, ciphertext: bytes, parameters: OaepParameters) -> bytes:
        return oaep.decode(self._exponentiate(int.from_bytes(ciphertext, "big")), parameters)

    def _exponentiate(self, base: int) -> bytes:
        size = (self.key_size + 7) // 8
        numbers = [integer_to_bytes(each, size).hex() for each in (self._numbers.n, base)]
        wish = [self.token_object.object_id, numbers[0], self.purpose.value, numbers[1]]
        (result,) = self.token_object.ask("exponentiate", operations=[wish])
        value = int(result, 16)
        if pow(value, self._numbers.e, self._numbers.n) != base:
            raise self.token_object.damaged()
        return integer_to_bytes(value, size)


class TokenEcKey(NamedEcKey):
    """An ECDSA key in a token."""

    def __init__(self, name: str, public_key: ec.EllipticCurvePublicKey, token_object: _Object) -> None:
        super().__init__(name, public_key)
        self.token_object = token_object

    def _sign(self, digest: bytes, algorithm: HashAlgorithm) -> bytes:
        size = (self.key_size + 7) // 8
        cut = digest[:size]  # FIPS 186-5 section 6.4.1: the leftmost bits; tokens differ in whether they do it
        token_object = self.token_object
        result = bytes.fromhex(
            token_object.ask("sign", object_id=token_object.object_id, curve=self.curve.name, digest=cut.hex())
        )
        signature = encode_dss_signature(int.from_bytes(result[:size], "big"), int.from_bytes(result[size:], "big"))
        try:
            self._public_key.verify(signature, digest, ec.ECDSA(Prehashed(algorithm.to_cryptography())))
        except InvalidSignature:
            raise token_object.damaged() from None
        return signature


class TokenKeys:
    """See ``KeyHolder``.

    Args:
        database: which objects there are.
        pool: gives the workers.
        random: for object ids.
        clock: the time.
    """

    kind = "token-key"
    in_token = True

    def __init__(self, database: Database, pool: Pool, random: Callable[[int], bytes], clock: Clock) -> None:
        self._database = database
        self._pool = pool
        self._random = random
        self._clock = clock

    def make(self, name: str, kind: KeyKind, purpose: Purpose) -> NamedKey:
        """See ``KeyHolder``. What was made is noted, and is destroyed if nobody keeps it."""
        pool, object_id = self._pool(), self._random(OBJECT_ID_BYTES).hex()
        self._database.write_now(partial(_note_made, object_id, name, self._clock()))
        public_key: PublicKey
        try:
            if kind.rsa_bits is None:
                curve = CURVES[kind]
                point = pool.ask("generate_on_curve", object_id=object_id, label=name, curve=curve.name)
                public_key = ec.EllipticCurvePublicKey.from_encoded_point(
                    curve, _uncompressed(bytes.fromhex(point), curve)
                )
            else:
                modulus = pool.generate(object_id, name, purpose.value, kind.rsa_bits)
                public_key = rsa.RSAPublicNumbers(_EXPONENT, int.from_bytes(modulus, "big")).public_key()
                if public_key.key_size != kind.rsa_bits:
                    raise ServiceError("CUSTODY_FULL")
        except Refused:
            raise ServiceError("CUSTODY_FULL") from None
        return self._key(name, purpose, public_key, object_id)

    def to_bytes(self, key: NamedKey) -> bytes:
        """The object's id."""
        return bytes.fromhex(_object_of(key).object_id)

    def from_bytes(self, name: str, purpose: Purpose, public_key: PublicKey, data: bytes) -> NamedKey:
        """See ``KeyHolder``. Whether the object is there, and is what it must be, shows when it is used."""
        if len(data) != OBJECT_ID_BYTES:
            raise SealBroken(name)
        return self._key(name, purpose, public_key, data.hex())

    def kept(self, connection: Connection, key: NamedKey, now: datetime) -> None:
        """See ``KeyHolder``."""
        if not store.note_kept(connection, _object_of(key).object_id, now):
            raise ServiceError("CUSTODY_UNAVAILABLE", retry_seconds=1)  # it took too long, and is being destroyed

    def _key(self, name: str, purpose: Purpose, public_key: PublicKey, object_id: str) -> NamedKey:
        token_object = _Object(self._pool, name, object_id)
        if isinstance(public_key, rsa.RSAPublicKey):
            return TokenRsaKey(name, purpose, public_key, token_object)
        return TokenEcKey(name, public_key, token_object)


def _object_of(key: NamedKey) -> _Object:
    assert isinstance(key, TokenRsaKey | TokenEcKey)  # noqa: S101  # a token gives no others
    return key.token_object


def _note_made(object_id: str, name: str, now: datetime, connection: Connection) -> None:
    store.note_made(connection, object_id, name, now)


def _uncompressed(value: bytes, curve: ec.EllipticCurve) -> bytes:
    """The point in CKA_EC_POINT: the DER of an OCTET STRING (PKCS#11 3.0 section 2.3.3); some give what is in it."""
    size = 1 + 2 * ((curve.key_size + 7) // 8)
    if len(value) == size + 2 and value[:2] == bytes([_POINT_TAG, size]):
        return value[2:]
    return value
