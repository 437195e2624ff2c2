"""Revocation lists: genuine, whole, and with a time up to which they can say something."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import Encoding

from contract.revocation import MAX_REVOCATION_LIST_BYTES, Revocation, RevocationList
from mpc.errors import FoursealError, MalformedInput
from tests.contract.refusals import unverified
from tests.contract.world import NOW, Issuer, Person
from tests.mpc.refusals import malformed


def test_says_who_is_revoked_since_when_and_why(authority: Issuer, alice: Person, bob: Person) -> None:
    """And nothing of others."""
    certificate, other = alice.sign.certificate, alice.encrypt.certificate
    builder = authority.revocation_list(
        (certificate, NOW, x509.ReasonFlags.key_compromise), (other, NOW + timedelta(seconds=1), None)
    )
    read = RevocationList.read(authority.sign_list(builder), authority.certificate)
    assert read.revoked(certificate) == Revocation(NOW, "keyCompromise")
    assert read.revoked(other) == Revocation(NOW + timedelta(seconds=1), "unspecified")
    assert read.revoked(bob.sign.certificate) is None
    assert (read.issue_time, read.next_update) == (NOW, NOW + timedelta(days=1))


def test_says_nothing_of_what_comes_after_the_next_update(authority: Issuer) -> None:
    """A later list might say otherwise."""
    read = RevocationList.read(authority.sign_list(authority.revocation_list()), authority.certificate)
    assert read.covers(NOW - timedelta(days=99))
    assert read.covers(NOW + timedelta(days=1) - timedelta(seconds=1))
    assert not read.covers(NOW + timedelta(days=1))


def test_list_of_somebody_else(authority: Issuer) -> None:
    """Of an authority of the same name, of another name, by another hash, with a changed byte."""
    namesake, stranger = Issuer(), Issuer("Stranger")
    data = authority.sign_list(authority.revocation_list())
    wrong = [
        namesake.sign_list(namesake.revocation_list()),
        authority.sign_list(stranger.revocation_list()),
        authority.revocation_list().sign(authority.key, SHA384()).public_bytes(Encoding.DER),
        bytes([*data[:-1], data[-1] ^ 1]),
    ]
    for each in wrong:
        with unverified("REVOCATION_LIST_NOT_ISSUED"):
            RevocationList.read(each, authority.certificate)
    no_authority = Issuer(ca=False)
    with unverified("AUTHORITY_UNSUITABLE"):
        RevocationList.read(no_authority.sign_list(no_authority.revocation_list()), no_authority.certificate)


def test_partial_lists_are_refused(authority: Issuer, alice: Person) -> None:
    """A delta, a list of some reasons, and entries with conditions."""
    delta = authority.revocation_list().add_extension(x509.DeltaCRLIndicator(1), critical=True)
    entry = (
        x509.RevokedCertificateBuilder()
        .serial_number(alice.sign.certificate.serial_number)
        .revocation_date(NOW)
        .add_extension(x509.CRLReason(x509.ReasonFlags.superseded), critical=True)
    )
    for builder in (delta, authority.revocation_list().add_revoked_certificate(entry.build())):
        with malformed("REVOCATION_LIST_MALFORMED"):
            RevocationList.read(authority.sign_list(builder), authority.certificate)


@pytest.mark.parametrize("data", [b"", b"\x30\x00", b"garbage"])
def test_bytes_that_are_no_list(authority: Issuer, data: bytes) -> None:
    """Refused by our error."""
    with malformed("REVOCATION_LIST_MALFORMED"):
        RevocationList.read(data, authority.certificate)


def test_list_that_is_too_long(authority: Issuer) -> None:
    """It is not looked at, whatever it is."""
    with pytest.raises(MalformedInput, match="longer than 33554432 bytes"):
        RevocationList.read(bytes(MAX_REVOCATION_LIST_BYTES + 1), authority.certificate)


def test_changed_bytes_are_refused_by_an_error_of_ours(authority: Issuer, alice: Person) -> None:
    """Wherever the change is."""
    builder = authority.revocation_list((alice.sign.certificate, NOW, x509.ReasonFlags.key_compromise))
    data = authority.sign_list(builder)
    for place in range(len(data)):
        with pytest.raises(FoursealError):
            RevocationList.read(
                bytes([*data[:place], data[place] ^ (1 << place % 8), *data[place + 1 :]]), authority.certificate
            )


def test_list_in_a_second_encoding(authority: Issuer) -> None:
    """The bits of its signature that are said to be unused: no signature covers how many."""
    data = authority.sign_list(authority.revocation_list())
    signature = x509.load_der_x509_crl(data).signature
    place = len(data) - len(signature) - 1
    for unused in range(1, 8):
        with malformed("REVOCATION_LIST_MALFORMED"):
            RevocationList.read(bytes([*data[:place], unused, *data[place + 1 :]]), authority.certificate)


def test_list_with_a_byte_behind(authority: Issuer, alice: Person) -> None:
    """One encoding; and a certificate is no list."""
    data = authority.sign_list(authority.revocation_list())
    for wrong in (data + b"\x00", alice.sign.certificate.public_bytes(Encoding.DER)):
        with malformed("REVOCATION_LIST_MALFORMED"):
            RevocationList.read(wrong, authority.certificate)
