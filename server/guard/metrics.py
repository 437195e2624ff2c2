"""What is looked up of a guard for its metrics: what stands in the database, the same whichever process is asked."""

from __future__ import annotations

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from sqlalchemy import Connection

from contract.announcements.alarm import AlarmState
from server.guard.store import orders as order_store
from server.guard.store.account_alarms import count_open
from server.guard.store.alarms import count_by_state
from server.guard.store.held import held_by_gateway
from server.storage import Database


async def look_up(database: Database) -> list[Metric]:
    """How many alarms there are by state, gateways that are known, what they hold and have not acknowledged.

    Raises:
        ServiceError: STORAGE_UNAVAILABLE.
    """
    return await database.read(_look_up)


def _look_up(connection: Connection) -> list[Metric]:
    counts = count_by_state(connection)
    alarms = GaugeMetricFamily("fourseal_guard_alarms", "Alarms", labels=["state"])
    for state in AlarmState:
        alarms.add_metric([state.value], counts.get(state, 0))
    return [
        alarms,
        GaugeMetricFamily(
            "fourseal_guard_account_alarms_open", "Alarms about accounts that are open", count_open(connection)
        ),
        GaugeMetricFamily(
            "fourseal_guard_gateways", "Gateways that are known", len(order_store.list_gateways(connection))
        ),
        GaugeMetricFamily(
            "fourseal_guard_orders_waiting",
            "Control messages that are not acknowledged",
            sum(order_store.count_waiting(connection).values()),
        ),
        GaugeMetricFamily(
            "fourseal_guard_held_notices",
            "Notices that gateways hold, as they say",
            sum(held_by_gateway(connection).values()),
        ),
    ]
