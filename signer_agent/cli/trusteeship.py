"""What the commands about organisations' keys have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from signer_agent.cli.invocation import Invocation

if TYPE_CHECKING:
    from signer_agent.client.agent import LocalAgent
    from signer_agent.trusteeship.trusteeship import Trusteeship

OrganisationArgument = Annotated[str, typer.Argument(metavar="ORGANISATION", help="Its name.")]
GrantArgument = Annotated[str, typer.Argument(metavar="GRANT", help="As grant list names it.")]
PersonalKeyOption = Annotated[
    str,
    typer.Option("--personal-key", metavar="KEY", help="Your joint key, if several have a personal certificate."),
]

_Result = TypeVar("_Result")


def with_trusteeship(
    invocation: Invocation, work: Callable[[Trusteeship], Awaitable[_Result]], personal_key: str = ""
) -> _Result:
    """Open trusteeship for the account that is logged in; returns what ``work`` does. Raises what that raises."""

    async def opened(agent: LocalAgent) -> _Result:
        return await work((await agent.contracts()).trusteeship(agent, personal_key))

    return invocation.with_store(opened)
