"""EME-OAEP decoding (RFC 8017 section 7.1.2, step 3), in one pass without early exit.

Encoding needs no secret and is left to libraries (``JointPublicKey.to_cryptography``).

Python promises no constant time. What is done here: the same hashes over the same lengths for every input, table
look-ups and integer operations over all of DB at once, one decision at the very end. (A loop over the bytes differed by
a microsecond between kinds of failure; this by a tenth of it.) What remains is the interpreter's own jitter, and the
copy of the plaintext on success. ``python -m bench --padding-oracle`` has a statistical test of the difference.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import Final

from mpc.errors import DecryptionFailed
from mpc.four_prime_rsa.algorithms import OaepParameters
from mpc.four_prime_rsa.encodings.mgf1 import mgf1, xor

_NOT_ZERO: Final = bytes(min(byte, 1) for byte in range(256))
_IS_ONE: Final = bytes(int(byte == 1) for byte in range(256))


def decode(encoded: bytes, parameters: OaepParameters) -> bytes:
    """Take the padding off.

    Args:
        encoded: EM, the decrypted number as exactly N's length of bytes, secret.
        parameters: hash, MGF hash and label that the sender used.

    Returns:
        The plaintext, 0 to k - 2 hLen - 2 bytes.

    Raises:
        DecryptionFailed: for every cause.
    """
    hash_length = parameters.hash.digest_size
    masked_head, masked_db = encoded[: 1 + hash_length], encoded[1 + hash_length :]
    head = xor(masked_head, b"\x00" + mgf1(masked_db, hash_length, parameters.mgf_hash))  # Y || seed
    seed = head[1:]
    db = xor(masked_db, mgf1(seed, len(masked_db), parameters.mgf_hash))

    # PS, a byte 01, then M; or garbage. As integers whose lowest byte is the first of the string: a bit for each byte
    # that is not zero, a bit for each that is 01. The guard, above them all, keeps every operand at one size.
    padded = db[hash_length:]
    guard = 1 << 8 * len(padded)
    nonzero = int.from_bytes(padded.translate(_NOT_ZERO), "little") | guard
    ones = int.from_bytes(padded.translate(_IS_ONE), "little") | guard
    separator = nonzero & -nonzero & ones  # the bit of the first byte that is not zero, if that is 01
    # Y is compared as part of a longer string: an object for Y alone is in the cache or not, by its value.
    expected = b"\x00" + seed + parameters.hash.digest(parameters.label)
    holds = compare_digest(head + db[:hash_length], expected) & (separator > 0) & (separator < guard)
    if not holds:
        raise DecryptionFailed
    return padded[separator.bit_length() // 8 + 1 :]
