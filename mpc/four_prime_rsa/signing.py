"""Joint signing: encode, two partial signatures, combine.

::

    message = EncodedMessage(joint_key, algorithm, digest, salt)             both parties, each by itself
    partial = create_partial_signature(our_share, message, engine, random)   both parties
    theirs  = parse_partial_signature(message, role, data)                   who combines
    signature = combine_signature(message, client_partial, server_partial)   who combines
    check_joint_signature(message, signature)                                who receives

A signing share works on an ``EncodedMessage`` only, and that encodes itself: no number that somebody sent can be
signed. Every partial signature that exists as an object was checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mpc.engines.interface import Engine, Random
from mpc.errors import FaultDetected, MalformedInput, PeerMisbehaved, WrongPurpose
from mpc.four_prime_rsa.algorithms import SignatureAlgorithm, SignaturePadding
from mpc.four_prime_rsa.encodings import pkcs1_v1_5, pss
from mpc.four_prime_rsa.integers import integer_to_bytes
from mpc.four_prime_rsa.joint_key import JointPublicKey
from mpc.four_prime_rsa.key_share import SigningShare
from mpc.four_prime_rsa.partials import compute_partials, parse_partial
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
        _require_length("digest", self.digest, self.algorithm.hash.digest_size)
        _require_length("salt", self.salt, self.algorithm.salt_length)
        if self.algorithm.padding is SignaturePadding.PSS:
            encoded = pss.encode(self.digest, self.salt, self.algorithm.hash, self.joint_key.modulus.bit_length() - 1)
        else:
            encoded = pkcs1_v1_5.encode(self.digest, self.algorithm.hash, self.joint_key.byte_length)
        object.__setattr__(self, "representative", int.from_bytes(encoded, "big"))


@dataclass(frozen=True, slots=True)
class PartialSignature:
    """EM^(d_i) mod N_i, checked. From ``create_partial_signature`` or ``parse_partial_signature`` only.

    Not secret from the peer; kept in the server's record as proof that the client's share was used.
    """

    message: EncodedMessage
    role: Role
    value: int

    def to_bytes(self) -> bytes:
        """Big-endian, exactly the length of N_i."""
        return integer_to_bytes(self.value, self.message.joint_key.share_of(self.role).byte_length)


def create_partial_signature(
    share: SigningShare, message: EncodedMessage, engine: Engine, random: Random
) -> PartialSignature:
    """Sign with our own share. Raises as ``create_partial_signatures``."""
    return create_partial_signatures([(share, message)], engine, random)[0]


def create_partial_signatures(
    wishes: Sequence[tuple[SigningShare, EncodedMessage]], engine: Engine, random: Random
) -> list[PartialSignature]:
    """Sign with our own shares, a message with each.

    Raises:
        WrongPurpose: not a signing share.
        MalformedInput: SHARE_OF_OTHER_KEY: the share is no half of the message's joint key.
        FaultDetected: one of the results did not hold; nothing is released.
    """
    for share, message in wishes:
        if not isinstance(share, SigningShare):  # the type says so; a caller without a type checker is stopped here
            raise WrongPurpose(wanted=Purpose.SIGN, found=share.purpose)
        if message.joint_key.share_of(share.public.role) != share.public:
            raise MalformedInput("SHARE_OF_OTHER_KEY", "the share is no half of this joint key")
    numbers = [(share, message.representative) for share, message in wishes]
    values = compute_partials(numbers, engine, random, what="partial signature")
    return [
        PartialSignature(message, share.public.role, value)
        for (share, message), value in zip(wishes, values, strict=True)
    ]


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
    value = parse_partial(public, message.representative, data, what="partial signature")
    return PartialSignature(message, role, value)


def combine_signature(message: EncodedMessage, client: PartialSignature, server: PartialSignature) -> bytes:
    """Combine two checked partials into the joint signature, and check that.

    Returns:
        The signature, big-endian, exactly the length of N.

    Raises:
        MalformedInput: PARTIALS_MISMATCHED: a partial is of another message or party.
        FaultDetected: the combination does not hold, though both partials do.
    """
    if (client.role, server.role) != (Role.CLIENT, Role.SERVER) or not client.message == server.message == message:
        raise MalformedInput("PARTIALS_MISMATCHED", "the partial signatures are not the two of this message")
    key = message.joint_key
    value = key.combine(client.value, server.value)
    if not key.is_root(value, message.representative):
        raise FaultDetected("joint signature")
    return integer_to_bytes(value, key.byte_length)


def check_joint_signature(message: EncodedMessage, signature: bytes) -> None:
    """Check the joint signature that the server returned for exactly this message.

    Raises:
        PeerMisbehaved: JOINT_SIGNATURE_INVALID; the server is to blame, for it combined.
    """
    key = message.joint_key
    value = int.from_bytes(signature, "big")
    if len(signature) != key.byte_length or value >= key.modulus or not key.is_root(value, message.representative):
        raise PeerMisbehaved(
            "JOINT_SIGNATURE_INVALID", "the server's joint signature does not hold", culprit=Role.SERVER
        )


def _require_length(what: str, data: bytes, length: int) -> None:
    if len(data) != length:
        raise MalformedInput(
            f"{what.upper()}_LENGTH_WRONG",
            f"the {what} has {len(data)} bytes, the algorithm wants {length}",
            expected=length,
            found=len(data),
        )
