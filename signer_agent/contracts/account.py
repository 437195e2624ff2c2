"""Accounts: registration, second factors, the password."""

from __future__ import annotations

from fourseal.v1 import account_service_pb2 as pb

from contract.names import check_account_name, check_display_name
from signer_agent.contracts.account_messages import account_from_proto, kind_to_proto, setup_from_proto
from signer_agent.contracts.login import LoginLine
from signer_agent.contracts.model import Account, FactorKind, FactorSetup
from wire.ids import new_request_id


class Accounts:
    """What concerns accounts. Every method raises FoursealError, what the server refuses among them.

    Args:
        line: with the login, where a method needs one.
    """

    def __init__(self, line: LoginLine) -> None:
        self._line = line
        self._rpc = line.line.accounts

    async def register(
        self,
        name: str,
        display_name: str,
        password: str,
        kind: FactorKind = FactorKind.TOTP,
        *,
        phone_number: str = "",
        hint: str = "",
        request_id: str | None = None,
    ) -> tuple[Account, FactorSetup]:
        """Register an account, which waits for its second factor. Needs no login.

        Args:
            name: 1 to 63 characters of [a-z0-9._-], first and last of [a-z0-9].
            display_name: what people call it, 1 to 64 characters.
            password: 12 characters to 1024 bytes of UTF-8.
            kind: of the second factor.
            phone_number: for SMS: "+" and 7 to 15 digits.
            hint: what its owner knows the factor by, at most 64 characters.
            request_id: a repeat with the same has the same setup; by default a fresh one.

        Raises ACCOUNT_EXISTS, PASSWORD_UNSUITABLE, FACTOR_NOT_OFFERED.
        """
        request = pb.RegisterAccountRequest(
            request_id=request_id or new_request_id(),
            name=check_account_name(name),
            display_name=check_display_name(display_name),
            password=password,
            second_factor=pb.NewSecondFactor(kind=kind_to_proto(kind), phone_number=phone_number, hint=hint),
        )
        answer = await self._line.line.call(self._rpc.RegisterAccount, request)
        return account_from_proto(answer.account, name), setup_from_proto(answer.setup)

    async def confirm_factor(
        self, name: str, factor_id: str, password: str, *, code: str = "", webauthn_response_json: str = ""
    ) -> Account:
        """Show that a second factor works. Needs no login; the first factor of an account logs in.

        Raises LOGIN_FAILED.
        """
        request = pb.ConfirmSecondFactorRequest(
            name=check_account_name(name),
            factor_id=factor_id,
            password=password,
            code=code,
            webauthn_response_json=webauthn_response_json,
        )
        answer = await self._line.line.call(self._rpc.ConfirmSecondFactor, request)
        account = account_from_proto(answer.account, name)
        if answer.token:
            await self._line.keep(name, answer.login.login_id, answer.token)
        return account

    async def show(self) -> Account:
        """The account that is logged in."""
        stored = await self._line.login()
        answer = await self._line.call(self._rpc.GetAccount, pb.GetAccountRequest())
        return account_from_proto(answer.account, stored.account)

    async def change_password(self, password: str, new_password: str) -> None:
        """Change the password; every other login of the account ends."""
        request = pb.ChangePasswordRequest(password=password, new_password=new_password)
        await self._line.call(self._rpc.ChangePassword, request)

    async def add_factor(
        self, password: str, kind: FactorKind, *, phone_number: str = "", hint: str = "", request_id: str | None = None
    ) -> FactorSetup:
        """Add a second factor, to be confirmed by ``confirm_factor``. See ``register``."""
        request = pb.AddSecondFactorRequest(
            request_id=request_id or new_request_id(),
            password=password,
            second_factor=pb.NewSecondFactor(kind=kind_to_proto(kind), phone_number=phone_number, hint=hint),
        )
        return setup_from_proto((await self._line.call(self._rpc.AddSecondFactor, request)).setup)

    async def remove_factor(self, password: str, factor_id: str) -> Account:
        """Remove a second factor; one that is gone already stays gone. Raises LOGIN_FAILED, LAST_FACTOR."""
        stored = await self._line.login()
        request = pb.RemoveSecondFactorRequest(password=password, factor_id=factor_id)
        answer = await self._line.call(self._rpc.RemoveSecondFactor, request)
        return account_from_proto(answer.account, stored.account)
