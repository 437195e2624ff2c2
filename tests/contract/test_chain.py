"""A certificate is believed if the authority issued it, for that use and that time."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import Encoding

from contract.chain import check_chain
from contract.oids import DEFAULT_ARC
from contract.profiles import Profile, signer_profile
from mpc.four_prime_rsa import Purpose
from tests.contract.refusals import unverified
from tests.contract.world import NOW, Issuer, Person, World

P256: Final = ec.generate_private_key(ec.SECP256R1()).public_key()
PROFILE: Final = signer_profile("alice", "Alice", Purpose.SIGN, P256, DEFAULT_ARC)


def naming(authority: Issuer) -> Profile:
    """Of a certificate that names the key of an authority."""
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    return replace(PROFILE, extensions=(*PROFILE.extensions, (identifier, False)))


def test_chain_holds(authority: Issuer, alice: Person, joint: World) -> None:
    """For each usage, up to the last second."""
    check_chain(alice.sign.certificate, authority.certificate, DEFAULT_ARC.signer_sign, NOW)
    check_chain(joint.encrypt.certificate, authority.certificate, DEFAULT_ARC.session_encrypt, NOW)
    end = alice.sign.certificate.not_valid_after_utc
    check_chain(alice.sign.certificate, authority.certificate, DEFAULT_ARC.signer_sign, end)


def test_chain_of_another_time(authority: Issuer, alice: Person) -> None:
    """A second too late, a second too early; the authority's own time counts too."""
    certificate, usage = alice.sign.certificate, DEFAULT_ARC.signer_sign
    second = timedelta(seconds=1)
    for time in (certificate.not_valid_after_utc + second, certificate.not_valid_before_utc - second):
        with unverified("CERTIFICATE_NOT_VALID"):
            check_chain(certificate, authority.certificate, usage, time)
    longer = authority.issue(PROFILE, P256, end=NOW + timedelta(days=999))
    with unverified("CERTIFICATE_NOT_VALID"):
        check_chain(longer, authority.certificate, usage, NOW + timedelta(days=500))


def test_chain_to_another_authority(authority: Issuer, alice: Person) -> None:
    """Of the same name, with another key; of another name; without or with another key identifier."""
    namesake, usage = Issuer(), DEFAULT_ARC.signer_sign
    wrong = [
        namesake.issue(PROFILE, P256),
        authority.issue(PROFILE, P256, issuer=x509.Name([])),
        authority.issue(PROFILE, P256, key_identifier=False),
        namesake.issue(naming(authority), P256, key_identifier=False),
        authority.issue(PROFILE, P256, algorithm=SHA384()),
    ]
    for certificate in wrong:
        with unverified("CERTIFICATE_NOT_ISSUED"):
            check_chain(certificate, authority.certificate, usage, NOW)
    with unverified("CERTIFICATE_NOT_ISSUED"):
        check_chain(alice.sign.certificate, namesake.certificate, usage, NOW)


def test_chain_for_another_use(authority: Issuer, alice: Person) -> None:
    """What encrypts does not sign; a session is no relay."""
    for usage in (DEFAULT_ARC.signer_encrypt, DEFAULT_ARC.session_sign, DEFAULT_ARC.relay_pass):
        with unverified("CERTIFICATE_OF_OTHER_USAGE"):
            check_chain(alice.sign.certificate, authority.certificate, usage, NOW)


def test_authority_that_is_none(alice: Person) -> None:
    """A certificate that may not sign others, however it did."""
    no_authority = Issuer(ca=False)
    certificate = no_authority.issue(PROFILE, P256)
    for unsuitable in (no_authority.certificate, alice.sign.certificate):
        with unverified("AUTHORITY_UNSUITABLE"):
            check_chain(certificate, unsuitable, DEFAULT_ARC.signer_sign, NOW)


def test_openssl_verifies_the_chain(authority: Issuer, joint: World, tmp_path: Path) -> None:
    """The session info does not stop other software, for it is not critical."""
    (tmp_path / "authority.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    for name, certificate in (("session", joint.sign.certificate), ("alice", joint.person("alice").sign.certificate)):
        (tmp_path / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        command = ["openssl", "verify", "-x509_strict", "-attime", str(int(NOW.timestamp()))]
        command += ["-CAfile", str(tmp_path / "authority.pem"), str(tmp_path / f"{name}.pem")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stdout.endswith(": OK\n"), done.stderr
