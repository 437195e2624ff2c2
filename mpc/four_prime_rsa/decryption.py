"""Joint decryption: two partial decryptions of a ciphertext, combined and unpadded by the client.

::

    ciphertext = Ciphertext(joint_key, data)                                        both parties
    partial = create_partial_decryption(our_share, ciphertext, engine, random)      both parties
    theirs = parse_partial_decryption(ciphertext, Role.SERVER, data)                the client
    plaintext = combine_decryption(ciphertext, ours, theirs, oaep)                  the client

The server never sees the padded message. Whether a caller may have this ciphertext decrypted is for the caller of this
module to decide, before ``create_partial_decryption``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mpc.engines.interface import Exponentiator, Random
from mpc.errors import FaultDetected, MalformedInput, WrongPurpose
from mpc.four_prime_rsa.algorithms import OaepParameters
from mpc.four_prime_rsa.encodings import oaep
from mpc.four_prime_rsa.half import DecryptionHalf
from mpc.four_prime_rsa.integers import integer_from_bytes, integer_to_bytes
from mpc.four_prime_rsa.joint_key import JointPublicKey
from mpc.four_prime_rsa.partials import MadeOfPartial, Partial, compute_partial, parse_partial
from mpc.four_prime_rsa.roles import Purpose, Role


@dataclass(frozen=True, slots=True)
class Ciphertext:
    """An RSAES-OAEP ciphertext under a joint key, well-formed. Public.

    Args:
        joint_key: a key for decryption.
        data: big-endian, exactly the length of N.

    Raises:
        WrongPurpose: the key is for signing.
        MalformedInput: CIPHERTEXT_MALFORMED: wrong length, not in 0 < c < N, or sharing a factor with N. That is
            seen by anybody who looks at the bytes, and so tells nothing of the padding.
    """

    joint_key: JointPublicKey
    data: bytes
    value: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        key = self.joint_key
        key.require(Purpose.DECRYPT)
        value = integer_from_bytes(self.data, key.byte_length, reason="CIPHERTEXT_MALFORMED", what="the ciphertext")
        if not 0 < value < key.modulus or not key.is_coprime(value):
            raise MalformedInput("CIPHERTEXT_MALFORMED", "the ciphertext is no number that this key encrypts to")
        object.__setattr__(self, "value", value)


@dataclass(frozen=True, slots=True)
class PartialDecryption(MadeOfPartial):
    """c^(d_i) mod N_i, checked. From ``create_partial_decryption`` or ``parse_partial_decryption``.

    Security: the server's partial, together with the client's share, opens this one ciphertext; for the caller alone.

    Args:
        ciphertext: what is decrypted.
        partial: of its number, by one of its key's shares.

    Raises:
        MalformedInput: PARTIALS_MISMATCHED: the partial is of something else.
    """

    ciphertext: Ciphertext
    partial: Partial = field(repr=False)

    def __post_init__(self) -> None:
        _require_same(
            self.partial.number == self.ciphertext.value
            and self.partial.public == self.ciphertext.joint_key.share_of(self.role)
        )


def create_partial_decryption(
    half: DecryptionHalf, ciphertext: Ciphertext, engine: Exponentiator[Any], random: Random
) -> PartialDecryption:
    """Decrypt with our own half.

    Raises:
        WrongPurpose: not one for decryption.
        MalformedInput: SHARE_OF_OTHER_KEY: it is no half of the ciphertext's joint key.
        FaultDetected: the result did not hold; nothing is released.
    """
    if not isinstance(half, DecryptionHalf):  # the type says so; a caller without a type checker is stopped here
        raise WrongPurpose(wanted=Purpose.DECRYPT, found=half.purpose)
    if ciphertext.joint_key.share_of(half.public.role) != half.public:
        raise MalformedInput("SHARE_OF_OTHER_KEY", "the share is no half of this joint key")
    partial = compute_partial(half, ciphertext.value, engine, random, what="partial decryption")
    return PartialDecryption(ciphertext, partial)


def parse_partial_decryption(ciphertext: Ciphertext, role: Role, data: bytes) -> PartialDecryption:
    """Read and check the other party's partial decryption.

    Args:
        ciphertext: what was to be decrypted.
        role: whose partial it is said to be.
        data: big-endian, exactly the length of N_i.

    Raises:
        MalformedInput: PARTIAL_MALFORMED.
        PeerMisbehaved: PARTIAL_DECRYPTION_INVALID; the culprit is ``role``.
    """
    public = ciphertext.joint_key.share_of(role)
    return PartialDecryption(ciphertext, parse_partial(public, ciphertext.value, data, what="partial decryption"))


def combine_decryption(
    ciphertext: Ciphertext, client: PartialDecryption, server: PartialDecryption, parameters: OaepParameters
) -> bytes:
    """Combine two checked partials and take the OAEP padding off.

    Returns:
        The plaintext, secret.

    Raises:
        MalformedInput: PARTIALS_MISMATCHED: a partial is of another ciphertext or party.
        FaultDetected: the combination does not hold, though both partials do.
        DecryptionFailed: for every failure of the padding.
    """
    _require_same(
        (client.role, server.role) == (Role.CLIENT, Role.SERVER)
        and client.ciphertext == server.ciphertext == ciphertext
    )
    key = ciphertext.joint_key
    value = key.combine(client.value, server.value)
    if not key.has_residues(value, client.value, server.value):
        raise FaultDetected("joint decryption")
    return oaep.decode(integer_to_bytes(value, key.byte_length), parameters)


def _require_same(same: bool) -> None:  # noqa: FBT001  # an assertion, read as a sentence
    if not same:
        raise MalformedInput("PARTIALS_MISMATCHED", "the partial decryptions are not the two of this ciphertext")
