"""Relay passes: written, signed, read strictly, and refused when anything about them is wrong."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from contract.oids import DEFAULT_ARC
from contract.relay_pass import MAX_PASS_BYTES, RelayPass, read_pass
from mpc.errors import FoursealError, MalformedInput

NOW: Final = datetime(2026, 5, 4, 10, 30, tzinfo=UTC)
PASS: Final = RelayPass(
    session_id="session-" + "a" * 26,
    account="alice",
    agent_certificate=bytes(range(32)),
    members=("alice", "bob"),
    begin=NOW,
    end=NOW + timedelta(minutes=10),
    session_end=NOW + timedelta(hours=8),
    may_post=True,
    quota_bytes=1 << 30,
)
NAME: Final = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test authority")])


class Issuer:
    """An authority, and a key for passes that it certified."""

    def __init__(self, usage: x509.ObjectIdentifier = DEFAULT_ARC.relay_pass) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.pass_key = ec.generate_private_key(ec.SECP256R1())
        usages = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        basic = x509.BasicConstraints(ca=True, path_length=0)
        own = self._builder(self._key.public_key()).add_extension(basic, critical=True)
        self.certificate = own.add_extension(usages, critical=True).sign(self._key, hashes.SHA256())
        shown = self._builder(self.pass_key.public_key()).add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        made = shown.add_extension(identifier, critical=False).sign(self._key, hashes.SHA256())
        self.pass_certificate = made.public_bytes(Encoding.DER)

    @staticmethod
    def _builder(key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder().subject_name(NAME).issuer_name(NAME).public_key(key).serial_number(7)
        return builder.not_valid_before(NOW - timedelta(hours=1)).not_valid_after(NOW + timedelta(hours=1))

    def sign(self, given: RelayPass = PASS) -> bytes:
        """A pass as it travels."""
        return given.sign(self.pass_key, self.pass_certificate)


@cache
def issuer() -> Issuer:
    """The authority that is believed."""
    return Issuer()


def read(data: bytes, now: datetime = NOW) -> RelayPass:
    """Read a pass of that authority."""
    return read_pass(data, issuer().certificate, DEFAULT_ARC, now)


def reason_of(data: bytes, now: datetime = NOW) -> str:
    """Why it is refused."""
    with pytest.raises(FoursealError) as refused:
        read(data, now)
    return refused.value.reason


@pytest.mark.parametrize(
    "changes",
    [{}, {"may_post": False}, {"quota_bytes": 0}, {"quota_bytes": 2**63 - 1}, {"members": ("alice",)}],
)
def test_pass_is_read_as_it_was_made(changes: dict[str, Any]) -> None:
    """Every field."""
    made = replace(PASS, **changes)
    assert RelayPass.from_der(made.to_der()) == made
    assert read(issuer().sign(made)) == made


def test_longest_pass_fits_into_metadata() -> None:
    """Fifty members with the longest names."""
    names = tuple(sorted(f"{number:02}" + "m" * 61 for number in range(50)))
    made = replace(PASS, account=names[0], members=names)
    assert len(issuer().sign(made)) <= MAX_PASS_BYTES
    assert read(issuer().sign(made)) == made


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"session_id": "session-1"}, "SESSION_ID_MALFORMED"),
        ({"account": "Alice"}, "PASS_MALFORMED"),
        ({"account": "carol"}, "PASS_MALFORMED"),
        ({"members": ()}, "PASS_MALFORMED"),
        ({"members": ("bob", "alice")}, "PASS_MALFORMED"),
        ({"members": ("alice", "alice")}, "PASS_MALFORMED"),
        ({"members": ("alice", "/etc")}, "ACCOUNT_NAME_MALFORMED"),
        ({"members": ("alice", *(f"m{number:02}" for number in range(50)))}, "PASS_MALFORMED"),
        ({"agent_certificate": bytes(31)}, "PASS_MALFORMED"),
        ({"end": NOW}, "PASS_MALFORMED"),
        ({"begin": NOW.replace(tzinfo=None)}, "PASS_MALFORMED"),
        ({"begin": NOW.replace(microsecond=1)}, "PASS_MALFORMED"),
        ({"quota_bytes": -1}, "PASS_MALFORMED"),
        ({"quota_bytes": 2**63}, "PASS_MALFORMED"),
    ],
)
def test_pass_that_cannot_be_made(changes: dict[str, Any], reason: str) -> None:
    """What exists is valid."""
    with pytest.raises(MalformedInput) as refused:
        replace(PASS, **changes)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (NOW - timedelta(seconds=1), "PASS_NOT_VALID"),
        (NOW + timedelta(minutes=10), "PASS_NOT_VALID"),
        (NOW + timedelta(hours=2), "CERTIFICATE_NOT_VALID"),
    ],
)
def test_pass_out_of_its_time(now: datetime, reason: str) -> None:
    """The end is the first moment at which it does not hold; nor does it without its key's certificate."""
    assert reason_of(issuer().sign(), now) == reason


def test_pass_of_somebody_else() -> None:
    """Another authority; a key that the authority certified for something else; a key that it did not certify."""
    assert reason_of(Issuer().sign()) == "CERTIFICATE_NOT_ISSUED"
    other = Issuer(DEFAULT_ARC.signer_sign)
    with pytest.raises(FoursealError) as refused:
        read_pass(other.sign(), other.certificate, DEFAULT_ARC, NOW)
    assert refused.value.reason == "CERTIFICATE_OF_OTHER_USAGE"
    forged = PASS.sign(ec.generate_private_key(ec.SECP256R1()), issuer().pass_certificate)
    assert reason_of(forged) == "PASS_NOT_GENUINE"


def test_signature_says_what_it_is_for() -> None:
    """A signature over the same bytes for another end does not make a pass."""
    good = issuer().sign()
    body = PASS.to_der()
    plain = issuer().pass_key.sign(body, ec.ECDSA(hashes.SHA256()))
    start = good.index(issuer().pass_certificate) + len(issuer().pass_certificate)
    inner = good[4:start] + bytes([4, len(plain)]) + plain
    assert reason_of(b"\x30\x82" + len(inner).to_bytes(2, "big") + inner) == "PASS_NOT_GENUINE"


def test_every_flipped_bit_is_noticed() -> None:
    """One in each byte."""
    good = issuer().sign()
    for place in range(len(good)):
        assert reason_of(good[:place] + bytes([good[place] ^ 1 << place % 8]) + good[place + 1 :])


@pytest.mark.parametrize("cut", [0, 1, 2, 50, -1])
def test_pass_that_is_cut(cut: int) -> None:
    """Anywhere."""
    assert reason_of(issuer().sign()[:cut]) == "PASS_MALFORMED"


@pytest.mark.parametrize("data", [b"", b"\x30\x00", secrets.token_bytes(500), bytes(MAX_PASS_BYTES + 1)])
def test_bytes_that_are_no_pass(data: bytes) -> None:
    """Refused as what they are; also bytes behind a pass."""
    assert reason_of(data) == "PASS_MALFORMED"
    assert reason_of(issuer().sign() + data[:1] + b"\0") == "PASS_MALFORMED"
