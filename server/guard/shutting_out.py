"""Gateways that an operator shuts out, for they lied: none is waited for, none is heard, and none is told anything.

Orders are kept for it as for a gateway that is away; so one that is readmitted is told what it has missed. That it is
shut out stands on the black list of ``server.identity``, and each decision in the log.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from contract.announcements.standing import GatewayStanding
from server.guard.deciding import DECIDER
from server.guard.steps import go_on_without
from server.guard.store.entries import GuardEntryKind, add_entry
from server.guard.store.held import drop_of_gateways
from server.guard.terms import GuardTerms, Turn
from server.identity import ListedKind, put_on_list, take_off_list


def shut_out(connection: Connection, terms: GuardTerms, gateway: str, cause: str, now: datetime) -> bool:
    """Shut a gateway out, as an operator. False if it is so already: nothing changes then.

    A guard that runs ends its stream within a second. Alarms that waited for it go on.

    Args:
        connection: the transaction.
        terms: of the guard.
        gateway: its name; need not be one that was seen.
        cause: why, 1 to 200 characters.
        now: the present time.

    Raises:
        OperatorError: no such name can be, or no cause.
    """
    if not put_on_list(connection, ListedKind.GATEWAY, gateway, cause, now):
        return False
    _record(connection, GatewayStanding(gateway, True, cause, DECIDER, now.replace(microsecond=0)), now)  # noqa: FBT003
    drop_of_gateways(connection, [gateway])
    go_on_without(Turn(connection, terms, now))
    return True


def readmit(connection: Connection, gateway: str, now: datetime) -> None:
    """Listen to a gateway again, as an operator.

    Raises:
        OperatorError: it is not shut out.
    """
    take_off_list(connection, ListedKind.GATEWAY, gateway)
    _record(connection, GatewayStanding(gateway, False, "", DECIDER, now.replace(microsecond=0)), now)  # noqa: FBT003


def _record(connection: Connection, standing: GatewayStanding, now: datetime) -> None:
    add_entry(connection, GuardEntryKind.GATEWAY, standing.gateway, standing.to_der(), now)
