"""``fourseal-server transactions``."""

from __future__ import annotations

import sys
from datetime import datetime
from secrets import token_bytes
from typing import Any

from sqlalchemy import Connection

from contract.transactions.transaction import Transaction
from server.cli.database import in_database, settings_of
from server.cli.output import show_json, show_line, show_table
from server.errors import OperatorError
from server.journal.log import LogReader
from server.root.ground import open_ground
from server.root.home import Home
from server.root.log import configure_log
from server.storage import PageCursor
from server.storage.paging import cut_page
from server.transactions import Inspection, Shown, list_all, show
from server.transactions.executors import ExecutorMeans, make_executors
from server.transactions.store.transactions import TransactionRow


def transactions(home: Home, page_size: int, page_token: str, *, as_json: bool) -> None:
    """List a page of transactions."""
    after = PageCursor.from_token(page_token)
    found = in_database(home, lambda connection: list_all(connection, after, page_size + 1))
    page = cut_page(found, page_size, lambda each: PageCursor(each.create_time, each.transaction_id))
    if as_json:
        show_json({"transactions": [_summary(row) for row in page.rows], "next_page_token": page.next_token})
        return
    rows = [
        (row.transaction_id, _state(row), row.signer, row.terminal, _time(row.create_time), _time(row.update_time))
        for row in page.rows
    ]
    show_table("Transactions", ("transaction", "state", "signer", "terminal", "made", "changed"), rows)
    if page.next_token:
        show_line(f"More: --page-token {page.next_token}")


def transaction(home: Home, transaction_id: str, *, as_json: bool) -> None:
    """Show one transaction, and every step of it."""

    def query(connection: Connection) -> Shown:
        found = show(connection, transaction_id)
        if found is None:
            raise _unknown(transaction_id)
        return found

    view = _details(in_database(home, query))
    if as_json:
        show_json(view)
        return
    facts = [(name, "" if value is None else str(value)) for name, value in view.items() if not isinstance(value, list)]
    show_table("Transaction", ("what", "is"), facts)
    for name in ("transfers", "steps"):
        show_table(name.capitalize(), tuple(view[name][0]), [tuple(map(str, each.values())) for each in view[name]])


def verify(home: Home, transaction_id: str, *, as_json: bool) -> None:
    """Verify one transaction; exit status 1 if anything does not hold."""
    settings = settings_of(home)
    log = configure_log("error")
    with open_ground(home, settings, log) as ground:
        reader = LogReader(ground.log_key.verifier)
        executors = make_executors(ExecutorMeans(settings, ground.clock, token_bytes, log))
        made = Inspection(ground.database, ground.custody.keys, reader, executors).verify(transaction_id)
    if made is None:
        raise _unknown(transaction_id)
    holds = not any(each.problem for each in made)
    if as_json:
        checks = [{"what": each.what, "problem": each.problem or None} for each in made]
        show_json({"transaction_id": transaction_id, "holds": holds, "checks": checks})
    else:
        show_table("Verified", ("what", "holds"), [(each.what, each.problem or "yes") for each in made])
    if not holds:
        sys.exit(1)


def _summary(row: TransactionRow) -> dict[str, Any]:
    return {
        "transaction_id": row.transaction_id,
        "state": row.state.value,
        "cause": row.cause or None,
        "wrong_codes": row.wrong_codes,
        "signer": row.signer,
        "terminal": row.terminal,
        "execution": row.execution or None,
        "attempts": row.attempts,
        "create_time": _time(row.create_time),
        "update_time": _time(row.update_time),
        "due_time": None if row.due_time is None else _time(row.due_time),
    }


def _details(shown: Shown) -> dict[str, Any]:
    words = Transaction.from_der(shown.row.transaction_der)
    return _summary(shown.row) | {
        "kind": words.kind,
        "text": words.text,
        "transaction_sha256": words.digest.hex(),
        "binding_sha256": shown.row.binding.hex() or None,
        "transfers": [
            {"payer": each.payer, "payee": each.payee, "amount": each.amount.in_full()} for each in words.transfers
        ],
        "steps": [
            {"number": step.number, "state": step.state.value, "time": _time(step.time), "log_index": step.log_index}
            for step in shown.steps
        ],
    }


def _state(row: TransactionRow) -> str:
    return f"{row.state}: {row.cause}" if row.cause else row.state.value


def _time(time: datetime) -> str:
    return time.isoformat(timespec="seconds")


def _unknown(transaction_id: str) -> OperatorError:
    return OperatorError(f"there is no transaction {transaction_id}", "See fourseal-server transactions.")
