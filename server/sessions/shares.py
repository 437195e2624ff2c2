"""A session's two shares: their names in custody, how they are made, their public halves.

Both are made anew for every session and used for nothing else. The signing share is erased when the session closes; the
decryption share stays, so that what was sent can be opened later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from contract.session_keys import session_certification_context
from mpc.engines import Random
from mpc.four_prime_rsa import PublicShare, Purpose, Role
from mpc.four_prime_rsa.certification import certify_modulus
from server.custody import OpenedShare, ShareCustody, ShareEngine
from server.sessions.store.sessions import Session


@dataclass(frozen=True, slots=True)
class MadeShare:
    """A new session share, and the certification of its modulus."""

    share: OpenedShare
    roots: Sequence[bytes] = field(repr=False)

    @property
    def public(self) -> PublicShare:
        """Its public half."""
        return self.share.public


def share_name(session_id: str, purpose: Purpose) -> str:
    """The name of a session's share in custody and in the journal: the session id with ".sign" or ".decrypt"."""
    return f"{session_id}.{purpose}"


def make_share(
    shares: ShareCustody, session_id: str, purpose: Purpose, half_bits: int, engine: ShareEngine, random: Random
) -> MadeShare:
    """Take a new share, and certify it. Takes from some 10 ms to some seconds if none is ready."""
    share = shares.take(share_name(session_id, purpose), purpose, half_bits)
    roots = certify_modulus(share, session_certification_context(session_id, purpose), engine, random)
    return MadeShare(share, roots)


def public_share(session: Session, purpose: Purpose) -> PublicShare:
    """The public half of one of a session's shares."""
    modulus = session.sign_modulus if purpose is Purpose.SIGN else session.encrypt_modulus
    return PublicShare.from_bytes(Role.SERVER, purpose, modulus)


def split_roots(session: Session, roots: bytes) -> list[bytes]:
    """The roots of a certification, as they stand in a session's row."""
    size = session.half_bits // 8
    return [roots[start : start + size] for start in range(0, len(roots), size)]
