"""What is used of OpenSSL's libcrypto, version 3, through ctypes: RSA keys in its current interface (EVP).

ctypes releases the GIL around every call. The library has a context of its own (``OSSL_LIB_CTX``), so that what a
machine's openssl.cnf says of providers and engines does not reach it. Keys have reference counts and locks in OpenSSL
itself and serve several threads; contexts of operations do not, and each operation gets a copy of the key's.
"""

from __future__ import annotations

import ctypes
from math import lcm
from typing import Final

import gmpy2

from mpc.engines.interface import CrtPrivateKey
from mpc.errors import EngineUnavailable, FaultDetected
from mpc.secret import Secret

ENGINE: Final = "libcrypto"
_SONAME: Final = "libcrypto.so.3"
_KEYPAIR: Final = 0x87  # EVP_PKEY_KEYPAIR, openssl/evp.h
_NO_PADDING: Final = 3  # RSA_NO_PADDING, openssl/rsa.h
_UNSIGNED_INTEGER: Final = 2  # OSSL_PARAM_UNSIGNED_INTEGER, openssl/core.h
_UNMODIFIED: Final = ctypes.c_size_t(-1).value  # OSSL_PARAM_UNMODIFIED
_TEXT_BYTES: Final = 256

_POINTER: Final = ctypes.c_void_p
_SIZE: Final = ctypes.c_size_t
_SIGNATURES: Final[dict[str, tuple[type | None, tuple[type, ...]]]] = {
    "OSSL_LIB_CTX_new": (_POINTER, ()),
    "EVP_PKEY_CTX_new_from_name": (_POINTER, (_POINTER, ctypes.c_char_p, ctypes.c_char_p)),
    "EVP_PKEY_CTX_new_from_pkey": (_POINTER, (_POINTER, _POINTER, ctypes.c_char_p)),
    "EVP_PKEY_CTX_dup": (_POINTER, (_POINTER,)),
    "EVP_PKEY_CTX_free": (None, (_POINTER,)),
    "EVP_PKEY_CTX_set_rsa_padding": (ctypes.c_int, (_POINTER, ctypes.c_int)),
    "EVP_PKEY_fromdata_init": (ctypes.c_int, (_POINTER,)),
    "EVP_PKEY_fromdata": (ctypes.c_int, (_POINTER, _POINTER, ctypes.c_int, _POINTER)),
    "EVP_PKEY_free": (None, (_POINTER,)),
    "EVP_PKEY_decrypt_init": (ctypes.c_int, (_POINTER,)),
    "EVP_PKEY_decrypt": (ctypes.c_int, (_POINTER, _POINTER, _POINTER, ctypes.c_char_p, _SIZE)),
    "ERR_get_error": (ctypes.c_ulong, ()),
    "ERR_error_string_n": (None, (ctypes.c_ulong, _POINTER, _SIZE)),
}


class _Parameter(ctypes.Structure):
    """OSSL_PARAM, openssl/core.h."""

    _fields_ = (
        ("key", ctypes.c_char_p),
        ("data_type", ctypes.c_uint),
        ("data", _POINTER),
        ("data_size", _SIZE),
        ("return_size", _SIZE),
    )


class Library:
    """The machine's libcrypto.

    Raises:
        EngineUnavailable: there is none, or it lacks something.
    """

    def __init__(self) -> None:
        try:
            self.calls = ctypes.CDLL(_SONAME)
            for name, (result, arguments) in _SIGNATURES.items():
                function = getattr(self.calls, name)
                function.restype, function.argtypes = result, arguments
        except (OSError, AttributeError) as error:
            raise EngineUnavailable(ENGINE, str(error)) from None
        self.context = self.calls.OSSL_LIB_CTX_new()
        if not self.context:
            raise EngineUnavailable(ENGINE, self.failure())

    def failure(self) -> str:
        """What this thread's errors are, in OpenSSL's words, which name no numbers; forgotten there."""
        texts = []
        while code := self.calls.ERR_get_error():
            text = ctypes.create_string_buffer(_TEXT_BYTES)
            self.calls.ERR_error_string_n(code, text, len(text))
            texts.append(text.value.decode("ascii", "replace"))
        return "; ".join(texts) or "no reason given"

    def fault(self) -> FaultDetected:
        """A call failed that never should."""
        fault = FaultDetected("exponentiation")
        fault.add_note(f"libcrypto: {self.failure()}")
        return fault


class OpensslKey(Secret):
    """A key inside libcrypto, which clears its memory when the last reference to this object goes.

    Args:
        library: libcrypto.
        key: its numbers. The public exponent must undo the secret one: OpenSSL blinds with it and checks with it.
        secret_exponent: the whole, which OpenSSL falls back on when its own check of a CRT result fails.
    """

    __slots__ = ("_key", "_library", "_prepared", "_size")

    def __init__(self, library: Library, key: CrtPrivateKey, secret_exponent: int) -> None:
        self._library = library
        self._size = (key.modulus.bit_length() + 7) // 8
        self._key: int | None = None
        self._prepared: int | None = None
        self._key = _import_key(library, key, secret_exponent)
        self._prepared = library.calls.EVP_PKEY_CTX_new_from_pkey(library.context, self._key, None)
        if library.calls.EVP_PKEY_decrypt_init(self._prepared) != 1:
            raise library.fault()
        if library.calls.EVP_PKEY_CTX_set_rsa_padding(self._prepared, _NO_PADDING) != 1:
            raise library.fault()

    @classmethod
    def of(cls, library: Library, key: CrtPrivateKey) -> OpensslKey:
        """Import a key.

        Raises:
            FaultDetected: its numbers do not belong together.
        """
        try:
            secret_exponent = int(gmpy2.invert(key.public_exponent, lcm(key.p - 1, key.q - 1)))
        except ZeroDivisionError:
            raise FaultDetected("key") from None
        return cls(library, key, secret_exponent)

    def exponentiate(self, base: int) -> int:
        """See ``Engine.exponentiate``."""
        calls = self._library.calls
        data = base.to_bytes(self._size, "big")
        result = ctypes.create_string_buffer(self._size)
        length = _SIZE(self._size)
        operation = calls.EVP_PKEY_CTX_dup(self._prepared)
        try:
            done = calls.EVP_PKEY_decrypt(operation, result, ctypes.byref(length), data, len(data))
            if done != 1 or length.value != self._size:
                raise self._library.fault()
            return int.from_bytes(result.raw, "big")
        finally:
            calls.EVP_PKEY_CTX_free(operation)
            ctypes.memset(result, 0, self._size)

    def __del__(self) -> None:
        self._library.calls.EVP_PKEY_CTX_free(self._prepared)
        self._library.calls.EVP_PKEY_free(self._key)  # clears the secret numbers


def _import_key(library: Library, key: CrtPrivateKey, secret_exponent: int) -> int:
    numbers = {
        b"n": key.modulus,
        b"e": key.public_exponent,
        b"d": secret_exponent,
        b"rsa-factor1": key.p,
        b"rsa-factor2": key.q,
        b"rsa-exponent1": key.exponent_p,
        b"rsa-exponent2": key.exponent_q,
        b"rsa-coefficient1": key.q_inverse,
    }
    parameters = (_Parameter * (len(numbers) + 1))()  # the last one, all zero, is the end
    buffers = []
    for parameter, (name, number) in zip(parameters, numbers.items(), strict=False):
        size = (number.bit_length() + 7) // 8
        buffer = (ctypes.c_char * size).from_buffer(bytearray(number.to_bytes(size, "little")))
        buffers.append(buffer)
        parameter.key, parameter.data_type = name, _UNSIGNED_INTEGER
        parameter.data, parameter.data_size, parameter.return_size = ctypes.addressof(buffer), size, _UNMODIFIED
    imported = _POINTER()
    calls = library.calls
    context = calls.EVP_PKEY_CTX_new_from_name(library.context, b"RSA", None)
    try:
        if calls.EVP_PKEY_fromdata_init(context) != 1:
            raise library.fault()
        if calls.EVP_PKEY_fromdata(context, ctypes.byref(imported), _KEYPAIR, parameters) != 1 or not imported.value:
            raise library.fault()
    finally:
        calls.EVP_PKEY_CTX_free(context)
        for buffer in buffers:
            ctypes.memset(buffer, 0, len(buffer))
    return imported.value
