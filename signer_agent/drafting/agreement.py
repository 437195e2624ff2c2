"""Whether all parties sign the same, as far as the server shows it: before one signs, and before one consents."""

from __future__ import annotations

from contract.drafting.statements import ContractStatement
from mpc.errors import PeerMisbehaved
from mpc.four_prime_rsa import Role
from signer_agent.drafting.model import Contract
from signer_agent.drafting.reading import wrong


def check_signed_alike(contract: Contract, ours: ContractStatement) -> None:
    """See that who has signed before has signed the same as we are about to.

    Raises:
        PeerMisbehaved: CONTRACT_ANSWER_WRONG; the culprit is the server, which showed another draft to it.
    """
    for party in contract.parties:
        if party.statement is not None and _said(party.statement) != _said(ours):
            raise wrong(f"{party.account} signed something else than what you are shown")


def check_agreement(contract: Contract) -> None:
    """See that all parties signed the same, before one consents to it.

    Raises:
        PeerMisbehaved: CONTRACT_ANSWER_WRONG; the culprit is the server.
    """
    first = contract.parties[0].statement
    for party in contract.parties:
        each = party.statement
        if each is None or first is None:
            raise wrong(f"{party.account} did not sign")
        if _said(each) != _said(first):
            raise wrong(f"{contract.parties[0].account} and {party.account} signed different things")
        if each.number != contract.agreed_version or each.title != contract.summary.title:
            raise wrong(f"{party.account} signed another version")


def refused(check: str, who: str, problem: str) -> PeerMisbehaved:
    """That a document of the server is not signed. ``who``: whose part of it is wrong."""
    return PeerMisbehaved(
        "CONTRACT_DOCUMENT_WRONG",
        f"the document that the server made is not the contract: {check} of {who}: {problem}",
        culprit=Role.SERVER,
        check=check,
        who=who,
        problem=problem,
    )


def _said(statement: ContractStatement) -> tuple[object, ...]:
    return (
        statement.title,
        statement.number,
        statement.draft_digest,
        statement.text_digest,
        statement.signers,
    )
