"""``fourseal-server organisation``: organisations, their keys, and requests for certificates of these."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from mpc.four_prime_rsa import Purpose
from server.cli.database import in_database, settings_of
from server.cli.output import show_json, show_line, show_table
from server.clock import system_clock
from server.custody import KeyKind
from server.identity import IssuedCertificate, find_by_key
from server.organisations import (
    Organisation,
    OrganisationKey,
    list_administrators,
    list_keys,
    list_organisations,
    make_key,
    register_organisation,
    require_organisation,
)
from server.registration import request_for_organisation
from server.root.ground import Ground, open_ground
from server.root.home import Home
from server.root.log import configure_log
from server.storage import PageCursor
from server.storage.paging import cut_page


def add(home: Home, name: str, display_name: str, *, as_json: bool) -> None:
    """Register an organisation."""
    now = system_clock()
    made = in_database(home, lambda connection: register_organisation(connection, name, display_name, now))
    if as_json:
        show_json(_organisation_json(made))
        return
    show_line(f"{made.name} is registered: {made.display_name}")
    show_line(f"Next: fourseal-server organisation key {made.name} --purpose sign --kind ecdsa-p256")


def organisations(home: Home, page_size: int, page_token: str, *, as_json: bool) -> None:
    """List organisations, oldest first."""
    after = PageCursor.from_token(page_token)
    found = in_database(home, lambda connection: list_organisations(connection, after, page_size + 1))
    page = cut_page(found, page_size, lambda each: PageCursor(each.create_time, each.name))
    if as_json:
        show_json({"organisations": list(map(_organisation_json, page.rows)), "next_page_token": page.next_token})
        return
    rows = [(each.name, each.display_name, _time(each.create_time)) for each in page.rows]
    show_table("Organisations", ("organisation", "name", "registered"), rows)
    if page.next_token:
        show_line(f"More: --page-token {page.next_token}")


def show(home: Home, name: str, *, as_json: bool) -> None:
    """Show an organisation, its administrators, its keys, and their certificates."""

    def query(
        connection: Connection,
    ) -> tuple[Organisation, list[str], list[tuple[OrganisationKey, IssuedCertificate | None]]]:
        organisation = require_organisation(connection, name)
        keys = [(key, find_by_key(connection, key.key_sha256)) for key in list_keys(connection, name)]
        return organisation, list(list_administrators(connection, name)), keys

    organisation, administrators, keys = in_database(home, query)
    if as_json:
        shown = {"administrators": administrators, "keys": [_key_json(*each) for each in keys]}
        show_json(_organisation_json(organisation) | shown)
        return
    show_line(f"{organisation.name}: {organisation.display_name}, registered {_time(organisation.create_time)}")
    show_line(f"Administrators: {', '.join(administrators) or 'none'}; {organisation.approvals} must approve a grant")
    rows = [(key.key_id, key.purpose.value, key.kind.value, _state(issued)) for key, issued in keys]
    show_table("Keys", ("key", "purpose", "kind", "certificate"), rows)


def key(home: Home, name: str, purpose: str, kind: str, *, as_json: bool) -> None:
    """Make a key in custody."""
    with _ground(home) as ground:
        custody, now = ground.custody.keys, system_clock()
        made = make_key(ground.database, custody, name, Purpose(purpose), KeyKind(kind), secrets.token_bytes, now)
        where = "in the token" if custody.in_token else "sealed in the database"
    if as_json:
        show_json(_key_json(made, None))
        return
    show_line(f"{made.key_id} is made {where}: it {'signs' if made.purpose is Purpose.SIGN else 'decrypts'}.")
    show_line(f"Next: fourseal-server organisation request {made.key_id}")


def request(home: Home, key_id: str, *, as_json: bool) -> None:
    """Ask for a certificate of a key."""
    with _ground(home) as ground:
        custody, now = ground.custody.keys, system_clock()
        made = request_for_organisation(ground.database, custody, key_id, secrets.token_bytes, now)
    if as_json:
        show_json({"certificate_request_id": made.certificate_request_id, "key_id": key_id})
        return
    number = made.certificate_request_id
    show_line(f"{number} waits. Next, by an officer: fourseal-server ra approve {number} --officer NAME")


def _ground(home: Home) -> Ground:
    return open_ground(home, settings_of(home), configure_log("error"))


def _organisation_json(organisation: Organisation) -> dict[str, Any]:
    return {
        "organisation": organisation.name,
        "display_name": organisation.display_name,
        "create_time": _time(organisation.create_time),
        "approvals": organisation.approvals,
    }


def _key_json(made: OrganisationKey, issued: IssuedCertificate | None) -> dict[str, Any]:
    return {
        "key_id": made.key_id,
        "organisation": made.organisation,
        "purpose": made.purpose.value,
        "kind": made.kind.value,
        "key_sha256": made.key_sha256.hex(),
        "create_time": _time(made.create_time),
        "fingerprint": None if issued is None else issued.fingerprint.hex(),
        "expire_time": None if issued is None else _time(issued.expire_time),
        "revocation_reason": None if issued is None else issued.revocation_reason,
    }


def _state(issued: IssuedCertificate | None) -> str:
    if issued is None:
        return "none"
    if issued.revoke_time is not None:
        return f"{issued.fingerprint.hex()}, revoked {_time(issued.revoke_time)}: {issued.revocation_reason}"
    return f"{issued.fingerprint.hex()}, until {_time(issued.expire_time)}"


def _time(time: datetime) -> str:
    return time.isoformat(timespec="seconds")
