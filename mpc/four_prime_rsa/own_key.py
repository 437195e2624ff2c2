"""One party's half used alone, as the ordinary two-prime RSA key that it is.

A half alone signs what concerns the half itself (a PKCS#10 request, a proof of possession) and statements of the
separate scheme. A half alone decrypts the layer of nested encryption that was made for it.

A signature by the half alone is never a partial of a joint signature. A partial is EM^(d_i) mod N_i for a padded
message EM of 2k bits, reduced mod N_i; the half alone signs padded messages EM' of k bits. For one to pass for the
other, EM mod N_i would have to equal an EM'. A PSS encoding EM' has a hash and a salt of 256 bits each, and all its
other bits follow from these: there are 2^512 of k bits, and EM mod N_i is one of them with probability 2^-(k - 512),
2^-1536 for the smallest half, at every try that a hash allows. For PKCS#1 v1.5, EM mod N_i and EM' differ by a number
that N_i alone fixes, and digests move that by less than 2^513: they meet for an N_i made for it alone, and who makes
N_i needs no forgery under it. The reverse, a partial that passes for a signature by the half, is the same equation.

Who has the share's numbers signs and decrypts by OpenSSL, which blinds and checks what it does. ``sign_by_half`` and
``decrypt_by_half`` do the same with any half, by an engine.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

from mpc.engines.interface import Exponentiator, Random
from mpc.errors import DecryptionFailed, WrongPurpose
from mpc.four_prime_rsa.algorithms import HashAlgorithm, OaepParameters
from mpc.four_prime_rsa.encodings import oaep, pss
from mpc.four_prime_rsa.half import DecryptionHalf, SigningHalf
from mpc.four_prime_rsa.key_share import DecryptionShare, KeyShare, SigningShare
from mpc.four_prime_rsa.partials import compute_partial
from mpc.four_prime_rsa.roles import Purpose


def own_private_key(share: SigningShare) -> rsa.RSAPrivateKey:
    """The half as an ordinary private key of ``cryptography``, to sign with.

    Security: holds the secret in OpenSSL's memory and can show it (``private_numbers``); never leaves the process.

    Raises:
        WrongPurpose: not a signing share. What decrypts for others must not sign.
    """
    if not isinstance(share, SigningShare):  # the type says so; a caller without a type checker is stopped here
        raise WrongPurpose(wanted=Purpose.SIGN, found=share.purpose)
    return _as_private_key(share)


def decrypt_alone(share: DecryptionShare, ciphertext: bytes, parameters: OaepParameters) -> bytes:
    """Decrypt an RSAES-OAEP ciphertext under N_i alone.

    Args:
        share: our half.
        ciphertext: big-endian, exactly the length of N_i.
        parameters: hash, MGF hash and label that the sender used.

    Returns:
        The plaintext, secret.

    Raises:
        WrongPurpose: not a decryption share.
        DecryptionFailed: for every other cause, a wrong length among them.
    """
    if not isinstance(share, DecryptionShare):
        raise WrongPurpose(wanted=Purpose.DECRYPT, found=share.purpose)
    try:
        return _as_private_key(share).decrypt(ciphertext, parameters.to_cryptography_padding())
    except ValueError:
        raise DecryptionFailed from None


def sign_by_half(half: SigningHalf, data: bytes, salt: bytes, engine: Exponentiator[Any], random: Random) -> bytes:
    """Sign by RSASSA-PSS with SHA-256 under N_i alone.

    Args:
        half: our own.
        data: of any length.
        salt: 32 fresh random bytes.
        engine: who exponentiates with it.
        random: for blinding.

    Returns:
        Big-endian, exactly the length of N_i.

    Raises:
        WrongPurpose: not one for signing.
        FaultDetected: the result did not hold; nothing is released.
    """
    if not isinstance(half, SigningHalf):
        raise WrongPurpose(wanted=Purpose.SIGN, found=half.purpose)
    encoded = pss.encode(sha256(data).digest(), salt, HashAlgorithm.SHA256, half.public.half_bits - 1)
    return compute_partial(half, int.from_bytes(encoded, "big"), engine, random, what="signature").to_bytes()


def decrypt_by_half(
    half: DecryptionHalf, ciphertext: bytes, parameters: OaepParameters, engine: Exponentiator[Any], random: Random
) -> bytes:
    """Decrypt an RSAES-OAEP ciphertext under N_i alone, as ``decrypt_alone``.

    Raises:
        WrongPurpose: not one for decryption.
        FaultDetected: the result did not hold; nothing is released.
        DecryptionFailed: for every other cause.
    """
    if not isinstance(half, DecryptionHalf):
        raise WrongPurpose(wanted=Purpose.DECRYPT, found=half.purpose)
    number = int.from_bytes(ciphertext, "big")
    if len(ciphertext) != half.public.byte_length or not 0 < number < half.public.modulus:
        raise DecryptionFailed
    return oaep.decode(compute_partial(half, number, engine, random, what="decryption").to_bytes(), parameters)


def _as_private_key(share: KeyShare) -> rsa.RSAPrivateKey:
    key = load_der_private_key(share.to_secret_bytes(), None, unsafe_skip_rsa_key_validation=True)  # checked before
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError  # to_secret_bytes makes no other
    return key
