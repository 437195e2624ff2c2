"""A joint key with both its shares in one hand: for measuring and for nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from mpc.four_prime_rsa import (
    DecryptionShare,
    JointPublicKey,
    Purpose,
    Role,
    SigningShare,
    generate_key_share,
)


@dataclass(frozen=True, slots=True, eq=False)
class SigningPair:
    """Both signing shares of a joint key."""

    joint_key: JointPublicKey
    client: SigningShare
    server: SigningShare


@dataclass(frozen=True, slots=True, eq=False)
class DecryptionPair:
    """Both decryption shares of a joint key."""

    joint_key: JointPublicKey
    client: DecryptionShare
    server: DecryptionShare


def make_signing_pair(half_bits: int) -> SigningPair:
    """Make a fresh joint key for signing."""
    client, server = make_signing_share(Role.CLIENT, half_bits), make_signing_share(Role.SERVER, half_bits)
    return SigningPair(JointPublicKey(client.public, server.public), client, server)


def make_decryption_pair(half_bits: int) -> DecryptionPair:
    """Make a fresh joint key for decryption."""
    client = cast("DecryptionShare", generate_key_share(Role.CLIENT, Purpose.DECRYPT, half_bits))
    server = cast("DecryptionShare", generate_key_share(Role.SERVER, Purpose.DECRYPT, half_bits))
    return DecryptionPair(JointPublicKey(client.public, server.public), client, server)


def make_signing_share(role: Role, half_bits: int) -> SigningShare:
    """Make a fresh share; the purpose decides the type."""
    return cast("SigningShare", generate_key_share(role, Purpose.SIGN, half_bits))
