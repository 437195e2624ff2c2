"""Two-party generations, step by step, so that a test can spoil what is sent between any two of them."""

from __future__ import annotations

from dataclasses import dataclass

from mpc.four_prime_rsa import (
    ClientCommitment,
    GenerationTerms,
    JointPublicKey,
    KeyShare,
    Opening,
    Purpose,
    Role,
    answer_commitment,
    check_opening,
    commit_to_share,
    generate_key_share,
    open_commitment,
)
from tests.mpc.parties import ENGINE, RANDOM

KEY_ID = "key-" + "a" * 26


@dataclass(frozen=True)
class Generation:
    """What both sides have after the server's answer. Frozen: a test spoils a copy (``dataclasses.replace``)."""

    commitment: ClientCommitment
    terms: GenerationTerms
    server_share: KeyShare
    server_modulus: bytes
    server_roots: list[bytes]

    def open(self) -> Opening:
        """The client's second step."""
        return open_commitment(self.commitment, self.terms, self.server_modulus, self.server_roots, ENGINE, RANDOM)

    def check(self, opening: Opening) -> JointPublicKey:
        """The server's last step."""
        return check_opening(self.terms, self.server_share.public, opening.modulus, opening.nonce, opening.roots)


def generation(
    purpose: Purpose = Purpose.SIGN,
    half_bits: int = 2048,
    *,
    client: KeyShare | None = None,
    server: KeyShare | None = None,
    key_id: str = KEY_ID,
    replaced: JointPublicKey | None = None,
) -> Generation:
    """Go up to the server's answer, with fresh shares or given ones; a re-key if a replaced key is given."""
    client = client or generate_key_share(Role.CLIENT, purpose, half_bits)
    server = server or generate_key_share(Role.SERVER, purpose, half_bits)
    commitment = commit_to_share(client, RANDOM)
    terms = GenerationTerms(key_id, purpose, half_bits, commitment.commitment, replaced)
    roots = answer_commitment(terms, server, ENGINE, RANDOM)
    return Generation(commitment, terms, server, server.public.to_bytes(), roots)
