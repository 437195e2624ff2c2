"""What the commands about contract documents have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from signer_agent.cli.invocation import Invocation

if TYPE_CHECKING:
    from signer_agent.client.agent import LocalAgent
    from signer_agent.drafting.drafting import Drafting

ContractArgument = Annotated[str, typer.Argument(metavar="CONTRACT", help="As contract list names it.")]

_Result = TypeVar("_Result")


def with_drafting(
    invocation: Invocation, work: Callable[[Drafting], Awaitable[_Result]], personal_key: str = ""
) -> _Result:
    """Open drafting for the account that is logged in; returns what ``work`` does. Raises what that raises."""

    async def opened(agent: LocalAgent) -> _Result:
        return await work((await agent.contracts()).drafting(agent, personal_key))

    return invocation.with_store(opened)
