"""Accounts and logins in protobuf messages, read strictly."""

from __future__ import annotations

from datetime import UTC
from typing import Final

from fourseal.v1 import account_pb2, account_service_pb2

from contract.names import check_display_name
from mpc.errors import FoursealError
from signer_agent.contracts.model import Account, AccountState, FactorKind, FactorSetup, Login, SecondFactor
from wire.client.blame import answer_malformed

_KINDS: Final = {
    account_pb2.SECOND_FACTOR_KIND_TOTP: FactorKind.TOTP,
    account_pb2.SECOND_FACTOR_KIND_SMS: FactorKind.SMS,
    account_pb2.SECOND_FACTOR_KIND_WEBAUTHN: FactorKind.WEBAUTHN,
}
_KINDS_BACK: Final = {ours: proto for proto, ours in _KINDS.items()}
_STATES: Final = {
    account_pb2.ACCOUNT_STATE_AWAITING_FACTOR: AccountState.AWAITING_FACTOR,
    account_pb2.ACCOUNT_STATE_ACTIVE: AccountState.ACTIVE,
    account_pb2.ACCOUNT_STATE_DISABLED: AccountState.DISABLED,
}


def kind_to_proto(kind: FactorKind) -> account_pb2.SecondFactorKind.ValueType:
    """The proto's value; unspecified for one that is not known."""
    return _KINDS_BACK.get(kind, account_pb2.SECOND_FACTOR_KIND_UNSPECIFIED)


def factor_from_proto(factor: account_pb2.SecondFactor) -> SecondFactor:
    """Read a second factor."""
    return SecondFactor(factor.factor_id, _KINDS.get(factor.kind, FactorKind.UNKNOWN), factor.hint)


def factor_to_proto(factor: SecondFactor) -> account_pb2.SecondFactor:
    """A second factor as the daemon sends it."""
    return account_pb2.SecondFactor(factor_id=factor.factor_id, kind=kind_to_proto(factor.kind), hint=factor.hint)


def setup_from_proto(setup: account_service_pb2.SecondFactorSetup) -> FactorSetup:
    """Read how a second factor is set up."""
    return FactorSetup(factor_from_proto(setup.factor), setup.totp_uri, setup.webauthn_options_json)


def account_from_proto(account: account_pb2.Account, name: str) -> Account:
    """Read the account ``name``.

    Raises:
        PeerMisbehaved: ANSWER_MALFORMED; the culprit is the server.
    """
    if account.name != name:
        raise answer_malformed("it is another account's")
    try:
        return Account(
            name,
            check_display_name(account.display_name),
            _STATES.get(account.state, AccountState.UNKNOWN),
            tuple(map(factor_from_proto, account.second_factors)),
            account.create_time.ToDatetime(UTC),
        )
    except (FoursealError, ValueError, OverflowError) as error:
        raise answer_malformed(f"an account of it does not hold: {error}") from error


def login_from_proto(login: account_pb2.Login, own_id: str) -> Login:
    """Read a login; ``own_id`` is that of ours.

    Raises:
        PeerMisbehaved: ANSWER_MALFORMED; the culprit is the server.
    """
    try:
        return Login(
            login.login_id,
            login.agent_id,
            login.create_time.ToDatetime(UTC),
            login.expire_time.ToDatetime(UTC),
            login.use_time.ToDatetime(UTC),
            login.proven,
            login.login_id == own_id,
        )
    except (ValueError, OverflowError) as error:
        raise answer_malformed("a time of it is none") from error
