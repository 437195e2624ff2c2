"""Claims: under which address, as whom and to whom somebody sends. Two keys for one claim are a conflict."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address
from typing import Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.announcements.keys import require_fingerprints
from contract.names import check_account_name

CLOCK_DIFFERENCE: Final = timedelta(minutes=2)
"""How far any two clocks of agents, gateways and guards may be apart."""

_ALARM_PROTOCOL: Final = "fourseal/v1/alarm"
_ALARM_ID: Final = re.compile(r"alarm-[0-9a-f]{32}", re.ASCII)
ALARM_DIGITS: Final = 32
"""Hexadecimal digits in the name of an alarm."""
_PARTY: Final = re.compile(r"[a-z0-9._-]{1,63}", re.ASCII)


def check_address(address: str, *, reason: str) -> str:
    """Return it. Raises MalformedInput (``reason``) unless an IP address without port or zone, in its one spelling.

    IPv4 is dotted, never mapped into IPv6; IPv6 is as RFC 5952 has it.
    """
    try:
        read = ip_address(address)
    except ValueError:
        read = None
    plain = not isinstance(read, IPv6Address) or (read.ipv4_mapped is None and read.scope_id is None)
    fits = str(read) == address and plain
    der.require_that(fits, "an address that is none, or not in its one spelling", reason=reason)
    return address


def check_party_name(name: str, *, reason: str) -> str:
    """Return it. Raises MalformedInput (``reason``) unless 1 to 63 of [a-z0-9._-]: an agent's, gateway's or guard's."""
    der.require_that(is_party_name(name), "a name of an agent, gateway or guard that is none", reason=reason)
    return name


def is_party_name(name: str) -> bool:
    """Whether an agent, gateway or guard may be called so."""
    return _PARTY.fullmatch(name) is not None


def check_alarm_id(alarm: str, *, reason: str) -> str:
    """Return it. Raises MalformedInput (``reason``) unless it looks like one of ``Claim.alarm_id``."""
    der.require_that(_ALARM_ID.fullmatch(alarm), "no name of an alarm", reason=reason)
    return alarm


@dataclass(frozen=True, slots=True)
class Claim:
    """What an announcement says of its sender, before anybody believes it.

    Args:
        source: address that the sender says it has; behind NAT not the one that a gateway sees.
        user: account that it says it is.
        destination: account that it sends to.

    Raises:
        MalformedInput: CLAIM_MALFORMED, ACCOUNT_NAME_MALFORMED.
    """

    source: str
    user: str
    destination: str

    def __post_init__(self) -> None:
        check_address(self.source, reason="CLAIM_MALFORMED")
        check_account_name(self.user)
        check_account_name(self.destination)
        der.require_that(self.user != self.destination, "a user that sends to itself", reason="CLAIM_MALFORMED")

    @property
    def digest(self) -> bytes:
        """SHA-256 of its DER, 32 bytes."""
        return hashlib.sha256(der.write_structure(self.to_structure())).digest()

    def alarm_id(self, one_key: bytes, other_key: bytes) -> str:
        """The name of the alarm about two keys: the same for whoever sees them, in whatever order.

        "alarm-" and the first 32 hexadecimal digits of a SHA-256: docs/formats.md.

        Args:
            one_key: its fingerprint, 32 bytes.
            other_key: another's.

        Raises:
            MalformedInput: ALARM_MALFORMED: the keys are none, or the same.
        """
        keys = sorted((one_key, other_key))
        require_fingerprints(keys, reason="ALARM_MALFORMED")
        alarm = _Alarm(version=der.VERSION, protocol=_ALARM_PROTOCOL, claim=self.to_structure(), keys=keys)
        return f"alarm-{hashlib.sha256(der.write_structure(alarm)).hexdigest()[:ALARM_DIGITS]}"

    def to_structure(self) -> ClaimStructure:
        """The ASN.1 value."""
        return ClaimStructure(source=self.source, user=self.user, destination=self.destination)

    @classmethod
    def from_structure(cls, read: ClaimStructure) -> Self:
        """Read ``to_structure``. Raises as the constructor does."""
        return cls(read.source, read.user, read.destination)


@asn1.sequence
class ClaimStructure:
    """ASN.1 of Claim, for the structures that hold one."""

    source: str
    user: str
    destination: str


@asn1.sequence
class _Alarm:
    version: int
    protocol: str
    claim: ClaimStructure
    keys: list[bytes]
