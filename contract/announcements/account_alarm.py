"""Alarms about an account, without a claim: something else than announcements says that somebody may sign as it.

Nothing is held for one: it says of no traffic that it is forged. It is over when the key change is proven that it is
about, or when a person says which of its keys are genuine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.announcements.claim import ALARM_DIGITS, check_party_name
from contract.announcements.keys import require_fingerprints
from contract.errors import GuardRefused
from contract.names import check_account_name

MAX_ACCOUNT_ALARM_BYTES: Final = 4 << 10
"""Longest that is looked at."""
MAX_ALARM_KEYS: Final = 16
"""Most keys that one is about."""

_ACCOUNT_ALARM_REASON: Final = "ACCOUNT_ALARM_MALFORMED"
_PROTOCOL: Final = "fourseal/v1/account alarm"


class AlarmCause(StrEnum):
    """What raised it. The value stands in the log."""

    CLONE = "clone"
    """Two copies of the key store of an agent are in use, at which the account has logged in."""
    SECOND_CERTIFICATE = "second-certificate"
    """A pair of certificates was issued to an account that had one before: two for one name."""


class AccountAlarmState(StrEnum):
    """How it stands."""

    OPEN = "open"
    PROVEN = "proven"
    """The key was changed, and that was proven: no person is asked."""
    DECIDED = "decided"
    """By a person."""


@dataclass(frozen=True, slots=True)
class AccountAlarm:
    """An alarm about an account.

    Args:
        cause: what raised it.
        account: whose keys they are; empty: nobody has logged in at the agent.
        agent: the agent that was copied, or that asked for the certificates.
        keys: fingerprints of the keys for signing that are in doubt, rising: the account's; at most 16.
        time: when it was raised; UTC, whole seconds.
        genuine, impostors: what was found of the keys, rising.
        decider: who decided, of the form of an agent's name; empty: nobody.

    Raises:
        MalformedInput: ACCOUNT_ALARM_MALFORMED, ACCOUNT_NAME_MALFORMED.
    """

    cause: AlarmCause
    account: str
    agent: str
    keys: tuple[bytes, ...]
    time: datetime
    genuine: tuple[bytes, ...] = ()
    impostors: tuple[bytes, ...] = ()
    decider: str = ""

    def __post_init__(self) -> None:
        if self.account:
            check_account_name(self.account)
        check_party_name(self.agent, reason=_ACCOUNT_ALARM_REASON)
        if self.decider:
            check_party_name(self.decider, reason=_ACCOUNT_ALARM_REASON)
        for keys in (self.keys, self.genuine, self.impostors):
            require_fingerprints(keys, reason=_ACCOUNT_ALARM_REASON)
        der.require_that(len(self.keys) <= MAX_ALARM_KEYS, "too many keys", reason=_ACCOUNT_ALARM_REASON)
        der.require_time(self.time, "the time", reason=_ACCOUNT_ALARM_REASON)
        named = sorted((*self.genuine, *self.impostors))
        fits = named == (sorted(self.keys) if self.state is not AccountAlarmState.OPEN else [])
        der.require_that(
            fits and (not self.impostors or self.decider), "an end that does not fit", reason=_ACCOUNT_ALARM_REASON
        )

    @property
    def state(self) -> AccountAlarmState:
        """How it stands."""
        if self.decider:
            return AccountAlarmState.DECIDED
        return AccountAlarmState.PROVEN if self.genuine else AccountAlarmState.OPEN

    @property
    def alarm_id(self) -> str:
        """Its name, which stays: "alarm-" and 32 hexadecimal digits of a SHA-256: docs/formats.md."""
        raised = replace(self, genuine=(), impostors=(), decider="")
        return f"alarm-{hashlib.sha256(raised.to_der()).hexdigest()[:ALARM_DIGITS]}"

    def proven(self) -> Self:
        """As it is when the change between its keys was proven. Raises GuardRefused: ALARM_JUDGED: it is over."""
        return self._ended(self.keys, (), "")

    def decided(self, genuine: Collection[bytes], impostors: Collection[bytes], decider: str) -> Self:
        """As it is when a person has decided; the same once more changes nothing.

        Raises:
            GuardRefused: ALARM_OF_OTHER_KEYS: not each of its keys is named, once; ALARM_JUDGED: it is over.
        """
        if sorted((*genuine, *impostors)) != sorted(self.keys):
            raise GuardRefused("ALARM_OF_OTHER_KEYS", "the decision leaves out a key of the alarm, or names another")
        return self._ended(tuple(sorted(genuine)), tuple(sorted(impostors)), decider)

    def _ended(self, genuine: tuple[bytes, ...], impostors: tuple[bytes, ...], decider: str) -> Self:
        ended = replace(self, genuine=genuine, impostors=impostors, decider=decider)
        if self.state is not AccountAlarmState.OPEN and ended != self:
            raise GuardRefused("ALARM_JUDGED", "the alarm was judged otherwise before", state=self.state)
        return ended

    def to_der(self) -> bytes:
        """DER of AccountAlarm: docs/formats.md. The body of an entry of the log, as it was raised and as it ended."""
        return der.write_structure(
            _AccountAlarm(
                version=der.VERSION,
                protocol=_PROTOCOL,
                cause=self.cause.value,
                account=self.account,
                agent=self.agent,
                keys=list(self.keys),
                time=der.to_generalized_time(self.time),
                genuine=list(self.genuine),
                impostors=list(self.impostors),
                decider=self.decider,
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor does."""
        read = der.read_structure(_AccountAlarm, data, MAX_ACCOUNT_ALARM_BYTES, reason=_ACCOUNT_ALARM_REASON)
        der.require_version(read.version, reason=_ACCOUNT_ALARM_REASON)
        der.require_that(read.protocol == _PROTOCOL, "it is no alarm about an account", reason=_ACCOUNT_ALARM_REASON)
        der.require_that(read.cause in frozenset(AlarmCause), "this cause does not exist", reason=_ACCOUNT_ALARM_REASON)
        alarm = cls(
            AlarmCause(read.cause),
            read.account,
            read.agent,
            tuple(read.keys),
            der.from_generalized_time(read.time),
            tuple(read.genuine),
            tuple(read.impostors),
            read.decider,
        )
        der.require_canonical(data, alarm.to_der(), reason=_ACCOUNT_ALARM_REASON)
        return alarm


def rising(keys: Sequence[bytes]) -> tuple[bytes, ...]:
    """Keys as an alarm names them: each once, at most 16."""
    return tuple(sorted(set(keys))[:MAX_ALARM_KEYS])


@asn1.sequence
class _AccountAlarm:
    version: int
    protocol: str
    cause: str
    account: str
    agent: str
    keys: list[bytes]
    time: asn1.GeneralizedTime
    genuine: list[bytes]
    impostors: list[bytes]
    decider: str
