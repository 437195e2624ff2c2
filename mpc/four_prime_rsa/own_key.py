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

The exponentiation is OpenSSL's, which blinds it and checks the result of the CRT before it lets it out.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

from mpc.errors import DecryptionFailed, WrongPurpose
from mpc.four_prime_rsa.algorithms import OaepParameters
from mpc.four_prime_rsa.key_share import DecryptionShare, KeyShare, SigningShare
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


def _as_private_key(share: KeyShare) -> rsa.RSAPrivateKey:
    key = load_der_private_key(share.to_secret_bytes(), None, unsafe_skip_rsa_key_validation=True)  # checked before
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError  # to_secret_bytes makes no other
    return key
