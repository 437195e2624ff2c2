"""What an attacker can make up who lacks a half: real tries at a signature, with all the numbers that there are."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
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


def forgeries(
    message: EncodedMessage, share: SigningShare, genuine_signature: bytes, stolen: Sequence[SigningShare] = ()
) -> list[Forgery]:
    """Try to sign ``message`` with one share of its key, and with shares of other keys.

    Args:
        message: what the other party never saw.
        share: the attacker's.
        genuine_signature: a joint signature of something else by the same key. Its residues are both partials of that
            other message, so either party knows them.
        stolen: halves of other people's keys, each to stand in for the other party's.
    """
    key, role = message.joint_key, share.public.role
    other = Role.SERVER if role is Role.CLIENT else Role.CLIENT
    other_modulus = key.share_of(other).modulus
    ours = create_partial_signature(share, message, Gmpy2Engine(), secrets.token_bytes).value

    def joined(theirs: int) -> int:
        return key.combine(ours, theirs) if role is Role.CLIENT else key.combine(theirs, ours)

    old_partial = int.from_bytes(genuine_signature, "big") % other_modulus

    def by_exponent_of(halves: Sequence[SigningShare]) -> int:
        exponent = gmpy2.invert(
            PUBLIC_EXPONENT, lcm(*(each - 1 for half in halves for each in (half.crt.p, half.crt.q)))
        )
        return int(gmpy2.powmod(message.representative, exponent, key.modulus))

    tries = {
        f"Its own half, joined with the {other}'s half of the genuine signature": joined(old_partial),
        f"Its own half, joined with the bare digest for the {other}'s half": joined(
            message.representative % other_modulus
        ),
        "Its own secret exponent, used on the whole modulus": by_exponent_of([share]),
    }
    for number, half in enumerate(stolen, start=1):
        exponent = gmpy2.invert(PUBLIC_EXPONENT, lcm(half.crt.p - 1, half.crt.q - 1))
        partial = int(gmpy2.powmod(message.representative, exponent, half.public.modulus))
        how = f"Its own half, joined with stolen half {number} in place of the {other}'s"
        tries[how] = joined(partial % other_modulus)
    if stolen:
        tries["The exponent of all stolen halves together, used on the whole modulus"] = by_exponent_of(
            [share, *stolen]
        )
    return [Forgery(how, value.to_bytes(key.byte_length, "big")) for how, value in tries.items()]
