"""What every command has: the agent's folder, the passphrase, ``--json``; and how a command gets at the agent.

A command is a function whose first parameter is an ``Invocation``; ``command`` registers it, with the options of an
invocation behind its own. An agent is the daemon if it runs unlocked, else the key store opened with its passphrase.
"""

from __future__ import annotations

import asyncio
import functools
import getpass
import inspect
import shlex
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from mpc.errors import FoursealError
from signer_agent.blocking import Agent
from signer_agent.home import HOME_VARIABLE, Home
from signer_agent.keystore.sealing import MAX_PASSPHRASE_BYTES
from signer_agent.keystore.store import KeyStore
from wire.catalogue import ServiceError
from wire.client.named_files import read_file
from wire.client.output import OUTPUT

if TYPE_CHECKING:
    from signer_agent.client.agent import LocalAgent
    from signer_agent.contracts.contracts import Contracts

_NO_DAEMON: Final = ("AGENT_NOT_RUNNING", "AGENT_LOCKED")

_Result = TypeVar("_Result")
_Command = TypeVar("_Command", bound=Callable[..., None])


@dataclass(frozen=True, slots=True)
class Invocation:
    """What the options that every command has say.

    Args:
        home: the agent's folder.
        passphrase_file: where the passphrase is; None to ask a person.
    """

    home: Home
    passphrase_file: Path | None

    def call_of(self, command: str) -> str:
        """How a person calls another command for the same agent."""
        named = "" if self.home == Home.find() else f" --home {shlex.quote(str(self.home.folder))}"
        return f"fourseal {command}{named}"

    @contextmanager
    def agent(self) -> Iterator[Agent]:
        """Use the daemon, or open the key store.

        Raises:
            FoursealError: those of ``AsyncAgent.open`` and ``passphrase``.
        """
        agent = self._daemon()
        if agent is None:
            agent = Agent.open(passphrase=self.passphrase(), home=self.home.folder)
            warn_of_wrong_pins(agent.state().wrong_pins)
        with agent:
            yield agent

    def with_contracts(self, work: Callable[[Contracts], Awaitable[_Result]]) -> _Result:
        """As ``with_store``, for accounts and contract sessions. Also raises those of ``LocalAgent.contracts``."""

        async def with_these(agent: LocalAgent) -> _Result:
            return await work(await agent.contracts())

        return self.with_store(with_these)

    def with_store(self, work: Callable[[LocalAgent], Awaitable[_Result]], prompt: str = "Passphrase") -> _Result:
        """Open the key store, also beside a daemon; returns what ``work`` does.

        Raises:
            FoursealError: those of ``LocalAgent.open_store``, ``passphrase`` and ``work``.
        """
        from signer_agent.client.agent import LocalAgent  # noqa: PLC0415  # takes as long to import as all else

        passphrase = self.passphrase(prompt)

        async def opened() -> _Result:
            agent = await LocalAgent.open_store(self.home, passphrase)
            warn_of_wrong_pins((await agent.state()).wrong_pins)
            try:
                return await work(agent)
            finally:
                await agent.close()

        return asyncio.run(opened())

    def passphrase(self, prompt: str = "Passphrase") -> str:
        """Take the passphrase, or the PIN, from its file, or ask a person.

        Raises:
            ServiceError: PASSPHRASE_MISSING: nobody can be asked; FILE_UNUSABLE; PASSPHRASE_UNSUITABLE: not UTF-8;
                those of ``KeyStore.header``.
        """
        guarded = KeyStore.header(self.home).guard is not None
        return _read_passphrase(self.passphrase_file, "PIN" if guarded else prompt)

    def _daemon(self) -> Agent | None:
        try:
            return Agent.connect(home=self.home.folder)
        except FoursealError as error:
            if error.reason in _NO_DAEMON:
                return None
            raise


def new_passphrase(file: Path | None, what: str = "passphrase") -> str:
    """Take a new passphrase, or a new PIN, from its file, or ask a person twice.

    Raises:
        ServiceError: as ``Invocation.passphrase``; PASSPHRASE_UNSUITABLE: the two differ.
    """
    passphrase = _read_passphrase(file, f"New {what}")
    if file is None and _read_passphrase(None, "The same again") != passphrase:
        raise ServiceError("PASSPHRASE_UNSUITABLE", problem="the two are not the same")
    return passphrase


def read_password(file: Path | None, prompt: str = "Password") -> str:
    """Take an account's password from its file, or ask a person.

    Raises:
        ServiceError: PASSWORD_MISSING: nobody can be asked; FILE_UNUSABLE; PASSPHRASE_UNSUITABLE: not UTF-8.
    """
    if file is None and not sys.stdin.isatty():
        raise ServiceError("PASSWORD_MISSING")
    return _read_passphrase(file, prompt)


def new_password(file: Path | None) -> str:
    """Take an account's new password from its file, or ask a person twice.

    Raises:
        ServiceError: as ``read_password``; PASSWORD_UNSUITABLE: the two differ.
    """
    password = read_password(file, "New password")
    if file is None and read_password(None, "The same again") != password:
        raise ServiceError("PASSWORD_UNSUITABLE", problem="the two are not the same")
    return password


def warn_of_wrong_pins(wrong_pins: int) -> None:
    """Tell a person of attempts at the PIN that came to nothing before the one that opened the key store."""
    if wrong_pins:
        OUTPUT.note(
            f"Before this, the PIN was wrong: {wrong_pins} times in a row. If it was not you who failed, somebody has "
            "a copy of your key store: fourseal block, and tell the operator."
        )


def command(app: typer.Typer, name: str | None = None) -> Callable[[_Command], _Command]:
    """Register a command, a function whose first parameter is an ``Invocation``, under its own name or another."""

    def register(function: _Command) -> _Command:
        @functools.wraps(function)
        def called(*, home: Path | None, passphrase_file: Path | None, json: bool, **own: Any) -> None:  # noqa: ANN401
            OUTPUT.as_json = json
            function(Invocation(Home.find(home), passphrase_file), **own)

        own_parameters = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        called.__signature__ = inspect.Signature([*own_parameters, *_INVOCATION_PARAMETERS])  # type: ignore[attr-defined]
        app.command(name)(called)
        return function

    return register


def _read_passphrase(file: Path | None, prompt: str) -> str:
    if file is None:
        if not sys.stdin.isatty():
            raise ServiceError("PASSPHRASE_MISSING")
        return getpass.getpass(f"{prompt}: ", stream=sys.stderr)
    content = read_file(file, MAX_PASSPHRASE_BYTES + 2, "a passphrase")
    try:
        return content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ServiceError("PASSPHRASE_UNSUITABLE", problem="its file is not UTF-8") from None  # nor may it be quoted


def _option(name: str, annotation: object, default: object) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


_INVOCATION_PARAMETERS: Final = (
    _option(
        "home",
        Annotated[
            Path | None,
            typer.Option(
                "--home", envvar=HOME_VARIABLE, help="The agent's folder.", show_default="~/.local/share/fourseal"
            ),
        ],
        None,
    ),
    _option(
        "passphrase_file",
        Annotated[
            Path | None,
            typer.Option(
                "--passphrase-file",
                envvar="FOURSEAL_PASSPHRASE_FILE",
                help="File with the key store's passphrase, for programs. A person is asked.",
            ),
        ],
        None,
    ),
    _option(
        "json",
        Annotated[bool, typer.Option("--json", help="For programs: JSON instead of text, errors too.")],
        False,  # noqa: FBT003  # the default of an option
    ),
)
