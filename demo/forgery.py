"""What one party alone can make up: real tries at a signature, with the numbers that this party has."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from math import lcm

import gmpy2

from mpc.engines import Gmpy2Engine
from mpc.four_prime_rsa import PUBLIC_EXPONENT, EncodedMessage, Role, SigningShare, create_partial_signature


@dataclass(frozen=True, slots=True)
class Forgery:
    """A would-be signature. ``how`` says how it was made up."""

    how: str
    signature: bytes


def forgeries(message: EncodedMessage, share: SigningShare, genuine_signature: bytes) -> list[Forgery]:
    """Try to sign ``message`` with one share.

    Args:
        message: what the other party never saw.
        share: the attacker's.
        genuine_signature: a joint signature of something else by the same key. Its residues are both partials of that
            other message, so either party knows them.
    """
    key, role = message.joint_key, share.public.role
    other = Role.SERVER if role is Role.CLIENT else Role.CLIENT
    other_modulus = key.share_of(other).modulus
    ours = create_partial_signature(share, message, Gmpy2Engine(), secrets.token_bytes).value

    def joined(theirs: int) -> int:
        return key.combine(ours, theirs) if role is Role.CLIENT else key.combine(theirs, ours)

    old_partial = int.from_bytes(genuine_signature, "big") % other_modulus
    own_exponent = gmpy2.invert(PUBLIC_EXPONENT, lcm(share.crt.p - 1, share.crt.q - 1))
    tries = {
        f"Its own half, joined with the {other}'s half of the genuine signature": joined(old_partial),
        f"Its own half, joined with the bare digest for the {other}'s half": joined(
            message.representative % other_modulus
        ),
        "Its own secret exponent, used on the whole modulus": int(
            gmpy2.powmod(message.representative, own_exponent, key.modulus)
        ),
    }
    return [Forgery(how, value.to_bytes(key.byte_length, "big")) for how, value in tries.items()]
