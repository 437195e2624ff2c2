"""Whose contract it is: nobody else learns that there is one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from server.drafting.store import contracts as store
from server.drafting.store.contracts import Contract, Party, Version
from server.identity import IssuedCertificate, find_certificate
from wire.catalogue import ServiceError


@dataclass(frozen=True, slots=True)
class Own:
    """A contract with its parties, sorted by account."""

    contract: Contract
    parties: list[Party]

    def party(self, account: str) -> Party:
        """The party of that name. Its caller has seen that there is one."""
        return next(each for each in self.parties if each.account == account)

    @property
    def accounts(self) -> list[str]:
        """Of all parties."""
        return [each.account for each in self.parties]

    @property
    def locked_version(self) -> int:
        """The version that all have confirmed; 0: there is none."""
        confirmed = {each.confirmed_version for each in self.parties}
        return confirmed.pop() if len(confirmed) == 1 else 0


def read_own(connection: Connection, contract_id: str) -> Own | None:
    """A contract with its parties; for the operator, and ``find_own``."""
    contract = store.find_contract(connection, contract_id)
    if contract is None:
        return None
    return Own(contract, store.list_parties(connection, [contract_id])[contract_id])


def find_own(connection: Connection, contract_id: str, account: str) -> Own:
    """A contract that an account is party of.

    Raises:
        ServiceError: CONTRACT_NOT_FOUND.
    """
    own = read_own(connection, contract_id)
    if own is None or account not in own.accounts:
        raise ServiceError("CONTRACT_NOT_FOUND")
    return own


def find_locked(connection: Connection, own: Own) -> Version:
    """The version that all have confirmed. The contract is locked, or further."""
    found = store.find_version(connection, own.contract.contract_id, own.locked_version)
    assert found is not None  # noqa: S101  # none is ever deleted
    return found


def find_certificates(connection: Connection, own: Own) -> list[IssuedCertificate]:
    """The certificates that all have confirmed with, in the order of the parties."""
    found = [find_certificate(connection, each.certificate or b"") for each in own.parties]
    return [each for each in found if each is not None]  # all of them: none is ever deleted


def find_ended(connection: Connection, own: Own, now: datetime) -> str | None:
    """An account whose certificate was revoked, or its time is over; None if all hold."""
    return next((each.account for each in find_certificates(connection, own) if not each.holds(now)), None)


def require_certificates(connection: Connection, own: Own, now: datetime) -> None:
    """See that the certificates of all parties hold.

    Raises:
        ServiceError: CONTRACT_CERTIFICATE_ENDED.
    """
    ended = find_ended(connection, own, now)
    if ended is not None:
        raise ServiceError("CONTRACT_CERTIFICATE_ENDED", account=ended)
