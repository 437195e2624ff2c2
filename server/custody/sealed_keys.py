"""Private keys as sealed bytes: PKCS#8 inside, bound to what each is."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from server.custody.sealing import Context, SealBroken, Sealer

PlainKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
"""A private key whose numbers this process has."""

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


def context_of_key(name: str, *facts: bytes) -> Context:
    """What a private key's bytes are sealed as.

    Args:
        name: of the key.
        facts: what belongs to it, its public key among that, or a certificate.
    """
    return Context("private-key", name, facts)


def private_key_to_bytes(key: PlainKey) -> bytes:
    """What is to be sealed of it."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def private_key_from_bytes(data: bytes) -> PlainKey:
    """The key again.

    Raises:
        SealBroken: it is of no kind that is kept.
    """
    key = load_der_private_key(data, None, unsafe_skip_rsa_key_validation=True)  # 0.1 s, for what the seal vouches for
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise SealBroken("private-key")
    return key


def seal_private_key(sealer: Sealer, context: Context, key: PlainKey) -> bytes:
    """Seal it."""
    return sealer.seal(context, private_key_to_bytes(key))


def open_private_key(sealer: Sealer, context: Context, sealed: bytes) -> PlainKey:
    """Open it.

    Raises:
        SealBroken: see ``Sealer.open``.
    """
    return private_key_from_bytes(sealer.open(context, sealed))
