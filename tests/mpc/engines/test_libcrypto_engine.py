"""OpenSSL's engine: its blinding, its memory, its errors."""

from __future__ import annotations

import ctypes
import traceback
from collections.abc import Callable

import pytest

from mpc.engines import EngineName, openssl
from mpc.engines.interface import CrtPrivateKey
from mpc.engines.libcrypto_engine import LibcryptoEngine, _blinds
from mpc.errors import EngineUnavailable, FaultDetected
from tests.mpc.engines.conftest import opened
from tests.mpc.engines.keys import make_key, power
from tests.mpc.parties import RANDOM
from tests.mpc.refusals import fault_detected


@pytest.fixture
def engine() -> LibcryptoEngine:
    """One of its own, whose library a test can listen to."""
    opened(EngineName.LIBCRYPTO)
    return LibcryptoEngine()


def replace_call(engine: LibcryptoEngine, name: str, replacement: Callable[..., object]) -> None:
    """Put something else in the place of a function of libcrypto."""
    setattr(engine._library.calls, name, replacement)


def count_calls(engine: LibcryptoEngine, name: str) -> list[object]:
    """The list gets an item for every call of a function of libcrypto from now on."""
    seen: list[object] = []
    real = getattr(engine._library.calls, name)

    def call(*given: object) -> object:
        seen.append(given)
        return real(*given)

    replace_call(engine, name, call)
    return seen


def test_library_that_does_not_blind_is_refused(engine: LibcryptoEngine) -> None:
    """What is not blinded has the same wrong result each time, as here from a library that returns its input."""
    assert _blinds(engine._library)

    def decrypt(_: int, result: ctypes.Array[ctypes.c_char], __: object, data: bytes, size: int) -> int:
        ctypes.memmove(result, data, size)
        return 1

    replace_call(engine, "EVP_PKEY_decrypt", decrypt)
    assert not _blinds(engine._library)


def test_machine_without_libcrypto(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said with the reason, by name."""
    monkeypatch.setattr(openssl, "_SONAME", "libcrypto.so.none")
    with pytest.raises(EngineUnavailable, match=r"libcrypto.*libcrypto\.so\.none"):
        LibcryptoEngine()


def test_key_is_imported_once_and_freed_with_its_owner(engine: LibcryptoEngine) -> None:
    """OpenSSL clears a key that it frees."""
    imported, freed = (count_calls(engine, name) for name in ("EVP_PKEY_fromdata", "EVP_PKEY_free"))
    key = make_key(1024)
    assert engine.exponentiate([(key, 2), (key, 3)], RANDOM) == [power(key, 2), power(key, 3)]
    engine.exponentiate([(key, 2)], RANDOM)
    assert (len(imported), len(freed)) == (1, 0)
    del key
    assert (len(imported), len(freed)) == (1, 1)


def test_errors_of_the_library_are_ours_and_do_not_stay(engine: LibcryptoEngine) -> None:
    """A base that is no number mod N, a key whose numbers do not belong together: no text of it holds a number."""
    key = make_key(1024)
    with pytest.raises(FaultDetected) as caught:
        engine.exponentiate([(key, key.modulus)], RANDOM)
    told = "".join(traceback.format_exception(caught.value))
    assert "too large" in told
    assert str(key.p) not in told
    assert engine._library.calls.ERR_get_error() == 0
    assert engine.exponentiate([(key, 2)], RANDOM) == [power(key, 2)]
    with fault_detected():
        engine.exponentiate([(make_broken_key(), 2)], RANDOM)


def make_broken_key() -> CrtPrivateKey:
    """A key whose public exponent undoes nothing."""
    key = make_key(1024)
    key.public_exponent = 65536
    return key
