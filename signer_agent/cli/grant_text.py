"""Grants as text for people and as JSON for programs."""

from __future__ import annotations

from typing import Any, Final

from contract.trusteeship.grants import GrantAction, GrantOrder
from mpc.four_prime_rsa import Purpose
from signer_agent.cli.message_text import visible
from signer_agent.evidence.facts import time_text
from signer_agent.trusteeship.grants import Grant, GrantState

_DOES: Final = {Purpose.SIGN: "sign with", Purpose.DECRYPT: "decrypt with"}
_EFFECTS: Final = {
    GrantAction.APPROVE: "APPROVE it: once enough administrators did, the user can do all of that.",
    GrantAction.REFUSE: "REFUSE it.",
    GrantAction.SUSPEND: "SUSPEND it, at once: it cannot be used until it was approved again.",
    GrantAction.REVOKE: "REVOKE it, at once and for good, also for uses under way.",
}
_DONE: Final = {
    GrantAction.APPROVE: "approved",
    GrantAction.REFUSE: "refused",
    GrantAction.SUSPEND: "suspended",
    GrantAction.REVOKE: "revoked",
}
COLUMNS: Final = ("Grant", "User", "Organisation", "Does", "Uses", "Until", "State")


def grant_row(grant: Grant) -> tuple[str, ...]:
    """A line of a list."""
    asked = grant.request
    uses = f"{grant.used} of {asked.uses}"
    does = f"{asked.purpose} by {asked.key_id}"
    return grant.grant_id, asked.user, asked.organisation, does, uses, time_text(asked.end), _state(grant)


def grant_rows(grant: Grant) -> list[tuple[str, str]]:
    """All that a grant allows, and what became of it."""
    asked = grant.request
    rows = [
        ("Grant", grant.grant_id),
        ("Who", f"{asked.user} asks to {_DOES[asked.purpose]} the key {asked.key_id} of {asked.organisation}"),
        ("What", f"documents of kind {' or '.join(asked.document_kinds)}" if asked.document_kinds else "of any kind"),
        *(("Only", f"SHA-256 {each.hex()}") for each in asked.digests),
        ("How often", f"at most {asked.uses} times; {grant.used} were counted"),
        ("From", time_text(asked.begin)),
        ("Until", time_text(asked.end)),
        ("Why", visible(asked.reason)),
        ("Approvals", f"{asked.approvals} needed; of this round: {', '.join(grant.approved_by) or 'none yet'}"),
        ("State", _state(grant)),
    ]
    return rows + [("Ordered", _order_text(each)) for each in grant.orders]


def order_lines(grant: Grant, action: GrantAction, reason: str) -> list[str]:
    """What an administrator is about to sign."""
    rows = [*grant_rows(grant), *([("You say", visible(reason))] if reason else [])]
    width = max(len(name) for name, _ in rows)
    return [*(f"{name:<{width}}  {value}" for name, value in rows), f"You are about to {_EFFECTS[action]}"]


def grant_json(grant: Grant) -> dict[str, Any]:
    """For programs."""
    asked = grant.request
    return {
        "grant_id": grant.grant_id,
        "organisation": asked.organisation,
        "key_id": asked.key_id,
        "key_certificate": asked.key_certificate.hex(),
        "purpose": asked.purpose.value,
        "user": asked.user,
        "document_kinds": list(asked.document_kinds),
        "digests": [each.hex() for each in asked.digests],
        "uses": asked.uses,
        "used": grant.used,
        "begin_time": asked.begin.isoformat(),
        "end_time": asked.end.isoformat(),
        "approvals": asked.approvals,
        "reason": asked.reason,
        "state": grant.state.value,
        "round": grant.round,
        "approved_by": list(grant.approved_by),
        "orders": [
            {
                "action": each.action.value,
                "administrator": each.administrator,
                "round": each.round,
                "reason": each.reason,
                "time": each.time.isoformat(),
            }
            for each in grant.orders
        ],
        "create_time": grant.create_time.isoformat(),
    }


def _state(grant: Grant) -> str:
    if grant.state in {GrantState.REQUESTED, GrantState.SUSPENDED}:
        return f"{grant.state}, {len(grant.approved_by)} of {grant.request.approvals} approvals"
    return grant.state.value


def _order_text(order: GrantOrder) -> str:
    said = f": {visible(order.reason)}" if order.reason else ""
    return f"{_DONE[order.action]} by {order.administrator}, {time_text(order.time)}, round {order.round}{said}"
