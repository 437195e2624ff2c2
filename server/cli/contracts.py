"""``fourseal-server contracts``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from contract.names import check_contract_id
from server.cli.database import in_database
from server.cli.output import show_json, show_line, show_table
from server.drafting import ContractView, Listed, list_all, show_contract
from server.errors import OperatorError
from server.root.home import Home
from server.storage import PageCursor
from server.storage.paging import cut_page


def contracts(home: Home, page_size: int, page_token: str, *, as_json: bool) -> None:
    """List a page of contracts."""
    after = PageCursor.from_token(page_token)

    def query(connection: Connection) -> list[Listed]:
        return list_all(connection, after, page_size + 1)

    found = in_database(home, query)
    page = cut_page(found, page_size, lambda each: PageCursor(each.contract.create_time, each.contract.contract_id))
    if as_json:
        show_json({"contracts": [_summary(each) for each in page.rows], "next_page_token": page.next_token})
        return
    rows = [
        (
            each.contract.contract_id,
            each.contract.state.value,
            str(each.serial or ""),
            _time(each.contract.update_time),
            ", ".join(each.accounts),
            str(each.contract.last_version),
            each.contract.title,
        )
        for each in page.rows
    ]
    show_table("Contracts", ("contract", "state", "serial", "changed", "parties", "versions", "title"), rows)
    if page.next_token:
        show_line(f"More: --page-token {page.next_token}")


def contract(home: Home, contract_id: str, *, as_json: bool) -> None:
    """Show one contract, its parties, and what they did. What they wrote is not shown."""
    check_contract_id(contract_id)

    def query(connection: Connection) -> ContractView:
        found = show_contract(connection, contract_id)
        if found is None:
            raise OperatorError(f"there is no contract {contract_id}", "See fourseal-server contracts.")
        return found

    view = _details(in_database(home, query))
    if as_json:
        show_json(view)
        return
    facts = [(name, str(value)) for name, value in view.items() if not isinstance(value, list) or name == "accounts"]
    show_table("Contract", ("what", "is"), facts)
    for name in ("parties", "versions", "revisions"):
        if view[name]:
            show_table(
                name.capitalize(), tuple(view[name][0]), [tuple(map(_text, each.values())) for each in view[name]]
            )


def _summary(listed: Listed) -> dict[str, Any]:
    contract = listed.contract
    return {
        "contract_id": contract.contract_id,
        "title": contract.title,
        "state": contract.state.value,
        "creator": contract.creator,
        "pen_holder": contract.pen_holder,
        "accounts": listed.accounts,
        "last_version": contract.last_version,
        "serial": listed.serial or None,
        "create_time": _time(contract.create_time),
        "update_time": _time(contract.update_time),
    }


def _details(view: ContractView) -> dict[str, Any]:
    own, archived, end = view.own, view.archived, view.end
    serial = 0 if archived is None else archived.serial
    return _summary(Listed(own.contract, own.accounts, serial)) | {
        "finish_time": None if archived is None else _time(archived.time),
        "log_index": None if archived is None else archived.log_index,
        "ended_by": None if end is None else end.account,
        "parties": [
            {
                "account": each.account,
                "confirmed": each.confirmed_version or None,
                "certificate": None if each.certificate is None else each.certificate.hex(),
                "signed": each.statement is not None,
                "consented": each.consent is not None,
            }
            for each in own.parties
        ],
        "versions": [
            {
                "number": each.number,
                "author": each.author,
                "create_time": _time(each.create_time),
                "format": each.format,
                "size": each.size,
                "sha256": each.sha256.hex(),
            }
            for each in view.versions
        ],
        "revisions": [
            {
                "number": each.number,
                "account": each.account,
                "create_time": _time(each.create_time),
                "size": each.size,
                "sha256": each.sha256.hex(),
            }
            for each in view.revisions
        ],
    }


def _text(value: object) -> str:
    return {None: "", True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool | None) else str(value)


def _time(time: datetime) -> str:
    return time.isoformat(timespec="seconds")
