"""A two-prime RSA key in the form that a share is stored in, written by hand so that any number of it can be wrong."""

from __future__ import annotations

from math import gcd, lcm

import gmpy2

_RSA_ENCRYPTION = bytes.fromhex("300d06092a864886f70d0101010500")


def pkcs8(first: int, second: int, **altered: int) -> bytes:
    """Return PKCS#8 DER (RFC 5208) of RSAPrivateKey (RFC 8017 appendix A.1.2) with the primes p, q.

    Args:
        first: p.
        second: q.
        altered: numbers to put in place of the right ones, by the names of OpenSSL: n, e, d, p, q, dmp1, dmq1, iqmp.
    """
    p, q, e = first, second, altered.get("e", 65537)
    order = lcm(p - 1, q - 1)
    d = int(gmpy2.invert(e, order)) if gcd(e, order) == 1 else 1
    right = {"n": p * q, "e": e, "d": d, "p": p, "q": q, "dmp1": d % (p - 1), "dmq1": d % (q - 1)}
    numbers = right | {"iqmp": int(gmpy2.invert(q, p))} | altered
    key = _sequence(_integer(0), *map(_integer, numbers.values()))
    return _sequence(_integer(0), _RSA_ENCRYPTION, _element(0x04, key))


def _sequence(*elements: bytes) -> bytes:
    return _element(0x30, b"".join(elements))


def _integer(number: int) -> bytes:
    return _element(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def _element(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 | len(length)]) + length + content
