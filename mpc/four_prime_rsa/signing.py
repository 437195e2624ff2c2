"""Joint signing: encode, two partial signatures, combine.

::

    message = EncodedMessage(joint_key, algorithm, digest, salt)             both parties, each by itself
    partial = create_partial_signature(our_share, message, engine, random)   both parties
    theirs  = parse_partial_signature(message, role, data)                   who combines
    signature = combine_signature(message, client_partial, server_partial)   who combines
    check_joint_signature(ours, signature)                                   who receives

A signing share works on an ``EncodedMessage`` only, and that encodes itself: no number that somebody sent can be
signed. Every partial signature that exists as an object was checked (``partials.Partial``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gmpy2 import mpz

from mpc.engines.interface import Exponentiator, Random
from mpc.errors import FaultDetected, MalformedInput, PeerMisbehaved, WrongPurpose
from mpc.four_prime_rsa.algorithms import SignatureAlgorithm, SignaturePadding
from mpc.four_prime_rsa.encodings import pkcs1_v1_5, pss
from mpc.four_prime_rsa.half import SigningHalf
from mpc.four_prime_rsa.integers import integer_to_bytes
from mpc.four_prime_rsa.joint_key import JointPublicKey
from mpc.four_prime_rsa.partials import MadeOfPartial, Partial, compute_partials, is_partial, parse_partial
from mpc.four_prime_rsa.roles import Purpose, Role


@dataclass(frozen=True, slots=True)
class EncodedMessage:
    """A digest, padded for one joint key: what both parties sign. Public.

    Args:
        joint_key: a key for signing.
        algorithm: padding and hash.
        digest: of the document, exactly the hash's length.
        salt: PSS: exactly the hash's length, fresh for every signature; PKCS#1 v1.5: empty.

    Raises:
        WrongPurpose: the key is for decryption.
        MalformedInput: DIGEST_LENGTH_WRONG, SALT_LENGTH_WRONG.
    """

    joint_key: JointPublicKey
    algorithm: SignatureAlgorithm
    digest: bytes
    salt: bytes
    representative: int = field(init=False, repr=False)
    """The padded digest as a number, EM: 0 <= EM < N, usually above N_client and N_server."""

    def __post_init__(self) -> None:
        self.joint_key.require(Purpose.SIGN)
        number = encode_digest(self.algorithm, self.digest, self.salt, self.joint_key.modulus.bit_length())
        object.__setattr__(self, "representative", number)


def encode_digest(algorithm: SignatureAlgorithm, digest: bytes, salt: bytes, modulus_bits: int) -> int:
    """Pad a digest for a modulus of that many bits: the number EM that is signed, below the modulus.

    Raises:
        MalformedInput: DIGEST_LENGTH_WRONG, SALT_LENGTH_WRONG.
    """
    _require_length("digest", digest, algorithm.hash.digest_size)
    _require_length("salt", salt, algorithm.salt_length)
    if algorithm.padding is SignaturePadding.PSS:
        return int.from_bytes(pss.encode(digest, salt, algorithm.hash, modulus_bits - 1), "big")
    return int.from_bytes(pkcs1_v1_5.encode(digest, algorithm.hash, (modulus_bits + 7) // 8), "big")


@dataclass(frozen=True, slots=True)
class PartialSignature(MadeOfPartial):
    """EM^(d_i) mod N_i, checked. From ``create_partial_signature`` or ``parse_partial_signature``.

    Not secret from the peer; kept in the server's record as proof that the client's share was used.

    Args:
        message: what is signed.
        partial: of its representative, by one of its key's shares.

    Raises:
        MalformedInput: PARTIALS_MISMATCHED: the partial is of something else.
    """

    message: EncodedMessage
    partial: Partial

    def __post_init__(self) -> None:
        _require_same(
            self.partial.number == self.message.representative
            and self.partial.public == self.message.joint_key.share_of(self.role)
        )


def create_partial_signature(
    half: SigningHalf, message: EncodedMessage, engine: Exponentiator[Any], random: Random
) -> PartialSignature:
    """Sign with our own half. Raises as ``create_partial_signatures``."""
    return create_partial_signatures([(half, message)], engine, random)[0]


def create_partial_signatures(
    wishes: Sequence[tuple[SigningHalf, EncodedMessage]], engine: Exponentiator[Any], random: Random
) -> list[PartialSignature]:
    """Sign with our own halves, a message with each.

    Raises:
        WrongPurpose: not one for signing.
        MalformedInput: SHARE_OF_OTHER_KEY: it is no half of the message's joint key.
        FaultDetected: one of the results did not hold; nothing is released.
    """
    for half, message in wishes:
        if not isinstance(half, SigningHalf):  # the type says so; a caller without a type checker is stopped here
            raise WrongPurpose(wanted=Purpose.SIGN, found=half.purpose)
        if message.joint_key.share_of(half.public.role) != half.public:
            raise MalformedInput("SHARE_OF_OTHER_KEY", "the share is no half of this joint key")
    numbers = [(half, message.representative) for half, message in wishes]
    partials = compute_partials(numbers, engine, random, what="partial signature")
    return [PartialSignature(message, partial) for (_, message), partial in zip(wishes, partials, strict=True)]


def parse_partial_signature(message: EncodedMessage, role: Role, data: bytes) -> PartialSignature:
    """Read and check the other party's partial signature of ``message``.

    Args:
        message: as we encoded it ourselves.
        role: whose partial it is said to be.
        data: big-endian, exactly the length of N_i.

    Raises:
        MalformedInput: PARTIAL_MALFORMED.
        PeerMisbehaved: PARTIAL_SIGNATURE_INVALID; the culprit is ``role``.
    """
    public = message.joint_key.share_of(role)
    return PartialSignature(message, parse_partial(public, message.representative, data, what="partial signature"))


def combine_signature(message: EncodedMessage, client: PartialSignature, server: PartialSignature) -> bytes:
    """Combine two checked partials into the joint signature, and check that.

    Returns:
        The signature, big-endian, exactly the length of N.

    Raises:
        MalformedInput: PARTIALS_MISMATCHED: a partial is of another message or party.
        FaultDetected: the combination does not hold, though both partials do.
    """
    _require_same(
        (client.role, server.role) == (Role.CLIENT, Role.SERVER) and client.message == server.message == message
    )
    key = message.joint_key
    value = key.combine(client.value, server.value)
    if not key.has_residues(value, client.value, server.value):
        raise FaultDetected("joint signature")
    return integer_to_bytes(value, key.byte_length)


def check_joint_signature(ours: PartialSignature, signature: bytes) -> None:
    """Check the joint signature that the server returned for exactly the message of our partial signature.

    It is a root of the message mod our N_i when its residue is our partial, which was checked; mod the server's it is
    tried out.

    Args:
        ours: the client's partial signature of that message.
        signature: what the server returned.

    Raises:
        MalformedInput: PARTIALS_MISMATCHED: the partial signature is the server's.
        PeerMisbehaved: JOINT_SIGNATURE_INVALID; the server is to blame, for it combined.
    """
    _require_same(ours.role is Role.CLIENT)
    message, public = ours.message, ours.partial.public
    key = message.joint_key
    value = int.from_bytes(signature, "big")
    holds = (
        len(signature) == key.byte_length
        and value < key.modulus
        and mpz(value) % public.modulus == ours.value
        and is_partial(key.server, message.representative, int(mpz(value) % key.server.modulus))
    )
    if not holds:
        raise PeerMisbehaved(
            "JOINT_SIGNATURE_INVALID", "the server's joint signature does not hold", culprit=Role.SERVER
        )


def _require_same(same: bool) -> None:  # noqa: FBT001  # an assertion, read as a sentence
    if not same:
        raise MalformedInput("PARTIALS_MISMATCHED", "the partial signatures are not the two of this message")


def _require_length(what: str, data: bytes, length: int) -> None:
    if len(data) != length:
        raise MalformedInput(
            f"{what.upper()}_LENGTH_WRONG",
            f"the {what} has {len(data)} bytes, the algorithm wants {length}",
            expected=length,
            found=len(data),
        )
