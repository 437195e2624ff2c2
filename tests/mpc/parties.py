"""Both parties of a joint key in one process, with everything that travels in its encoded form."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from mpc.engines import Engine, Gmpy2Engine
from mpc.four_prime_rsa import (
    Ciphertext,
    DecryptionShare,
    EncodedMessage,
    JointPublicKey,
    OaepParameters,
    Purpose,
    Role,
    SignatureAlgorithm,
    SigningShare,
    check_joint_signature,
    combine_decryption,
    combine_signature,
    create_partial_decryption,
    create_partial_signature,
    generate_key_share,
    parse_partial_decryption,
    parse_partial_signature,
)

ENGINE: Final[Engine] = Gmpy2Engine()
RANDOM: Final = secrets.token_bytes


def signing_share(role: Role, half_bits: int = 2048) -> SigningShare:
    """Make a new signing share."""
    share = generate_key_share(role, Purpose.SIGN, half_bits)
    assert isinstance(share, SigningShare)
    return share


def decryption_share(role: Role, half_bits: int = 2048) -> DecryptionShare:
    """Make a new decryption share."""
    share = generate_key_share(role, Purpose.DECRYPT, half_bits)
    assert isinstance(share, DecryptionShare)
    return share


@dataclass(frozen=True)
class Signers:
    """The two parties of a joint key for signing."""

    client: SigningShare
    server: SigningShare

    @property
    def key(self) -> JointPublicKey:
        """The joint public key."""
        return JointPublicKey(self.client.public, self.server.public)

    def share(self, role: Role) -> SigningShare:
        """The share of that party."""
        return self.client if role is Role.CLIENT else self.server

    def message(self, algorithm: SignatureAlgorithm, digest: bytes | None = None) -> EncodedMessage:
        """A digest (by default a random one) encoded with a fresh salt."""
        digest = RANDOM(algorithm.hash.digest_size) if digest is None else digest
        return EncodedMessage(self.key, algorithm, digest, RANDOM(algorithm.salt_length))

    def sign(self, message: EncodedMessage) -> bytes:
        """Sign as client and server do over the wire."""
        made = create_partial_signature(self.client, message, ENGINE, RANDOM)
        theirs = parse_partial_signature(message, Role.CLIENT, made.to_bytes())
        ours = create_partial_signature(self.server, message, ENGINE, RANDOM)
        signature = combine_signature(message, theirs, ours)
        check_joint_signature(made, signature)
        return signature


@dataclass(frozen=True)
class Decrypters:
    """The two parties of a joint key for decryption."""

    client: DecryptionShare
    server: DecryptionShare

    @property
    def key(self) -> JointPublicKey:
        """The joint public key."""
        return JointPublicKey(self.client.public, self.server.public)

    def share(self, role: Role) -> DecryptionShare:
        """The share of that party."""
        return self.client if role is Role.CLIENT else self.server

    def decrypt(self, data: bytes, parameters: OaepParameters) -> bytes:
        """Decrypt as client and server do over the wire."""
        ciphertext = Ciphertext(self.key, data)
        sent = create_partial_decryption(self.server, ciphertext, ENGINE, RANDOM).to_bytes()
        theirs = parse_partial_decryption(ciphertext, Role.SERVER, sent)
        ours = create_partial_decryption(self.client, ciphertext, ENGINE, RANDOM)
        return combine_decryption(ciphertext, ours, theirs, parameters)
