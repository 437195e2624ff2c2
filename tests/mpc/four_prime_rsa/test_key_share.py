"""Key shares: made as FIPS 186-5 asks, and read back only if all of their numbers hold together."""

from __future__ import annotations

import subprocess
import traceback
from math import gcd, lcm
from typing import Final

import gmpy2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from hypothesis import given
from hypothesis import strategies as st

from mpc.errors import MalformedInput
from mpc.four_prime_rsa import (
    HALF_BITS,
    KeyShare,
    Purpose,
    Role,
    generate_key_share,
    key_share,
    load_key_share,
)
from tests.mpc.four_prime_rsa import moduli
from tests.mpc.four_prime_rsa.pkcs8 import pkcs8
from tests.mpc.leaks import leaked
from tests.mpc.parties import Decrypters, Signers
from tests.mpc.refusals import fault_detected, malformed

CLIENT, SERVER, SIGN, DECRYPT = Role.CLIENT, Role.SERVER, Purpose.SIGN, Purpose.DECRYPT

# p = 3 g + 1 and q = 4 g + 1 are prime, so lcm(p - 1, q - 1) = 12 g has 1026 bits, and d has 1021: too few.
SHORT_D: Final = int(
    "3f84ef74233e9687bc95bb291ed4680353ba94439f6291258a8d7c37d104ce3d80ded1a14ebe13dfe6cedace12f5338839e281a21621ae8d"
    "5abd1a5252c7c15a21f26d3e5a84a6b671b4e9dafdd24f9ea3a099218ab9dcb844eb411a7a99aba05f9018000c0607dd74f76d40040623db"
    "e9c8d263d588cfe0dc246ff8234a8022",
    16,
)


def test_generated_share_keeps_the_rules(sized_signers: Signers) -> None:
    """Two primes of half the size, apart, e prime to both orders, d long enough, and a modulus that suits any peer."""
    for share in (sized_signers.client, sized_signers.server):
        crt, bits = share.crt, share.public.half_bits
        assert crt.p * crt.q == crt.modulus == share.public.modulus
        assert [crt.p.bit_length(), crt.q.bit_length()] == [bits // 2, bits // 2]
        assert gmpy2.is_prime(crt.p, 40)
        assert gmpy2.is_prime(crt.q, 40)
        assert abs(crt.p - crt.q) > 1 << (bits // 2 - 100)
        assert gmpy2.invert(65537, lcm(crt.p - 1, crt.q - 1)) > 1 << (bits // 2)
        assert (crt.modulus**2).bit_length() == 2 * bits
    assert gcd(sized_signers.client.crt.modulus, sized_signers.server.crt.modulus) == 1


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("purpose", Purpose)
def test_purpose_is_a_type(role: Role, purpose: Purpose) -> None:
    """What is made, and what is read back, also where the purpose comes as the text that a table holds."""
    kind = {SIGN: "SigningShare", DECRYPT: "DecryptionShare"}[purpose]
    share = generate_key_share(role, purpose, 2048)
    again = load_key_share(role, purpose, share.to_secret_bytes())
    from_text = load_key_share(role, str(purpose), share.to_secret_bytes())  # type: ignore[arg-type]
    for made in (share, again, from_text):
        assert type(made).__name__ == kind
        assert (made.purpose, made.public.purpose, made.public.role) == (purpose, purpose, role)
    assert again.public == share.public
    assert again.to_secret_bytes() == share.to_secret_bytes()


@pytest.mark.parametrize("bits", [-1, 0, 1024, 2047, 2056, 5120, 8192])
def test_other_sizes_are_not_made(bits: int) -> None:
    """Three sizes, and nothing between them."""
    assert bits not in HALF_BITS
    with malformed("HALF_BITS_WRONG"):
        generate_key_share(CLIENT, SIGN, bits)


def test_unsuitable_keys_of_the_library_are_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """A modulus whose square is short, and one with a ROCA fingerprint."""
    short = rsa.generate_private_key(65537, 2048)
    while (short.public_key().public_numbers().n ** 2).bit_length() == 4096:
        short = rsa.generate_private_key(65537, 2048)
    with_fingerprint, good = (generate_key_share(CLIENT, SIGN, 2048) for _ in range(2))
    keys = iter([short, _library_key(with_fingerprint), _library_key(good)])
    monkeypatch.setattr(rsa, "generate_private_key", lambda *_: next(keys))
    monkeypatch.setattr(key_share, "has_roca_fingerprint", with_fingerprint.public.modulus.__eq__)
    assert generate_key_share(CLIENT, SIGN, 2048).public == good.public


def test_broken_key_of_the_library_is_our_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A generator that breaks FIPS 186-5, here by close primes, is not trusted for another try."""
    q = moduli.random_prime()
    p = int(gmpy2.next_prime(q + (1 << 900)))
    key = load_der_private_key(pkcs8(p, q), None, unsafe_skip_rsa_key_validation=True)
    monkeypatch.setattr(rsa, "generate_private_key", lambda *_: key)
    with fault_detected():
        generate_key_share(CLIENT, SIGN, 2048)


@pytest.mark.parametrize("name", ["n", "e", "p", "q", "dmp1", "dmq1", "iqmp"])
@pytest.mark.parametrize("change", [2, -2])
def test_altered_number_is_found(name: str, change: int, signers: Signers) -> None:
    """Whichever it is; d itself is not kept, but computed anew."""
    crt = signers.client.crt
    kept = {"n": crt.modulus, "e": 65537, "p": crt.p, "q": crt.q}
    kept |= {"dmp1": crt.exponent_p, "dmq1": crt.exponent_q, "iqmp": crt.q_inverse}
    assert load_key_share(CLIENT, SIGN, pkcs8(crt.p, crt.q)).public == signers.client.public
    _assert_damaged(pkcs8(crt.p, crt.q, **kept | {name: kept[name] + change}), signers.client)


def test_numbers_that_break_the_rules_are_found() -> None:
    """Close primes, a short d, a prime one above a multiple of e, an exponent of 3, a short and a small modulus."""
    prime = moduli.random_prime()
    far = moduli.random_prime()
    broken = {
        "close primes": pkcs8(int(gmpy2.next_prime(prime + (1 << 900))), prime),
        "short d": pkcs8(4 * SHORT_D + 1, 3 * SHORT_D + 1),
        "e divides p - 1": pkcs8(moduli.prime_one_above_a_multiple(65537), prime),
        "e divides q - 1": pkcs8(prime, moduli.prime_one_above_a_multiple(65537)),
        "other e": pkcs8(prime, far, e=17),
        "short product": pkcs8(*_primes_of_a_short_modulus()),
        "negative primes": pkcs8(prime, far, p=-prime, q=-far),
        "small": pkcs8(moduli.random_prime(512), moduli.random_prime(512)),
        "lopsided": pkcs8(moduli.random_prime(2048 - 16), 65521),
    }
    assert (12 * SHORT_D).bit_length() == 1026
    assert load_key_share(CLIENT, SIGN, pkcs8(far, prime)).public.modulus == far * prime
    for name, data in broken.items():
        with pytest.raises(MalformedInput) as caught:
            load_key_share(CLIENT, SIGN, data)
        assert (name, caught.value.reason) == (name, "SHARE_DAMAGED")


def test_other_kinds_of_bytes_are_refused(signers: Signers) -> None:
    """Other keys, other formats, encrypted ones, cut or lengthened ones, nothing at all."""
    share = signers.client
    key, other = _library_key(share), ec.generate_private_key(ec.SECP256R1())
    four_primes = subprocess.run(["openssl", "genrsa", "-primes", "4", "4096"], capture_output=True, check=True).stdout
    for data in (
        b"",
        bytes(1000),
        share.to_secret_bytes()[:-1],
        share.to_secret_bytes() + b"\0",
        _pem_to_der(four_primes),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase")),
        key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        other.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    ):
        _assert_damaged(data, share)


@given(position=st.integers(0, 10_000), mask=st.integers(1, 255))
def test_any_flipped_byte_is_found_or_changes_nothing(signers: Signers, position: int, mask: int) -> None:
    """No other error comes out, whatever the byte belongs to: structure, a number, or d, which is computed anew."""
    data = bytearray(signers.client.to_secret_bytes())
    data[position % len(data)] ^= mask
    try:
        result = load_key_share(CLIENT, SIGN, bytes(data)).to_secret_bytes()
    except MalformedInput as error:
        result = error.reason.encode()
    assert result in (b"SHARE_DAMAGED", signers.client.to_secret_bytes())


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    """With one error."""
    with malformed("SHARE_DAMAGED"):
        load_key_share(SERVER, DECRYPT, data)


def test_openssl_finds_the_stored_form_consistent(decrypters: Decrypters) -> None:
    """It is PKCS#8, with d modulo the least common multiple."""
    checked = subprocess.run(
        ["openssl", "pkey", "-inform", "DER", "-check", "-noout"],
        input=decrypters.client.to_secret_bytes(),
        capture_output=True,
        check=True,
    )
    assert b"Key is valid" in checked.stdout


def _assert_damaged(data: bytes, share: KeyShare) -> None:
    with pytest.raises(MalformedInput) as caught:
        load_key_share(CLIENT, SIGN, data)
    error = caught.value
    assert (error.reason, str(error)) == ("SHARE_DAMAGED", "these bytes are not a key share that holds together")
    assert error.metadata == {}
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
    assert leaked("".join(traceback.format_exception(error)), share) == []


def _library_key(share: KeyShare) -> rsa.RSAPrivateKey:
    crt = share.crt
    d = int(gmpy2.invert(65537, lcm(crt.p - 1, crt.q - 1)))
    public = rsa.RSAPublicNumbers(65537, crt.modulus)
    return rsa.RSAPrivateNumbers(crt.p, crt.q, d, crt.exponent_p, crt.exponent_q, crt.q_inverse, public).private_key()


def _primes_of_a_short_modulus() -> tuple[int, int]:
    lower = int(gmpy2.next_prime(3 << 1022))
    return int(gmpy2.next_prime(lower + (1 << 1000))), lower


def _pem_to_der(pem: bytes) -> bytes:
    converted = subprocess.run(["openssl", "pkey", "-outform", "DER"], input=pem, capture_output=True, check=True)
    return converted.stdout
