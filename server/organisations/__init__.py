"""Organisations: institutions with keys of their own in custody, each for signing or for decryption.

Accounts administer them: which, and how many of these must approve a grant, the operator says.
"""

from server.organisations.administration import add_administrator, remove_administrator, set_approvals
from server.organisations.keys import find_broken_keys, make_key, open_key
from server.organisations.register import register_organisation, require_organisation
from server.organisations.store import (
    Organisation,
    OrganisationKey,
    find_key,
    find_organisation,
    list_administrators,
    list_keys,
    list_organisations,
)

__all__ = [
    "Organisation",
    "OrganisationKey",
    "add_administrator",
    "find_broken_keys",
    "find_key",
    "find_organisation",
    "list_administrators",
    "list_keys",
    "list_organisations",
    "make_key",
    "open_key",
    "register_organisation",
    "remove_administrator",
    "require_organisation",
    "set_approvals",
]
