"""Grants as the server shows them: what was asked for, what was ordered, how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from fourseal.v1 import trusteeship_service_pb2 as pb

from contract.joint_statement import JointStatement
from contract.trusteeship.grants import GrantAction, GrantOrder, GrantRequest, grant_id
from wire.client.blame import answer_malformed, answered_time, blaming_server, server_lied


class GrantState(StrEnum):
    """How a grant stands."""

    REQUESTED = "requested"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REFUSED = "refused"
    REVOKED = "revoked"
    UNKNOWN = "unknown"
    """Of a newer server."""


_STATES: Final = {
    pb.GRANT_STATE_REQUESTED: GrantState.REQUESTED,
    pb.GRANT_STATE_ACTIVE: GrantState.ACTIVE,
    pb.GRANT_STATE_SUSPENDED: GrantState.SUSPENDED,
    pb.GRANT_STATE_REFUSED: GrantState.REFUSED,
    pb.GRANT_STATE_REVOKED: GrantState.REVOKED,
}


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant. Signatures of others in it are not checked here: offline verification does that (``fourseal verify``).

    Args:
        request: all that it allows.
        signed_request: the same with the user's signature.
        state: how it stands.
        round: the present one, from 1 on.
        used: uses that were counted.
        orders: what administrators ordered, oldest first, of all rounds.
        signed_orders: the same with their signatures.
        create_time: when it was asked for, by the server's clock, UTC.
    """

    request: GrantRequest
    signed_request: JointStatement
    state: GrantState
    round: int
    used: int
    orders: tuple[GrantOrder, ...]
    signed_orders: tuple[JointStatement, ...]
    create_time: datetime

    @property
    def grant_id(self) -> str:
        """Its name."""
        return grant_id(self.request.digest)

    @property
    def approved_by(self) -> tuple[str, ...]:
        """The administrators who approved it in the present round."""
        return tuple(
            each.administrator for each in self.orders if (each.round, each.action) == (self.round, GrantAction.APPROVE)
        )


def read_grant(shown: pb.Grant) -> Grant:
    """Read a grant that the server shows.

    Raises:
        PeerMisbehaved: TRUST_STATEMENT_MALFORMED, ANSWER_MALFORMED; TRUST_ANSWER_WRONG: its parts do not belong
            together; the culprit is the server.
    """
    with blaming_server():
        signed_request = JointStatement.from_der(shown.request_der)
        request = GrantRequest.from_der(signed_request.statement)
        signed_orders = tuple(map(JointStatement.from_der, shown.orders_der))
        orders = tuple(GrantOrder.from_der(each.statement) for each in signed_orders)
    if shown.grant_id != grant_id(request.digest) or any(each.grant != request.digest for each in orders):
        raise server_lied("TRUST_ANSWER_WRONG", "parts of a grant are of another one")
    if shown.round != 1 + sum(each.action is GrantAction.SUSPEND for each in orders):  # approvals could be kept for it
        raise server_lied("TRUST_ANSWER_WRONG", "a grant is in another round than its orders say")
    if not 0 <= shown.used <= request.uses:
        raise answer_malformed("a grant of it has impossible numbers")
    state = _STATES.get(shown.state, GrantState.UNKNOWN)
    create_time = answered_time(shown.create_time)
    return Grant(request, signed_request, state, shown.round, shown.used, orders, signed_orders, create_time)
