"""Bare raw RSA in a token: one process with one session, and nothing of Fourseal.

``python -m bench.peers.bare_token MODULE TOKEN``. The first line of standard input is the PIN; each further one has a
size of keys and a number of operations, and is answered by the processor seconds that they took. Every operation is of
another number; of each size there is one key, made when it is first asked for.
"""

from __future__ import annotations

import secrets
import sys
import time
from typing import Any, Final

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism

_NUMBERS: Final = 32


def main() -> None:
    """Serve standard input until it ends."""
    module, label = sys.argv[1:]
    keys: dict[int, Any] = {}
    token = pkcs11.lib(module).get_token(token_label=label)
    with token.open(rw=True, user_pin=sys.stdin.readline().strip()) as session:
        for line in sys.stdin:
            bits, operations = map(int, line.split())
            if bits not in keys:
                _, keys[bits] = session.generate_keypair(KeyType.RSA, bits)
            sys.stdout.write(f"{_seconds(keys[bits], operations)}\n")
            sys.stdout.flush()


def _seconds(key: Any, operations: int) -> float:  # noqa: ANN401  # classes made at run time
    modulus: bytes = key[Attribute.MODULUS]
    below = int.from_bytes(modulus, "big")
    numbers = [secrets.randbelow(below).to_bytes(len(modulus), "big") for _ in range(_NUMBERS)]
    start = time.process_time()
    for turn in range(operations):
        key.sign(numbers[turn % _NUMBERS], mechanism=Mechanism.RSA_X_509)
    return time.process_time() - start


if __name__ == "__main__":
    main()
