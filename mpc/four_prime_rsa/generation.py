"""Two-party generation of a joint key, with a commitment so that neither modulus can depend on the other.

::

    client                                               server
    commitment = commit_to_share(share)
                        -- commitment -->
                                                         chooses key id, makes its share
                                                         roots = answer_commitment(terms, share)
                        <-- key id, N_server, roots --
    opening = open_commitment(commitment, terms, ...)
                        -- N_client, nonce, roots -->
                                                         joint_key = check_opening(terms, ...)
                        <-- key --

The client fixes N_client before it sees N_server; the server chooses N_server while N_client is hidden. Both proofs
(``certification``) are bound to the whole of what was agreed: terms, commitment, N_server. So neither is a replay, and
a proof cannot be made before the other party has spoken. The commitment is to the modulus alone: a proof bound to the
commitment cannot stand inside it, and could not be made earlier anyhow (docs/adr/0003).

Each step raises an error that names the culprit, and changes nothing: the caller then aborts, and throws its share
away. A share is made for one generation and never used for a second one, with one exception.

A re-key is a generation in which the client brings its share of an older key, the replaced one, and the server a fresh
half (docs/adr/0024). Terms name the replaced key, so both proofs are bound to it; the client opens exactly its modulus
of then, and takes no server half that has a prime of the one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hmac import compare_digest
from math import gcd
from typing import Any, Final

from mpc.engines.interface import Engine, Exponentiator, Random
from mpc.errors import MalformedInput, PeerMisbehaved, blaming
from mpc.four_prime_rsa.certification import certify_modulus, check_certification
from mpc.four_prime_rsa.half import Half
from mpc.four_prime_rsa.integers import hash_fields
from mpc.four_prime_rsa.joint_key import JointPublicKey
from mpc.four_prime_rsa.key_share import KeyShare
from mpc.four_prime_rsa.public_share import PublicShare, admit_foreign_share
from mpc.four_prime_rsa.roles import Purpose, Role
from mpc.secret import Secret

_COMMITMENT_DOMAIN: Final = "fourseal/v1/generation/commitment"
_TRANSCRIPT_DOMAIN: Final = "fourseal/v1/generation/transcript"
COMMITMENT_BYTES: Final = 32
"""Length of a commitment, SHA-256."""
NONCE_BYTES: Final = 32
"""Length of the random string that hides a committed modulus."""


@dataclass(frozen=True, slots=True)
class GenerationTerms:
    """What both parties must agree on. Public.

    Args:
        key_id: the server's name for the key.
        purpose: what the key will do.
        half_bits: size of each half.
        client_commitment: 32 bytes.
        replaced: for a re-key: the key whose client share is used again.

    Raises:
        MalformedInput: COMMITMENT_MALFORMED; REKEY_DIFFERS: the replaced key has another purpose or size.
    """

    key_id: str
    purpose: Purpose
    half_bits: int
    client_commitment: bytes
    replaced: JointPublicKey | None = None

    def __post_init__(self) -> None:
        _require_length("COMMITMENT_MALFORMED", "commitment", self.client_commitment, COMMITMENT_BYTES)
        old = self.replaced
        if old is not None and (old.purpose, old.half_bits) != (self.purpose, self.half_bits):
            raise MalformedInput(
                "REKEY_DIFFERS",
                f"a key for {self.purpose} with halves of {self.half_bits} bits cannot replace one for {old.purpose}"
                f" with halves of {old.half_bits}",
                purpose=old.purpose.value,
                half_bits=old.half_bits,
            )

    def transcript(self, server_modulus: bytes) -> bytes:
        """What both proofs are bound to: SHA-256 over terms and N_server, and N_server of a replaced key."""
        return hash_fields(
            _TRANSCRIPT_DOMAIN,
            self.key_id.encode(),
            self.purpose.encode(),
            self.half_bits.to_bytes(4, "big"),
            self.client_commitment,
            server_modulus,
            *(() if self.replaced is None else (self.replaced.server.to_bytes(),)),
        )


class ClientCommitment(Secret):
    """The client's state between its two messages: its share, and the nonce that opens the commitment."""

    __slots__ = ("commitment", "nonce", "share")

    def __init__(self, share: KeyShare, nonce: bytes) -> None:
        """Take the client's share and 32 random bytes; the commitment follows from them."""
        self.share = share
        self.nonce = nonce
        self.commitment = _commit(share.public, nonce)

    def _public_summary(self) -> str:
        return f"commitment={self.commitment.hex()}"


@dataclass(frozen=True, slots=True)
class Opening:
    """The client's second message, with the joint key that comes of it. Public once it is sent.

    ``modulus`` is N_client and ``roots`` its certification, big-endian, each exactly the length of N_client.
    """

    joint_key: JointPublicKey
    modulus: bytes
    nonce: bytes
    roots: list[bytes]


def commit_to_share(share: KeyShare, random: Random) -> ClientCommitment:
    """First step of the client: commit to the modulus of a share of role client: a fresh one, or a replaced key's."""
    return ClientCommitment(share, random(NONCE_BYTES))


def answer_commitment(
    terms: GenerationTerms, server_half: Half, engine: Exponentiator[Any], random: Random
) -> list[bytes]:
    """Step of the server: certify the modulus of a fresh half for exactly these terms.

    Returns:
        Nine roots, eight of a half in a token, to be sent with the modulus.

    Raises:
        MalformedInput: SHARE_OF_OTHER_KEY: the share does not fit the terms.
        FaultDetected: see ``certify_modulus``.
    """
    _require_share(terms, server_half.public, Role.SERVER)
    return certify_modulus(server_half, terms.transcript(server_half.public.to_bytes()), engine, random)


def open_commitment(
    client: ClientCommitment,
    terms: GenerationTerms,
    server_modulus: bytes,
    server_roots: Sequence[bytes],
    engine: Engine,
    random: Random,
) -> Opening:
    """Second step of the client: check what the server sent, and make the opening.

    Raises:
        MalformedInput: SHARE_OF_OTHER_KEY, COMMITMENT_NOT_OURS: the terms are not those of our commitment.
        PeerMisbehaved: the server's modulus or proof is malformed or does not hold; MODULUS_SHARES_PRIME: it is no new
            one, in a re-key; the culprit is the server.
        FaultDetected: see ``certify_modulus``.
    """
    _require_share(terms, client.share.public, Role.CLIENT)
    if terms.replaced is not None and client.share.public != terms.replaced.client:
        raise MalformedInput("SHARE_OF_OTHER_KEY", "the client share is not the one of the key that is to be replaced")
    if not compare_digest(terms.client_commitment, client.commitment):
        raise MalformedInput("COMMITMENT_NOT_OURS", "the terms carry another commitment than ours")
    transcript = terms.transcript(server_modulus)
    with blaming(Role.SERVER):
        server = admit_foreign_share(Role.SERVER, terms.purpose, terms.half_bits, server_modulus)
        check_certification(server, transcript, server_roots)
        joint_key = JointPublicKey(client.share.public, server)
    _require_new(terms, server)
    roots = certify_modulus(client.share, transcript, engine, random)
    return Opening(joint_key, client.share.public.to_bytes(), client.nonce, roots)


def check_opening(
    terms: GenerationTerms, server: PublicShare, client_modulus: bytes, nonce: bytes, client_roots: Sequence[bytes]
) -> JointPublicKey:
    """Last step of the server: check the client's opening.

    Args:
        terms: as the server answered them.
        server: the public share it answered with.
        client_modulus: big-endian, exactly half_bits / 8 bytes.
        nonce: 32 bytes.
        client_roots: nine, each exactly half_bits / 8 bytes.

    Raises:
        MalformedInput: SHARE_OF_OTHER_KEY: the server's own share does not fit the terms.
        PeerMisbehaved: COMMITMENT_NOT_OPENED; CLIENT_MODULUS_OTHER: not that of the replaced key, in a re-key; or the
            modulus, nonce or proof is malformed or does not hold; the culprit is the client.
    """
    _require_share(terms, server, Role.SERVER)
    with blaming(Role.CLIENT):
        _require_length("NONCE_MALFORMED", "nonce", nonce, NONCE_BYTES)
        client = admit_foreign_share(Role.CLIENT, terms.purpose, terms.half_bits, client_modulus)
    if not compare_digest(_commit(client, nonce), terms.client_commitment):
        raise PeerMisbehaved(
            "COMMITMENT_NOT_OPENED", "the client's modulus is not the one it committed to", culprit=Role.CLIENT
        )
    if terms.replaced is not None and client != terms.replaced.client:
        raise PeerMisbehaved(
            "CLIENT_MODULUS_OTHER",
            "the client's modulus is not the one of the key that is to be replaced",
            culprit=Role.CLIENT,
        )
    with blaming(Role.CLIENT):
        joint_key = JointPublicKey(client, server)
        check_certification(client, terms.transcript(server.to_bytes()), client_roots)
    return joint_key


def _commit(share: PublicShare, nonce: bytes) -> bytes:
    return hash_fields(
        _COMMITMENT_DOMAIN,
        share.role.encode(),
        share.purpose.encode(),
        share.half_bits.to_bytes(4, "big"),
        share.to_bytes(),
        nonce,
    )


def _require_share(terms: GenerationTerms, share: PublicShare, role: Role) -> None:
    if (share.role, share.purpose, share.half_bits) != (role, terms.purpose, terms.half_bits):
        raise MalformedInput("SHARE_OF_OTHER_KEY", f"the {role} share does not fit the terms of the generation")


def _require_new(terms: GenerationTerms, server: PublicShare) -> None:
    if terms.replaced is not None and gcd(server.modulus, terms.replaced.server.modulus) != 1:
        raise PeerMisbehaved(
            "MODULUS_SHARES_PRIME",
            "the server modulus is the one of the key that is to be replaced, or shares a prime with it",
            culprit=Role.SERVER,
        )


def _require_length(reason: str, what: str, data: bytes, length: int) -> None:
    if len(data) != length:
        raise MalformedInput(
            reason, f"the {what} has {len(data)} bytes, must have {length}", expected=length, found=len(data)
        )
