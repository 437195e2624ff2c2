"""Compares grants, orders and uses with the log: each entry with its row, and each row with its entry.

How a grant stands follows from its orders, and how often it was used from the uses: what somebody edited there shows.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from contract.joint_statement import JointStatement
from contract.log_entry import EntryKind
from contract.trusteeship.grants import GrantAction, GrantOrder, GrantRequest, grant_id
from contract.trusteeship.uses import RecordedUse
from mpc.errors import FoursealError, MalformedInput
from server.journal.log import Entries, Finding
from server.trusteeship.states import GrantState
from server.trusteeship.store import checks, grants
from server.trusteeship.store.grants import GrantRow


class TrustCheck:
    """See ``server.journal.log.EntryCheck``."""

    def __init__(self) -> None:
        self._grants = 0
        self._orders = 0
        self._uses = 0

    def check(self, connection: Connection, entries: Entries) -> Iterator[Finding]:
        """Every grant, order and record in the log has its row, which says the same."""
        for index, entry in entries:
            try:
                if entry.kind is EntryKind.USE:
                    yield from self._check_use(connection, index, entry.body)
                elif entry.kind is EntryKind.GRANT:
                    yield from self._check_grant(connection, index, entry.body)
            except FoursealError as error:
                yield Finding(f"entry {index}", f"its body cannot be read: {error}")

    def finish(self, connection: Connection) -> Iterator[Finding]:
        """There are no rows without an entry; numbers have no gaps; grants stand as their orders and uses say."""
        found, wanted = checks.count_rows(connection), (self._grants, self._orders, self._uses)
        for what, there, by_log in zip(("grants", "orders", "recorded uses"), found, wanted, strict=True):
            if there != by_log:
                yield Finding(what, f"there are {there} rows, and by the log {by_log}")
        for where in checks.list_gaps(connection):
            yield Finding(where, "the numbers of its records have a gap")
        uses = checks.count_uses(connection)
        for row in checks.all_grants(connection):
            try:
                yield from _check_state(connection, row)
            except FoursealError as error:
                yield Finding(row.grant_id, f"it cannot be read: {error}")
            if row.used != uses.get(row.grant_id, 0):
                yield Finding(row.grant_id, f"it counts {row.used} uses, and there are {uses.get(row.grant_id, 0)}")

    def _check_use(self, connection: Connection, index: int, body: bytes) -> Iterator[Finding]:
        recorded = RecordedUse.from_der(body)
        record = recorded.record
        self._uses += 1
        row = checks.find_by_number(connection, record.key_id, record.number)
        if row is None:
            yield Finding(f"entry {index}", "the row of its use was deleted")
            return
        told = (row.log_index, row.record, row.request, row.organisation, row.user, row.user_number)
        wanted = (index, record.to_der(), recorded.request.to_der())
        if told != (*wanted, record.organisation, record.user, record.user_number):
            yield Finding(f"record {record.number} of {record.key_id}", f"its row is not what entry {index} says")

    def _check_grant(self, connection: Connection, index: int, body: bytes) -> Iterator[Finding]:
        statement = JointStatement.from_der(body).statement
        try:
            asked = GrantRequest.from_der(statement)
        except MalformedInput:
            yield from self._check_order(connection, index, body, GrantOrder.from_der(statement))
            return
        self._grants += 1
        row = grants.find_by_digest(connection, asked.digest)
        if row is None:
            yield Finding(f"entry {index}", "the row of its grant was deleted")
        elif (row.log_index, row.request, row.organisation, row.user) != (index, body, asked.organisation, asked.user):
            yield Finding(grant_id(asked.digest), f"its row is not what entry {index} says")

    def _check_order(self, connection: Connection, index: int, body: bytes, order: GrantOrder) -> Iterator[Finding]:
        self._orders += 1
        name = grant_id(order.grant)
        rows = {row.log_index: row for row in grants.list_orders(connection, name)}
        row = rows.get(index)
        wanted = (body, order.round, order.action, order.administrator)
        if row is None:
            yield Finding(f"entry {index}", "the row of its order was deleted")
        elif (row.statement, row.round, row.action, row.administrator) != wanted:
            yield Finding(f"order {row.number} about {name}", f"its row is not what entry {index} says")


def _check_state(connection: Connection, row: GrantRow) -> Iterator[Finding]:
    """A grant stands as its orders allow. Who administered when, the log does not say."""
    orders = grants.list_orders(connection, row.grant_id)
    actions = [order.action for order in orders]
    voices = {
        order.administrator for order in orders if order.round == row.round and order.action is GrantAction.APPROVE
    }
    allowed = {
        GrantState.REQUESTED: row.round == 1,
        GrantState.ACTIVE: len(voices) >= row.words.approvals,
        GrantState.SUSPENDED: row.round > 1,
        GrantState.REFUSED: GrantAction.REFUSE in actions and row.round == 1,
        GrantState.REVOKED: True,
    }
    revoked = GrantAction.REVOKE in actions
    suspended = actions.count(GrantAction.SUSPEND)
    fits = allowed[row.state] and (row.state is GrantState.REVOKED) is revoked and row.round == 1 + suspended
    if not fits:
        yield Finding(row.grant_id, f"it is {row.state} in round {row.round}, and its orders do not say so")
