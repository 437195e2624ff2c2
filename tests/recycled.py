"""RSA keys that an earlier test made, for tests that only need keys: the search for primes was a third of their time.

No test meets a key twice: a test begins again with the first key, a module that shares a fixture does so as a whole,
and what lasts longer is made of keys that no other has. How keys are made is tested in ``tests/mpc``, with new ones.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from unittest.mock import patch

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

_generate: Final = rsa.generate_private_key


class RecycledKeys:
    """Keys by exponent and size, in the order in which they are given, and how many of them were given."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, int], list[rsa.RSAPrivateKey]] = defaultdict(list)
        self._given = Counter[tuple[int, int]]()
        self._lock = threading.Lock()

    def generate(self, public_exponent: int, key_size: int, backend: object = None) -> rsa.RSAPrivateKey:
        """In place of ``rsa.generate_private_key``."""
        kind = public_exponent, key_size
        with self._lock:
            made, number = self._made[kind], self._given[kind]
            self._given[kind] += 1
            if number < len(made):
                return made[number]
        key = _generate(public_exponent, key_size, backend)
        with self._lock:
            made.append(key)
        return key

    def begin_again(self) -> None:
        """Nobody knows any of these keys any more."""
        with self._lock:
            self._given.clear()


_KEYS: Final = RecycledKeys()


_SERVER, _SIGNER_AGENT, _TERMINAL = (Path(__file__).parent / name for name in ("server", "signer_agent", "terminal"))


class _Module:
    """The module whose tests run, and whether something in it outlives a test."""

    path: object = None
    lasts = False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Tests of these folders take keys again."""
    folders = {_SERVER, _SIGNER_AGENT, _TERMINAL}.intersection(item.path.parents)
    asked = item.fixturenames if isinstance(item, pytest.Function) else ()
    if not folders or (_SIGNER_AGENT in folders and "server" in asked):  # one for the session: it knows all there were
        return (yield)
    if item.path != _Module.path:
        _Module.path, _Module.lasts = item.path, False
    if not _Module.lasts:
        _KEYS.begin_again()
    with patch.object(rsa, "generate_private_key", _KEYS.generate):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
    """What lasts for the session gets keys of its own; what lasts for a module keeps keys from coming again in it."""
    if fixturedef.scope in {"session", "package"}:
        with new_keys():
            return (yield)
    if fixturedef.scope != "function":
        _Module.lasts = True
    return (yield)


@contextmanager
def new_keys() -> Iterator[None]:
    """Within it every key is new: for what is kept by other means than fixtures."""
    with patch.object(rsa, "generate_private_key", _generate):
        yield
