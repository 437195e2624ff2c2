"""What is used of crypto_mb, the multi-buffer part of Intel's Cryptography Primitives Library, through ctypes.

It comes with the Python packages ``ipp-crypto`` and ``intel-cmplr-lib-rt`` (its run time), which put libraries and
nothing else below Python's prefix, and needs the machine's libcrypto.so.3. ctypes releases the GIL around every call.

``mbx_rsa_private_crt_mb8`` (crypto_mb/rsa.h) takes eight bases as big-endian strings and eight keys as arrays of 64-bit
words, lowest first, and does the eight side by side in the lanes of vector registers: constant-time, without blinding,
and without a check of its results.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from typing import Final

from mpc.engines.blinding import BlindingPairs
from mpc.engines.interface import CrtPrivateKey
from mpc.errors import EngineUnavailable, FaultDetected
from mpc.secret import Secret

ENGINE: Final = "crypto_mb"
LANES: Final = 8
_RUN_TIME: Final = ("libintlc.so.5", "libirng.so", "libimf.so", "libsvml.so")  # each needs only those before it
_LIBRARY: Final = "libcrypto_mb.so.13"
_POINTER: Final = ctypes.c_void_p
_Pointers = _POINTER * LANES
_NUMBERS: Final = ("p", "q", "exponent_p", "exponent_q", "q_inverse")  # in the order of the function's arguments


class MultiBufferKey(Secret):
    """A key as crypto_mb takes it, with its blinding. Wiped when the last reference to this object goes.

    Args:
        key: of 2048, 3072 or 4096 bits, its primes of half as many.
    """

    __slots__ = ("_numbers", "addresses", "blinding")

    def __init__(self, key: CrtPrivateKey) -> None:
        size = key.modulus.bit_length() // 16
        self._numbers = _filled(b"".join(getattr(key, name).to_bytes(size, "little") for name in _NUMBERS))
        start = ctypes.addressof(self._numbers)
        self.addresses = tuple(range(start, start + len(_NUMBERS) * size, size))
        self.blinding = BlindingPairs(key.modulus, key.public_exponent)

    def __del__(self) -> None:
        _wipe(self._numbers)


class Library:
    """The crypto_mb of the Python that runs.

    Raises:
        EngineUnavailable: the packages are not installed, or the processor lacks the instructions.
    """

    def __init__(self) -> None:
        folder = f"{sys.prefix}/lib"
        try:
            for name in _RUN_TIME:  # found by their names, once loaded; not globally: libimf has functions of libm
                ctypes.CDLL(f"{folder}/{name}")
            self.calls = ctypes.CDLL(f"{folder}/{_LIBRARY}")
        except OSError as error:
            cause = f"the packages ipp-crypto and intel-cmplr-lib-rt are not installed, or not complete: {error}"
            raise EngineUnavailable(ENGINE, cause) from None
        self.calls.mbx_is_crypto_mb_applicable.argtypes = (ctypes.c_uint64,)
        if not self.calls.mbx_is_crypto_mb_applicable(0):
            raise EngineUnavailable(ENGINE, "the processor has no AVX-512 IFMA")
        self.calls.mbx_RSA_private_crt_Method.restype = _POINTER
        self.calls.mbx_RSA_Method_BufSize.argtypes = (_POINTER,)
        operation = self.calls.mbx_rsa_private_crt_mb8
        operation.restype = ctypes.c_uint32
        operation.argtypes = (*[_POINTER] * (2 + len(_NUMBERS)), ctypes.c_int, _POINTER, _POINTER)

    def exponentiate(self, bits: int, keys: Sequence[MultiBufferKey], bases: Sequence[int]) -> list[int]:
        """Exponentiate one to eight bases, each with its key; costs the same for one and for eight.

        Raises:
            FaultDetected: the library reports one.
        """
        size = bits // 8
        lanes = [lane % len(keys) for lane in range(LANES)]  # those left over do again what the first ones do
        method = self.calls.mbx_RSA_private_crt_Method(bits)
        work = _filled(bytes(self.calls.mbx_RSA_Method_BufSize(method)))
        inputs = _filled(b"".join(bases[lane].to_bytes(size, "big") for lane in lanes))
        outputs = _filled(bytes(LANES * size))
        numbers = [_Pointers(*column) for column in zip(*(keys[lane].addresses for lane in lanes), strict=True)]
        try:
            status = self.calls.mbx_rsa_private_crt_mb8(
                _rows(inputs, size), _rows(outputs, size), *numbers, bits, method, work
            )
            if status:
                fault = FaultDetected("exponentiation")
                fault.add_note(f"crypto_mb: status {status:08x}, a digit for each lane")
                raise fault
            results = outputs.raw
            return [int.from_bytes(results[at : at + size], "big") for at in range(0, len(keys) * size, size)]
        finally:
            for buffer in (work, inputs, outputs):
                _wipe(buffer)


def _filled(content: bytes) -> ctypes.Array[ctypes.c_char]:
    return ctypes.create_string_buffer(content, len(content))


def _wipe(buffer: ctypes.Array[ctypes.c_char]) -> None:
    ctypes.memset(buffer, 0, len(buffer))


def _rows(buffer: ctypes.Array[ctypes.c_char], size: int) -> ctypes.Array[ctypes.c_void_p]:
    start = ctypes.addressof(buffer)
    return _Pointers(*range(start, start + LANES * size, size))
