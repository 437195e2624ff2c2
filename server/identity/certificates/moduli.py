"""The moduli in signers' certificates: for who compares them."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import Connection

from contract.certificate_parts import load_certificate
from mpc.four_prime_rsa import Purpose
from server.identity.store import certificates as store


def modulus_of(certificate: bytes) -> int | None:
    """The modulus of the key in a certificate (DER) that we issued; None if the key is no RSA key."""
    key = load_certificate(certificate).public_key()
    return key.public_numbers().n if isinstance(key, rsa.RSAPublicKey) else None


def signer_moduli(connection: Connection) -> Iterator[tuple[str, Purpose, int]]:
    """Account, purpose and modulus of every RSA key that was ever certified, read bit by bit."""
    for account, purpose, certificate in store.all_certificates(connection):
        modulus = modulus_of(certificate)
        if modulus is not None:
            yield account, purpose, modulus
