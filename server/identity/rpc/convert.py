"""What the rules of accounts take and give, as messages."""

from __future__ import annotations

from typing import Any, Final

import grpc
from fourseal.v1 import account_pb2, account_service_pb2, certificate_service_pb2

from server.identity.accounts.view import AccountView
from server.identity.factors.factors import FactorSetup, NewFactor
from server.identity.logins.logins import Logins
from server.identity.store.accounts import AccountState
from server.identity.store.certificates import IssuedCertificate, RevocationReason
from server.identity.store.factors import FactorKind, SecondFactor
from server.identity.store.logins import Login
from wire.catalogue import ServiceError
from wire.convert import (
    certificate_purpose_to_proto,
    revocation_reason_from_proto,
    revocation_reason_to_proto,
    timestamp_of,
)

Context = grpc.aio.ServicerContext[Any, Any]

_KINDS: Final = {
    account_pb2.SECOND_FACTOR_KIND_TOTP: FactorKind.TOTP,
    account_pb2.SECOND_FACTOR_KIND_SMS: FactorKind.SMS,
    account_pb2.SECOND_FACTOR_KIND_WEBAUTHN: FactorKind.WEBAUTHN,
}
_KINDS_BACK: Final = {ours: proto for proto, ours in _KINDS.items()}
_STATES: Final = {
    AccountState.AWAITING_FACTOR: account_pb2.ACCOUNT_STATE_AWAITING_FACTOR,
    AccountState.ACTIVE: account_pb2.ACCOUNT_STATE_ACTIVE,
    AccountState.DISABLED: account_pb2.ACCOUNT_STATE_DISABLED,
}


def new_factor_from_proto(wish: account_service_pb2.NewSecondFactor) -> NewFactor:
    """What a factor starts from.

    Raises:
        ServiceError: FIELD_INVALID: no kind.
    """
    if wish.kind not in _KINDS:
        raise ServiceError("FIELD_INVALID", field="second_factor.kind", problem="not a kind of second factor")
    return NewFactor(_KINDS[wish.kind], wish.phone_number, wish.hint)


def reason_from_proto(reason: certificate_service_pb2.RevocationReason.ValueType) -> RevocationReason:
    """Why a certificate is revoked.

    Raises:
        ServiceError: FIELD_INVALID: no reason.
    """
    return RevocationReason[revocation_reason_from_proto(reason)]


def factor_to_proto(factor: SecondFactor) -> account_pb2.SecondFactor:
    """A second factor as its owner sees it."""
    return account_pb2.SecondFactor(factor_id=factor.factor_id, kind=_KINDS_BACK[factor.kind], hint=factor.hint)


def setup_to_proto(setup: FactorSetup) -> account_service_pb2.SecondFactorSetup:
    """How a second factor is set up."""
    return account_service_pb2.SecondFactorSetup(
        factor=factor_to_proto(setup.factor),
        totp_uri=setup.totp_uri,
        webauthn_options_json=setup.webauthn_options_json,
    )


def account_to_proto(view: AccountView) -> account_pb2.Account:
    """An account as its owner sees it."""
    return account_pb2.Account(
        name=view.account.name,
        display_name=view.account.display_name,
        state=_STATES[view.account.state],
        second_factors=map(factor_to_proto, view.factors),
        create_time=timestamp_of(view.account.create_time),
    )


def login_to_proto(login: Login, logins: Logins) -> account_pb2.Login:
    """A login as its owner sees it."""
    return account_pb2.Login(
        login_id=login.login_id,
        agent_id=login.caller.agent_id,
        create_time=timestamp_of(login.create_time),
        expire_time=timestamp_of(logins.expire_time(login)),
        use_time=timestamp_of(login.use_time),
        proven=logins.is_proven(login),
    )


def certificate_to_proto(issued: IssuedCertificate | None) -> certificate_service_pb2.SignerCertificate | None:
    """A certificate and its state; None for none."""
    if issued is None:
        return None
    return certificate_service_pb2.SignerCertificate(
        certificate_der=issued.certificate,
        purpose=certificate_purpose_to_proto(issued.purpose),
        expire_time=timestamp_of(issued.expire_time),
        revoke_time=None if issued.revoke_time is None else timestamp_of(issued.revoke_time),
        revocation_reason=revocation_reason_to_proto(issued.revocation_reason and issued.revocation_reason.name),
    )
