"""Letting terminals in: a Unix socket that nobody but its owner and root can open, as that of the daemon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import grpc
import structlog
from fourseal.v1.signing_device_service_pb2_grpc import add_SigningDeviceServiceServicer_to_server

from signer_agent.daemon.process import bind_socket, make_log, only_process
from signer_agent.home import Home
from signer_agent.signing_device.desk import Desk
from signer_agent.signing_device.rpc import SigningDeviceRpc
from wire.catalogue import ServiceError
from wire.client.private_folder import PrivateFolder
from wire.in_flight import InFlight
from wire.interceptor import RpcInterceptor
from wire.limits import server_options

_STOP_GRACE_SECONDS: Final = 0.2


@asynccontextmanager
async def open_to_terminals(desk: Desk, home: Home) -> AsyncIterator[structlog.stdlib.BoundLogger]:
    """While the context lasts, terminals come to the desk, and it watches the time. Yields the device's log.

    Args:
        desk: of this process.
        home: in which the socket is.

    Raises:
        ServiceError: DEVICE_RUNNING; STORE_PERMISSIONS, STORE_UNUSABLE.
    """
    PrivateFolder.create(home.run)
    running = ServiceError("DEVICE_RUNNING", folder=str(home.folder))
    with only_process(home.device_lock, running), home.device_log.open("a") as log:
        home.device_log.chmod(0o600)
        lines = make_log(log)
        interceptor = RpcInterceptor(lines, InFlight(), lambda _: "terminal")
        server = grpc.aio.server(interceptors=[interceptor], options=server_options())
        add_SigningDeviceServiceServicer_to_server(SigningDeviceRpc(desk), server)
        bind_socket(server, home.device_socket)
        await server.start()
        watching = asyncio.create_task(desk.run())
        try:
            yield lines
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            await server.stop(_STOP_GRACE_SECONDS)
            home.device_socket.unlink(missing_ok=True)
