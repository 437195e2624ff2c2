"""AccountService."""

from __future__ import annotations

from typing import TypeVar

from fourseal.v1 import account_service_pb2 as pb
from fourseal.v1 import account_service_pb2_grpc
from google.protobuf.message import Message

from server.identity.account_rules import AccountRules
from server.identity.callers import CallerReader
from server.identity.factors.factors import Answer
from server.identity.logins.possession import SignerProof
from server.identity.rpc.convert import (
    Context,
    account_to_proto,
    factor_to_proto,
    login_to_proto,
    new_factor_from_proto,
    setup_to_proto,
)
from server.identity.store.logins import Login
from server.journal import Caller, request_of
from wire.convert import time_of, timestamp_of
from wire.peer import login_token

M = TypeVar("M", bound=Message)


class AccountRpc(account_service_pb2_grpc.AccountServiceServicer):
    """AccountService.

    Args:
        callers: says who calls.
        rules: what is done.
    """

    def __init__(self, callers: CallerReader, rules: AccountRules) -> None:
        self._callers = callers
        self._rules = rules

    async def RegisterAccount(self, request: pb.RegisterAccountRequest, context: Context) -> pb.RegisterAccountResponse:
        """See the proto."""
        wish = new_factor_from_proto(request.second_factor)
        journaled = request_of(self._caller(context), request.request_id, "RegisterAccount", _without_password(request))
        registered = await self._rules.registration.register(
            journaled, request.name, request.display_name, request.password, wish
        )
        return pb.RegisterAccountResponse(
            account=account_to_proto(registered.view), setup=setup_to_proto(registered.setup)
        )

    async def ConfirmSecondFactor(
        self, request: pb.ConfirmSecondFactorRequest, context: Context
    ) -> pb.ConfirmSecondFactorResponse:
        """See the proto."""
        answer = Answer(request.code, request.webauthn_response_json)
        confirmed = await self._rules.registration.confirm(
            self._caller(context), request.name, request.factor_id, request.password, answer
        )
        response = pb.ConfirmSecondFactorResponse(account=account_to_proto(confirmed.view), token=confirmed.token)
        if confirmed.login is not None:
            response.login.CopyFrom(login_to_proto(confirmed.login, self._rules.logins))
        return response

    async def BeginLogin(self, request: pb.BeginLoginRequest, context: Context) -> pb.BeginLoginResponse:
        """See the proto."""
        begun = await self._rules.logging_in.begin(self._caller(context), request.name, request.password)
        return pb.BeginLoginResponse(
            challenge=begun.token,
            second_factors=map(factor_to_proto, begun.factors),
            webauthn_options_json=begun.webauthn_options_json,
        )

    async def SendLoginCode(self, request: pb.SendLoginCodeRequest, context: Context) -> pb.SendLoginCodeResponse:
        """See the proto."""
        await self._rules.logging_in.send_code(self._caller(context), request.challenge, request.factor_id)
        return pb.SendLoginCodeResponse()

    async def FinishLogin(self, request: pb.FinishLoginRequest, context: Context) -> pb.FinishLoginResponse:
        """See the proto."""
        answer = Answer(request.code, request.webauthn_response_json)
        finished = await self._rules.logging_in.finish(
            self._caller(context), request.challenge, request.factor_id, answer
        )
        return pb.FinishLoginResponse(
            token=finished.token,
            login=login_to_proto(finished.login, self._rules.logins),
            account=account_to_proto(finished.account),
        )

    async def RevokeLogin(self, request: pb.RevokeLoginRequest, context: Context) -> pb.RevokeLoginResponse:
        """See the proto."""
        await self._rules.logins.revoke(await self._login(context), request.login_id)
        return pb.RevokeLoginResponse()

    async def ListLogins(self, request: pb.ListLoginsRequest, context: Context) -> pb.ListLoginsResponse:
        """See the proto."""
        page = await self._rules.logins.list(await self._login(context), request.page_size, request.page_token)
        logins = [login_to_proto(each, self._rules.logins) for each in page.rows]
        return pb.ListLoginsResponse(logins=logins, next_page_token=page.next_token)

    async def GetAccount(self, request: pb.GetAccountRequest, context: Context) -> pb.GetAccountResponse:
        """See the proto."""
        view = await self._rules.changes.get(await self._login(context))
        return pb.GetAccountResponse(account=account_to_proto(view))

    async def ChangePassword(self, request: pb.ChangePasswordRequest, context: Context) -> pb.ChangePasswordResponse:
        """See the proto."""
        login = await self._login(context)
        await self._rules.changes.change_password(login, request.password, request.new_password)
        return pb.ChangePasswordResponse()

    async def AddSecondFactor(self, request: pb.AddSecondFactorRequest, context: Context) -> pb.AddSecondFactorResponse:
        """See the proto."""
        login = await self._login(context)
        wish = new_factor_from_proto(request.second_factor)
        bare = _without_password(request)
        journaled = request_of(login.caller, request.request_id, "AddSecondFactor", bare, account=login.account)
        setup = await self._rules.changes.add_factor(journaled, login, request.password, wish)
        return pb.AddSecondFactorResponse(setup=setup_to_proto(setup))

    async def RemoveSecondFactor(
        self, request: pb.RemoveSecondFactorRequest, context: Context
    ) -> pb.RemoveSecondFactorResponse:
        """See the proto."""
        login = await self._login(context)
        view = await self._rules.changes.remove_factor(login, request.password, request.factor_id)
        return pb.RemoveSecondFactorResponse(account=account_to_proto(view))

    async def BeginPossessionProof(
        self, request: pb.BeginPossessionProofRequest, context: Context
    ) -> pb.BeginPossessionProofResponse:
        """See the proto."""
        proof = await self._rules.possession.begin(await self._login(context), request.client_nonce)
        return pb.BeginPossessionProofResponse(
            server_nonce=proof.server_nonce,
            time=timestamp_of(proof.time),
            server_certificate_der=proof.server_certificate,
            server_signature=proof.signature,
        )

    async def FinishPossessionProof(
        self, request: pb.FinishPossessionProofRequest, context: Context
    ) -> pb.FinishPossessionProofResponse:
        """See the proto."""
        login = await self._login(context)
        given = SignerProof(
            server_nonce=request.server_nonce,
            time=time_of(request.time, "time"),
            sign_certificate=request.sign_certificate_der,
            encrypt_certificate=request.encrypt_certificate_der,
            signature=request.signature,
        )
        proven = await self._rules.possession.finish(login, given)
        return pb.FinishPossessionProofResponse(login=login_to_proto(proven, self._rules.logins))

    def _caller(self, context: Context) -> Caller:
        return self._callers.of(context)

    async def _login(self, context: Context) -> Login:
        return await self._rules.logins.read(login_token(context), self._caller(context))


def _without_password(request: M) -> M:
    """A request as the journal sees it: its digest must not be a fast hash of a password."""
    bare = type(request)()
    bare.CopyFrom(request)
    bare.ClearField("password")
    return bare
