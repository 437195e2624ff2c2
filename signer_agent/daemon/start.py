"""Starting a daemon in the background, and waiting for one to end."""

from __future__ import annotations

import fcntl
import json
import os
import select
import subprocess
import sys
from typing import Final

from signer_agent.home import Home
from signer_agent.keystore.store import require_store
from wire.catalogue import ServiceError
from wire.client.private_folder import PrivateFolder

_READY_SECONDS: Final = 30.0


def start_daemon(home: Home, lock_after_seconds: float = 0.0) -> None:
    """Start a daemon, locked, and return when callers can come.

    Args:
        home: where the key store is.
        lock_after_seconds: it locks itself when it was not used for so long; 0: never.

    Raises:
        ServiceError: AGENT_RUNNING, AGENT_START_FAILED, those of the key store.
    """
    require_store(home)
    PrivateFolder.create(home.run)
    reading, writing = os.pipe()
    log = os.open(home.daemon_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    # -P: what lies in the folder where the user happens to be is not imported
    arguments = [str(home.folder), str(lock_after_seconds), str(writing)]
    command = [sys.executable, "-P", "-m", "signer_agent.daemon", *arguments]
    process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, pass_fds=(writing,)
    )
    os.close(writing)
    os.close(log)
    with os.fdopen(reading) as report:
        if not select.select([report], [], [], _READY_SECONDS)[0]:
            process.kill()
            process.wait()
            raise _failed(home, f"it was not ready within {_READY_SECONDS:.0f} seconds")
        line = report.readline()
    if not line:
        raise _failed(home, f"it ended with status {process.wait()}")
    refusal = json.loads(line)
    if refusal:
        process.wait()
        raise ServiceError(refusal["reason"], **refusal["metadata"])
    process.returncode = 0  # it lives on without us: no warning that it was not waited for


def wait_for_end(home: Home) -> None:
    """Return when no daemon runs any more."""
    with home.daemon_lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # the system releases the daemon's lock when its process ends


def _failed(home: Home, problem: str) -> ServiceError:
    return ServiceError("AGENT_START_FAILED", problem=problem, log=str(home.daemon_log))
