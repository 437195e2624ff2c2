"""The daemon's process: its lock, its socket, its end.

The socket has permissions 0600, in a folder of 0700: nobody but its owner and root can open it. (gRPC for Python does
not show the peer's credentials, so they cannot be checked on top.) A lock file says that a daemon runs; the system
releases it when the process ends, however it ends, so that a socket left behind is known to be dead.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

import grpc
import structlog
from fourseal.v1.agent_contract_service_pb2_grpc import add_AgentContractServiceServicer_to_server
from fourseal.v1.agent_service_pb2_grpc import add_AgentServiceServicer_to_server

from signer_agent.daemon.contract_service import AgentContractRpc
from signer_agent.daemon.service import AgentRpc
from signer_agent.home import Home
from signer_agent.keystore.store import require_store
from wire.catalogue import ServiceError
from wire.client.private_folder import PrivateFolder
from wire.client.repetition import MAX_SOCKET_PATH_BYTES, socket_address
from wire.collection import collect_as_usual
from wire.in_flight import InFlight
from wire.interceptor import RpcInterceptor
from wire.limits import server_options

_PR_SET_DUMPABLE: Final = 4  # prctl(2)
_STOP_GRACE_SECONDS: Final = 1.0


async def serve(home: Home, lock_after_seconds: float, ready: Callable[[], None]) -> None:
    """Run a daemon until it is told to stop: by StopAgent, SIGTERM or SIGINT.

    Args:
        home: where the key store is.
        lock_after_seconds: it locks itself when it was not used for so long; 0: never.
        ready: called once callers can come.

    Raises:
        ServiceError: STORE_MISSING, STORE_PERMISSIONS, STORE_UNUSABLE, AGENT_RUNNING.
    """
    require_store(home)
    PrivateFolder.open(home.folder)
    PrivateFolder.create(home.run)
    with only_process(home.daemon_lock, ServiceError("AGENT_RUNNING", folder=str(home.folder))):
        stop, in_flight = asyncio.Event(), InFlight()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        rpc = AgentRpc(home, stop, lock_after_seconds)
        interceptor = RpcInterceptor(make_log(sys.stderr), in_flight, lambda _: "local")
        server = grpc.aio.server(interceptors=[interceptor], options=server_options())
        add_AgentServiceServicer_to_server(rpc, server)
        add_AgentContractServiceServicer_to_server(AgentContractRpc(rpc.opened, home.run), server)
        bind_socket(server, home.socket)
        await server.start()
        collect_as_usual()
        ready()
        await stop.wait()
        in_flight.refusing = True
        rpc.end_waiting()
        await in_flight.wait_quiet()
        await server.stop(_STOP_GRACE_SECONDS)
        await rpc.lock()
        home.socket.unlink(missing_ok=True)


def harden() -> None:
    """Leave no memory of this process behind: no core dump, no debugger of the same user (as ssh-agent does)."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def make_log(stream: TextIO) -> structlog.stdlib.BoundLogger:
    """A log of JSON lines."""
    log: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
    )
    return log


def bind_socket(server: grpc.aio.Server, socket: Path) -> None:
    """Let callers in by a Unix socket, in place of a dead process's. The caller holds the lock that says so.

    Raises:
        ServiceError: STORE_UNUSABLE: its path is too long.
    """
    socket.unlink(missing_ok=True)
    if len(os.fsencode(socket)) > MAX_SOCKET_PATH_BYTES:
        problem = f"the path is longer than {MAX_SOCKET_PATH_BYTES} bytes, too long for a socket"
        raise ServiceError("STORE_UNUSABLE", file=str(socket), problem=problem)
    server.add_insecure_port(socket_address(socket))
    socket.chmod(0o600)


@contextmanager
def only_process(lock: Path, running: ServiceError) -> Iterator[None]:
    """Be the only one that holds a lock, in a folder of the agent's.

    Args:
        lock: the file.
        running: raised if another process holds it.
    """
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise running from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
