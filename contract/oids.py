"""Object identifiers of our certificate extension and extended key usages, under one private arc."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from cryptography.x509 import ObjectIdentifier

from mpc.errors import MalformedInput

_DOTTED: Final = re.compile(r"[0-2](\.(0|[1-9][0-9]{0,38})){1,20}", re.ASCII)  # 39 digits: a UUID as an integer
_LONGEST_SUFFIX: Final = ".9"

SIGNER_SIGN_NUMBER: Final = 4
"""What follows the arc in ``Arc.signer_sign``."""
LOG_NUMBER: Final = 8
"""What follows the arc in ``Arc.log``."""


@dataclass(frozen=True, slots=True)
class Arc:
    """The arc that an installation uses. Every party of a session must use the same.

    Args:
        arc: in dotted form, such as "1.3.6.1.4.1.<enterprise number>.<whatever>"; without a leading or trailing dot.

    Raises:
        MalformedInput: ARC_MALFORMED.
    """

    arc: str

    def __post_init__(self) -> None:
        if not _DOTTED.fullmatch(self.arc):
            raise _malformed()
        try:
            ObjectIdentifier(self.arc + _LONGEST_SUFFIX)  # no more of it than X.509 software can hold
        except ValueError:
            raise _malformed() from None

    @property
    def session_info(self) -> ObjectIdentifier:
        """Certificate extension: the session info."""
        return self._under(1)

    @property
    def session_sign(self) -> ObjectIdentifier:
        """Extended key usage: a session's signing share."""
        return self._under(2)

    @property
    def session_encrypt(self) -> ObjectIdentifier:
        """Extended key usage: a session's decryption share."""
        return self._under(3)

    @property
    def signer_sign(self) -> ObjectIdentifier:
        """Extended key usage: a signer's signing key."""
        return self._under(SIGNER_SIGN_NUMBER)

    @property
    def signer_encrypt(self) -> ObjectIdentifier:
        """Extended key usage: a signer's decryption key."""
        return self._under(5)

    @property
    def relay_pass(self) -> ObjectIdentifier:
        """Extended key usage: the key that signs relay passes."""
        return self._under(6)

    @property
    def media_server(self) -> ObjectIdentifier:
        """Extended key usage, beside serverAuth: a media server, which is no evidence server."""
        return self._under(7)

    @property
    def gateway(self) -> ObjectIdentifier:
        """Extended key usage, beside serverAuth and clientAuth: a gateway between agents and media server."""
        return self._under(10)

    @property
    def log(self) -> ObjectIdentifier:
        """Extended key usage: the key that signs checkpoints of the transparency log."""
        return self._under(LOG_NUMBER)

    @property
    def back_end(self) -> ObjectIdentifier:
        """Extended key usage: the key that confirmation codes are sealed for."""
        return self._under(9)

    @property
    def guard(self) -> ObjectIdentifier:
        """Extended key usage: the key that signs the guard's control messages."""
        return self._under(11)

    def _under(self, number: int) -> ObjectIdentifier:
        return ObjectIdentifier(f"{self.arc}.{number}")


def _malformed() -> MalformedInput:
    return MalformedInput("ARC_MALFORMED", "this is no object identifier in dotted form")


DEFAULT_ARC: Final = Arc("2.25.102968146642228189390196514122382823825")
"""Ours: a random UUID under joint-iso-itu-t(2) uuid(25), which needs no registration (ITU-T X.667 clause 8)."""
