"""``register``, ``login``, ``logout``, ``logins``, ``account``: who signs, and how one logs in."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Optional

import segno
import typer

from signer_agent.cli.files import write_file
from signer_agent.cli.invocation import Invocation, command, new_password, read_password
from signer_agent.contracts.contracts import Contracts
from signer_agent.contracts.login import LoginAttempt
from signer_agent.contracts.model import Account, FactorKind, FactorSetup, Login, SecondFactor
from signer_agent.contracts.signer_keys import EncryptKind, KeyChoice, SignKind
from wire.catalogue import ServiceError
from wire.client.named_files import read_file
from wire.client.output import OUTPUT

_MAX_RESPONSE_BYTES: Final = 64 << 10
_MAX_CODE_CHARACTERS: Final = 64

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The account's name.")]
PasswordFileOption = Annotated[
    Optional[Path],  # noqa: UP045  # typer reads it
    typer.Option(help="File with the account's password, for programs. A person is asked."),
]


class OfferedFactor(StrEnum):
    """The kinds of second factors that can be set up."""

    TOTP = FactorKind.TOTP.value
    SMS = FactorKind.SMS.value
    WEBAUTHN = FactorKind.WEBAUTHN.value


FactorOption = Annotated[OfferedFactor, typer.Option("--factor", help="Kind of the second factor.")]
PhoneOption = Annotated[str, typer.Option("--phone", help='For SMS: "+" and 7 to 15 digits.')]
HintOption = Annotated[str, typer.Option("--hint", help="What you know the second factor by.")]
CodeOption = Annotated[str, typer.Option("--code", help="The code, for programs. A person is asked.")]
OptionsFileOption = Annotated[
    Optional[Path],  # noqa: UP045  # typer reads it
    typer.Option("--options", help="WebAuthn: file to write the options to, for the browser or device."),
]
ResponseOption = Annotated[
    Optional[Path],  # noqa: UP045  # typer reads it
    typer.Option("--response", help="WebAuthn: file with the response of the browser or device, JSON."),
]
SignKeyOption = Annotated[SignKind, typer.Option("--sign-key", help="Kind of the key for signing.")]
EncryptKeyOption = Annotated[EncryptKind, typer.Option("--encrypt-key", help="Kind of the key for encryption.")]
HalfBitsOption = Annotated[int, typer.Option("--half-bits", help="Bits of halves and of RSA keys: 2048, 3072, 4096.")]

app = typer.Typer(help="The account that is logged in.", no_args_is_help=True)
factors = typer.Typer(help="Its second factors.", no_args_is_help=True)
app.add_typer(factors, name="factor")


def register(
    invocation: Invocation,
    name: NameArgument,
    *,
    display_name: Annotated[str, typer.Option(help="What people call you, 1 to 64 characters.")],
    factor: FactorOption = OfferedFactor.TOTP,
    phone: PhoneOption = "",
    hint: HintOption = "",
    password_file: PasswordFileOption = None,
    options: OptionsFileOption = None,
    sign_key: SignKeyOption = SignKind.HALF,
    encrypt_key: EncryptKeyOption = EncryptKind.HALF,
    half_bits: HalfBitsOption = 3072,
) -> None:
    """Register an account, set its second factor up, make its keys and get certificates. Logs in."""
    choice = KeyChoice(sign_key, encrypt_key, half_bits)
    password = new_password(password_file)

    async def work(contracts: Contracts) -> tuple[Account, FactorSetup]:
        account, setup = await contracts.accounts.register(
            name, display_name, password, FactorKind(factor), phone_number=phone, hint=hint
        )
        with OUTPUT.progress("Making the keys"):
            await contracts.keys.prepare(name, choice)
        if not _can_ask(setup):
            return account, setup
        _show_setup(setup, options)
        answered = {"code": _code("")}
        return await _confirmed(contracts, name, setup.factor.factor_id, password, answered), setup

    account, setup = invocation.with_contracts(work)
    content = _account_content(account)
    if not _can_ask(setup):
        content["setup"] = _setup_content(setup, options)
    OUTPUT.show(content, _account_rows(account))
    if not _can_ask(setup):
        OUTPUT.note(f"Next: {invocation.call_of(f'account factor confirm {name} {setup.factor.factor_id}')}")


def login(
    invocation: Invocation,
    name: NameArgument,
    *,
    password_file: PasswordFileOption = None,
    factor_id: Annotated[str, typer.Option("--factor-id", help="Which second factor, if there are several.")] = "",
    code: CodeOption = "",
    send: Annotated[bool, typer.Option("--send", help="SMS: have a code sent first.")] = False,
    options: OptionsFileOption = None,
    response: ResponseOption = None,
) -> None:
    """Log in by password and second factor; then this agent and the server prove to each other who they are."""
    password = read_password(password_file)

    async def work(contracts: Contracts) -> Login:
        attempt = await contracts.logins.begin(name, password)
        factor = _chosen(attempt, factor_id)
        if send and factor.kind is FactorKind.SMS:
            await contracts.logins.send_code(attempt, factor.factor_id)
        answered = _answer_login(attempt, factor, code, options, response)
        found = await contracts.logins.finish(attempt, factor.factor_id, **answered)
        return await _certified(contracts) or found

    found = invocation.with_contracts(work)
    rows = [("Logged in as", name), ("Until", f"{found.expire_time:%Y-%m-%d %H:%M} UTC, later if used")]
    rows.append(("Keys proved", "yes" if found.proven else "no"))
    OUTPUT.show({"name": name, **_login_content(found)}, rows)
    if not found.proven:
        OUTPUT.note(
            "This key store has no keys of the account with certificates that are valid now.",
            f"New ones revoke the old: {invocation.call_of('certificates renew')}",
        )


def logout(invocation: Invocation) -> None:
    """End the login and erase its token."""
    invocation.with_contracts(lambda contracts: contracts.logins.end())
    OUTPUT.show({"logged_in": False}, [("Login", "ended")])


def logins(
    invocation: Invocation,
    *,
    revoke: Annotated[str, typer.Option("--revoke", metavar="ID", help="End that login first.")] = "",
) -> None:
    """List the logins of the account that have not ended, newest first."""

    async def work(contracts: Contracts) -> list[Login]:
        if revoke:
            await contracts.logins.revoke(revoke)
        return await contracts.logins.list()

    found = invocation.with_contracts(work)
    columns = ("Login", "Agent", "Made", "Used", "Ends", "Keys proved", "")
    rows = [
        (
            each.login_id,
            each.agent_id,
            f"{each.create_time:%Y-%m-%d %H:%M}",
            f"{each.use_time:%Y-%m-%d %H:%M}",
            f"{each.expire_time:%Y-%m-%d %H:%M}",
            "yes" if each.proven else "no",
            "this one" if each.is_own else "",
        )
        for each in found
    ]
    OUTPUT.show_table([_login_content(each) for each in found], columns, rows)


@command(app)
def show(invocation: Invocation) -> None:
    """Show the account that is logged in."""
    account = invocation.with_contracts(lambda contracts: contracts.accounts.show())
    OUTPUT.show(_account_content(account), _account_rows(account))


@command(app)
def password(
    invocation: Invocation,
    *,
    password_file: PasswordFileOption = None,
    new_password_file: Annotated[
        Optional[Path],  # noqa: UP045  # typer reads it
        typer.Option(help="File with the new password, for programs. A person is asked."),
    ] = None,
) -> None:
    """Change the account's password. Every other login of the account ends."""
    old, new = read_password(password_file, "Old password"), new_password(new_password_file)
    invocation.with_contracts(lambda contracts: contracts.accounts.change_password(old, new))
    OUTPUT.show({"changed": True}, [("Password", "changed")])


@command(factors, "add")
def add_factor(
    invocation: Invocation,
    *,
    factor: FactorOption = OfferedFactor.TOTP,
    phone: PhoneOption = "",
    hint: HintOption = "",
    password_file: PasswordFileOption = None,
    options: OptionsFileOption = None,
) -> None:
    """Add a second factor. It works when it was confirmed."""
    secret = read_password(password_file)

    async def work(contracts: Contracts) -> tuple[str, FactorSetup]:
        setup = await contracts.accounts.add_factor(secret, FactorKind(factor), phone_number=phone, hint=hint)
        return (await contracts.accounts.show()).name, setup

    name, setup = invocation.with_contracts(work)
    if not OUTPUT.as_json:
        _show_setup(setup, options)
    OUTPUT.show(_setup_content(setup, options), [("Second factor", setup.factor.factor_id)])
    OUTPUT.note(f"Next: {invocation.call_of(f'account factor confirm {name} {setup.factor.factor_id}')}")


@command(factors, "confirm")
def confirm_factor(
    invocation: Invocation,
    name: NameArgument,
    factor_id: Annotated[str, typer.Argument(metavar="FACTOR", help="The second factor's id.")],
    *,
    password_file: PasswordFileOption = None,
    code: CodeOption = "",
    response: ResponseOption = None,
) -> None:
    """Show that a second factor works: the first one opens the account, and logs in."""
    secret = read_password(password_file)
    answered = {"webauthn_response_json": _response(response)} if response else {"code": _code(code)}
    account = invocation.with_contracts(lambda contracts: _confirmed(contracts, name, factor_id, secret, answered))
    OUTPUT.show(_account_content(account), _account_rows(account))


@command(factors, "remove")
def remove_factor(
    invocation: Invocation,
    factor_id: Annotated[str, typer.Argument(metavar="FACTOR", help="The second factor's id.")],
    *,
    password_file: PasswordFileOption = None,
) -> None:
    """Remove a second factor, but not the last."""
    secret = read_password(password_file)
    account = invocation.with_contracts(lambda contracts: contracts.accounts.remove_factor(secret, factor_id))
    OUTPUT.show(_account_content(account), _account_rows(account))


async def _confirmed(
    contracts: Contracts, name: str, factor_id: str, password: str, answered: dict[str, str]
) -> Account:
    """Confirm a second factor; the first one logs in, and gets certificates."""
    account = await contracts.accounts.confirm_factor(name, factor_id, password, **answered)
    await _certified(contracts)
    return account


async def _certified(contracts: Contracts) -> Login | None:
    """Get certificates for keys that have none yet, and prove them; None if there are no such keys."""
    if not await contracts.keys.is_pending():
        return None
    with OUTPUT.progress("Getting certificates") as on_step:
        await contracts.keys.make(KeyChoice(), on_step)
    return await contracts.logins.prove()


def _can_ask(setup: FactorSetup) -> bool:
    """Whether a person is there who can type the first code."""
    return sys.stdin.isatty() and not OUTPUT.as_json and setup.factor.kind is not FactorKind.WEBAUTHN


def _chosen(attempt: LoginAttempt, factor_id: str) -> SecondFactor:
    found = [each for each in attempt.second_factors if factor_id in ("", each.factor_id)]
    if not found:
        raise ServiceError("FACTOR_NOT_FOUND")
    return found[0]


def _answer_login(
    attempt: LoginAttempt, factor: SecondFactor, code: str, options: Path | None, response: Path | None
) -> dict[str, str]:
    if factor.kind is not FactorKind.WEBAUTHN:
        return {"code": _code(code)}
    if options is not None:
        write_file(options, attempt.webauthn_options_json.encode())
    else:
        OUTPUT.note(attempt.webauthn_options_json)
    if not sys.stdin.isatty():  # a program writes the response when it has read the options
        return {"webauthn_response_json": sys.stdin.read(_MAX_RESPONSE_BYTES)}
    if response is None:
        raise ServiceError("CODE_MISSING")
    typer.confirm(f"Is the response in {response}?", err=True, abort=True)
    return {"webauthn_response_json": _response(response)}


def _code(given: str) -> str:
    """The code: of the command line, of a person, or the first line of standard input."""
    if given:
        return given
    if sys.stdin.isatty():
        text: str = typer.prompt("Code", err=True)
    else:
        text = sys.stdin.readline(_MAX_CODE_CHARACTERS)
    if not text.strip():
        raise ServiceError("CODE_MISSING")
    return text.strip()


def _response(file: Path) -> str:
    return read_file(file, _MAX_RESPONSE_BYTES, "a WebAuthn response").decode(errors="replace")


def _show_setup(setup: FactorSetup, options: Path | None) -> None:
    if setup.totp_uri:
        OUTPUT.note("Scan this with your authenticator app, or give it the address. It is shown this once.")
        if sys.stderr.isatty():
            segno.make(setup.totp_uri).terminal(out=sys.stderr, compact=True)
        OUTPUT.note(setup.totp_uri)
    elif setup.webauthn_options_json and options is not None:
        write_file(options, setup.webauthn_options_json.encode())
    elif setup.webauthn_options_json:
        OUTPUT.note(setup.webauthn_options_json)


def _setup_content(setup: FactorSetup, options: Path | None) -> dict[str, Any]:
    if options is not None and setup.webauthn_options_json:
        write_file(options, setup.webauthn_options_json.encode())
    return {
        "factor_id": setup.factor.factor_id,
        "kind": setup.factor.kind.value,
        "totp_uri": setup.totp_uri,
        "webauthn_options": setup.webauthn_options_json,
    }


def _account_content(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "display_name": account.display_name,
        "state": account.state.value,
        "second_factors": [
            {"factor_id": each.factor_id, "kind": each.kind.value, "hint": each.hint} for each in account.second_factors
        ],
        "create_time": account.create_time.isoformat(),
    }


def _account_rows(account: Account) -> list[tuple[str, str]]:
    return [
        ("Account", account.name),
        ("Display name", account.display_name),
        ("State", account.state.replace("-", " ")),
        *(
            ("Second factor", f"{each.factor_id}  {each.kind}" + (f"  {each.hint}" if each.hint else ""))
            for each in account.second_factors
        ),
        ("Registered", f"{account.create_time:%Y-%m-%d %H:%M} UTC"),
    ]


def _login_content(found: Login) -> dict[str, Any]:
    return {
        "login_id": found.login_id,
        "agent_id": found.agent_id,
        "create_time": found.create_time.isoformat(),
        "use_time": found.use_time.isoformat(),
        "expire_time": found.expire_time.isoformat(),
        "proven": found.proven,
        "is_own": found.is_own,
    }
