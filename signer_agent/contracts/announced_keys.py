"""Which keys were announced lately, and between whom: what we told others, and what others told us.

::

    announced/<account>/told-<session>.json  to whom which key was announced, from where and when; sealed
    announced/<account>/heard.json           which keys were announced to us

Of each the latest thousand are remembered: whoever was forgotten is told once more, or not warned of. What we told is
remembered for each session by itself: a recipient may read one session and leave another for later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Self

from contract.announcements.claim import check_address
from contract.der import FINGERPRINT_BYTES
from contract.names import check_account_name
from signer_agent.keystore.store import KeyStore
from wire.client.documents import DocumentError, Fields, Json, decode, encode

MAX_REMEMBERED: Final = 1000

_HEARD: Final = "heard"


@dataclass(frozen=True, slots=True)
class AnnouncedKey:
    """A key as it was announced.

    Args:
        certificate: its certificate's fingerprint, 32 bytes.
        source: the address that was claimed.
        time: of the announcement, UTC.
    """

    certificate: bytes
    source: str
    time: datetime

    def covers(self, other: AnnouncedKey, period: timedelta) -> bool:
        """Whether another one tells nothing new: the same, less than the period before it or after it."""
        is_same = (self.certificate, self.source) == (other.certificate, other.source)
        return is_same and abs(other.time - self.time) < period


@dataclass(frozen=True, slots=True)
class AnnouncedKeys:
    """The latest of them, the latest last: by the account that was told, or by the certificate that we heard of."""

    keys: Mapping[str, AnnouncedKey] = field(default_factory=dict)

    def with_keys(self, names: Iterable[str], announced: AnnouncedKey) -> AnnouncedKeys:
        """The same with a key that was announced just now."""
        told = dict.fromkeys(names, announced)
        kept = {name: each for name, each in self.keys.items() if name not in told} | told
        return AnnouncedKeys(dict(list(kept.items())[-MAX_REMEMBERED:]))

    def to_public(self) -> Json:
        """See ``Entry``."""
        return {}

    def to_secret_bytes(self) -> bytes:
        """See ``Entry``: with whom somebody has to do concerns nobody."""
        found = {
            name: {"certificate": each.certificate.hex(), "source": each.source, "time": each.time.isoformat()}
            for name, each in self.keys.items()
        }
        return encode({"names": list(found), "keys": found})

    @classmethod
    def load(cls, fields: Fields, secret: bytes) -> Self:
        """See ``Entry``."""
        fields.end()
        sealed = Fields(decode(secret))
        names, keys = sealed.texts("names"), sealed.fields("keys")
        found = cls({name: _announced_key(keys.fields(name)) for name in names})
        for part in (keys, sealed):
            part.end()
        return found


class AnnouncementMemory:
    """What one account remembers. Safe to use from several threads and processes. Every method may read files.

    Every method raises ServiceError (STORE_DAMAGED, STORE_PERMISSIONS, STORE_UNUSABLE).

    Args:
        store: the opened key store.
        account: whose.
    """

    def __init__(self, store: KeyStore, account: str) -> None:
        place = f"announced/{check_account_name(account)}"
        self._drawer = store.drawer(place, "announced keys", AnnouncedKeys, lambda name: name)

    def told(self, session_id: str) -> Mapping[str, AnnouncedKey]:
        """What was announced to whom, in a session."""
        return (self._drawer.get(_told(session_id)) or AnnouncedKeys()).keys

    def heard(self) -> Mapping[str, AnnouncedKey]:
        """What was announced to us, by the certificate's fingerprint in hexadecimal digits."""
        return (self._drawer.get(_HEARD) or AnnouncedKeys()).keys

    def tell(self, session_id: str, names: Iterable[str], announced: AnnouncedKey) -> None:
        """Remember that a key was announced to these, in a session."""
        self._drawer.update(_told(session_id), lambda known: (known or AnnouncedKeys()).with_keys(names, announced))

    def hear(self, announced: AnnouncedKey) -> None:
        """Remember that a key was announced to us; another one in the same name takes nothing away from it."""
        name = announced.certificate.hex()
        self._drawer.update(_HEARD, lambda known: (known or AnnouncedKeys()).with_keys((name,), announced))


def _told(session_id: str) -> str:
    return f"told-{session_id}"


def _announced_key(fields: Fields) -> AnnouncedKey:
    found = AnnouncedKey(
        bytes.fromhex(fields.text("certificate")), fields.text("source"), datetime.fromisoformat(fields.text("time"))
    )
    fields.end()
    if len(found.certificate) != FINGERPRINT_BYTES or found.time.tzinfo is None:
        raise DocumentError("an announced key that is none")
    check_address(found.source, reason="CLAIM_MALFORMED")
    return found
