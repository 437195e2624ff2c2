"""Reflection: off by default, and by option a description of exactly the services of each listener."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from server.root.home import Home
from server.root.listeners import AGENT_SERVICES, RELAY_SERVICES
from tests.server.harness import Client, enrolled, make_home, running_server


async def described(client: Client) -> list[str]:
    """Names of the services that the server describes."""
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(client.channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    async for answer in stub.ServerReflectionInfo(iter([request]), timeout=30):
        return [service.name for service in answer.list_services_response.service]
    return []


async def test_off_by_default(alice: Client) -> None:
    """Nobody is told what there is."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await described(alice)
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_by_option(tmp_path: Path) -> None:
    """The services of this listener, health and reflection."""
    home: Home = make_home(tmp_path / "server", reflection=True)
    async with running_server(home) as server, await enrolled(home, server, "alice") as alice:
        assert set(await described(alice)) == {
            *AGENT_SERVICES,
            *RELAY_SERVICES,
            "grpc.health.v1.Health",
            "grpc.reflection.v1alpha.ServerReflection",
        }
