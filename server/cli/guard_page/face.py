"""What the page shows, and what can be done there, in JSON.

Who decides names what it has seen: if a gateway has said more about the alarm since, nothing is decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection

from contract.announcements.alarm import NEXT_STATES, AlarmState
from mpc.errors import FoursealError
from server.cli.guard import HELD, decide_in, find_view
from server.cli.guard_views import details_of, gateway_view, summary_of
from server.errors import OperatorError
from server.guard import AlarmRow, AlarmView, GuardTerms, guard_status, list_alarms
from server.storage import Database
from wire.client.output import message_of
from wire.http import HttpResponse
from wire.local_page import refusal, told

SHOWN: Final = 100
"""Most alarms in the list: the newest."""


class Face:
    """Does what the page asks.

    Args:
        database: of the guard.
        terms: of the guard.
    """

    def __init__(self, database: Database, terms: GuardTerms) -> None:
        self._database = database
        self._terms = terms

    async def answer(self, action: str, content: dict[str, Any]) -> HttpResponse:
        """What is shown then (200), why nothing was done (409), or that this cannot be asked (400, 404)."""
        try:
            match action, content:
                case "look", {"alarm_id": str(alarm_id), **more} if not more:
                    return told(200, await self._database.read(partial(self._look, alarm_id=alarm_id)))
                case (
                    "decide",
                    {"alarm_id": str(alarm_id), "seen": int(seen), "genuine": [*ours], "impostors": [*theirs], **more},
                ) if not more and all(isinstance(key, str) for key in (*ours, *theirs)):
                    return told(200, await self._decide(alarm_id, seen, ours, theirs))
                case "look" | "decide", _:
                    return refusal(400)
        except OperatorError as error:
            text = str(error)
            return told(409, {"problem": f"{text[:1].upper()}{text[1:]}. {error.action}"})
        except FoursealError as error:
            return told(409, {"problem": message_of(error)})
        return refusal(404)

    async def _decide(self, alarm_id: str, seen: int, ours: Sequence[str], theirs: Sequence[str]) -> dict[str, Any]:
        def unit(connection: Connection) -> AlarmRow:
            if seen != self._newest(find_view(connection, alarm_id)):
                raise OperatorError("more has come in about this alarm", "Look at it again, and decide then.")
            return decide_in(connection, self._terms, alarm_id, ours, theirs)

        return summary_of(await self._database.write(unit))

    def _look(self, connection: Connection, alarm_id: str) -> dict[str, Any]:
        status = guard_status(connection)
        rows = list_alarms(connection, None, SHOWN, HELD)
        return {
            "gateways": list(map(gateway_view, status.gateways)),
            "held": sum(count for state, count in status.alarms.items() if state.is_held),
            "alarms": [_listed(row, status.held.get(row.alarm.alarm_id, 0)) for row in rows],
            "alarm": self._show(find_view(connection, alarm_id)) if alarm_id else None,
        }

    def _show(self, view: AlarmView) -> dict[str, Any]:
        may_decide = AlarmState.DECIDED in NEXT_STATES[view.row.alarm.state]
        return details_of(view) | {"seen": self._newest(view), "may_decide": may_decide}

    def _newest(self, view: AlarmView) -> int:
        """Index in the log of the last that a gateway has said about the alarm; -1: nothing."""
        said = (record.log_index for record in view.records if record.issuer != self._terms.name)
        return max(said, default=-1)


def _listed(row: AlarmRow, held: int) -> dict[str, Any]:
    return summary_of(row) | {"held_notices": held}
