"""Records of uses, as the server lists them: claims, until an export of them was verified offline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fourseal.v1 import trusteeship_service_pb2 as pb

from contract.trusteeship.uses import RecordedUse
from wire.client.blame import blaming_server, server_lied
from wire.convert import timestamp_of


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Which records. What is empty or None restricts nothing.

    Args:
        organisation: whose keys, for its administrators; empty: the account's own uses.
        key_id: one key.
        user: one user.
        begin: recorded from then on; aware.
        end: recorded before; aware.
    """

    organisation: str = ""
    key_id: str = ""
    user: str = ""
    begin: datetime | None = None
    end: datetime | None = None

    def to_proto(self) -> pb.RecordFilter:
        """For the server."""
        return pb.RecordFilter(
            organisation=self.organisation,
            key_id=self.key_id,
            user=self.user,
            begin=timestamp_of(self.begin) if self.begin else None,
            end=timestamp_of(self.end) if self.end else None,
        )

    def takes(self, recorded: RecordedUse) -> bool:
        """Whether a record is one of those, as far as its names say."""
        record = recorded.record
        pairs = ((self.organisation, record.organisation), (self.key_id, record.key_id), (self.user, record.user))
        return all(wanted in {"", found} for wanted, found in pairs)


def read_record(der: bytes, chosen: RecordFilter) -> RecordedUse:
    """Read a record that the server lists.

    Raises:
        PeerMisbehaved: TRUST_STATEMENT_MALFORMED; TRUST_ANSWER_WRONG: it is none of those that were asked for; the
            culprit is the server.
    """
    with blaming_server():
        recorded = RecordedUse.from_der(der)
    if not chosen.takes(recorded):
        raise server_lied("TRUST_ANSWER_WRONG", "a record is none of those that were asked for")
    return recorded
