"""Organisations as everybody who is logged in sees them: whoever asks for a grant must know keys and administrators."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from server.identity import IssuedCertificate, find_by_key
from server.organisations import Organisation, OrganisationKey, find_organisation, list_administrators, list_keys
from server.storage import Database
from wire.catalogue import ServiceError


@dataclass(frozen=True, slots=True)
class Overview:
    """An organisation, its administrators, and its keys, each with its certificate if it has one."""

    organisation: Organisation
    administrators: list[str]
    keys: list[tuple[OrganisationKey, IssuedCertificate | None]]


async def read_overview(database: Database, name: str) -> Overview:
    """The organisation of that name.

    Raises:
        ServiceError: ORGANISATION_NOT_FOUND.
    """
    return await database.read(partial(_read, name=name))


def _read(connection: Connection, name: str) -> Overview:
    organisation = find_organisation(connection, name)
    if organisation is None:
        raise ServiceError("ORGANISATION_NOT_FOUND", organisation=name)
    keys = [(key, find_by_key(connection, key.key_sha256)) for key in list_keys(connection, name)]
    return Overview(organisation, list(list_administrators(connection, name)), keys)
