"""OpenSSL's own measure of itself, ``openssl speed``: what the machine's command does, and how fast."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Final

SPEED_BITS: Final = frozenset({2048, 3072, 4096})
"""Sizes of keys that the command knows, of those that we have."""
_SECONDS: Final = 1  # the least that the command takes
_RATE: Final = re.compile(r"^\+F2:\d+:(?P<bits>\d+):(?P<sign>[\d.]+):[\d.]+$", re.MULTILINE)


def openssl() -> str | None:
    """The command, if there is one."""
    return shutil.which("openssl")


def private_operations(command: str, bits: int, primes: int) -> float:
    """Private operations a second (PKCS#1 v1.5 signatures, blinded and checked) with an RSA key.

    One process with one thread, on the cores of the calling thread.

    Raises:
        ValueError: the command printed no rate.
        subprocess.CalledProcessError: it failed.
    """
    arguments = [command, "speed", "-mr", "-elapsed", "-seconds", str(_SECONDS), "-primes", str(primes), f"rsa{bits}"]
    printed = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
    found = _RATE.search(printed)
    if found is None or int(found["bits"]) != bits:
        raise ValueError("openssl speed printed no rate of RSA")
    return float(found["sign"])
