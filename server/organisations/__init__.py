"""Organisations: institutions with keys of their own in custody, each for signing or for decryption."""

from server.organisations.keys import find_broken_keys, make_key, open_key
from server.organisations.register import register_organisation, require_organisation
from server.organisations.store import (
    Organisation,
    OrganisationKey,
    find_key,
    find_organisation,
    list_keys,
    list_organisations,
)

__all__ = [
    "Organisation",
    "OrganisationKey",
    "find_broken_keys",
    "find_key",
    "find_organisation",
    "list_keys",
    "list_organisations",
    "make_key",
    "open_key",
    "register_organisation",
    "require_organisation",
]
