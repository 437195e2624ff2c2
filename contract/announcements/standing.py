"""Standing: whether a guard listens to a gateway. A person shuts one out that was found to lie, and readmits it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.announcements.claim import check_party_name

MAX_STANDING_BYTES: Final = 2 << 10
"""Longest that is looked at."""
MAX_CAUSE: Final = 200
"""Longest cause, in characters."""

_STANDING_REASON: Final = "STANDING_MALFORMED"
_PROTOCOL: Final = "fourseal/v1/gateway standing"


@dataclass(frozen=True, slots=True)
class GatewayStanding:
    """What was decided of a gateway.

    Args:
        gateway: its name.
        shut_out: whether it is listened to no more.
        cause: why, 1 to 200 printable characters; empty: it is readmitted.
        decider: who decided, of the form of an agent's name.
        time: when; UTC, whole seconds.

    Raises:
        MalformedInput: STANDING_MALFORMED.
    """

    gateway: str
    shut_out: bool
    cause: str
    decider: str
    time: datetime

    def __post_init__(self) -> None:
        check_party_name(self.gateway, reason=_STANDING_REASON)
        check_party_name(self.decider, reason=_STANDING_REASON)
        fits = len(self.cause) <= MAX_CAUSE and self.cause.isprintable() and bool(self.cause) == self.shut_out
        der.require_that(fits, "a cause that is missing, out of place, or none", reason=_STANDING_REASON)
        der.require_time(self.time, "the time", reason=_STANDING_REASON)

    def to_der(self) -> bytes:
        """DER of GatewayStanding: docs/formats.md. What the log keeps as the body of an entry."""
        return der.write_structure(
            _GatewayStanding(
                version=der.VERSION,
                protocol=_PROTOCOL,
                gateway=self.gateway,
                shut_out=self.shut_out,
                cause=self.cause,
                decider=self.decider,
                time=der.to_generalized_time(self.time),
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor does."""
        read = der.read_structure(_GatewayStanding, data, MAX_STANDING_BYTES, reason=_STANDING_REASON)
        der.require_version(read.version, reason=_STANDING_REASON)
        der.require_that(read.protocol == _PROTOCOL, "it is no standing", reason=_STANDING_REASON)
        standing = cls(read.gateway, read.shut_out, read.cause, read.decider, der.from_generalized_time(read.time))
        der.require_canonical(data, standing.to_der(), reason=_STANDING_REASON)
        return standing


@asn1.sequence
class _GatewayStanding:
    version: int
    protocol: str
    gateway: str
    shut_out: bool
    cause: str
    decider: str
    time: asn1.GeneralizedTime
