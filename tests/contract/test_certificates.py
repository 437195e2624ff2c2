"""Certificates: read strictly, one purpose each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from contract.certificate_parts import MAX_CERTIFICATE_BYTES, fingerprint, load_certificate
from contract.certificates import SessionCertificate, SignerCertificate, joint_key, require_same_purpose
from contract.chain import check_chain
from contract.oids import DEFAULT_ARC, Arc
from contract.profiles import Profile, SignerKey, require_signer_key, session_profile, signer_profile
from contract.session_info import Scheme
from mpc.errors import FoursealError, MalformedInput
from mpc.four_prime_rsa import Purpose, Role
from tests.contract.world import NOW, Issuer, Person, World, session_info
from tests.mpc.refusals import blamed, malformed, wrong_purpose

P256 = ec.generate_private_key(ec.SECP256R1()).public_key()
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\x00")
Change = Callable[[Profile], Profile]


def without(oid: x509.ObjectIdentifier) -> Change:
    """Leave an extension out."""
    return lambda profile: replace(profile, extensions=tuple(e for e in profile.extensions if e[0].oid != oid))


def adding(extension: x509.ExtensionType, *, critical: bool = False) -> Change:
    """Put an extension there, instead of one of its kind."""
    return lambda profile: replace(
        without(extension.oid)(profile), extensions=(*without(extension.oid)(profile).extensions, (extension, critical))
    )


def usage(**changes: bool) -> x509.KeyUsage:
    """A key usage."""
    names = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
        *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: changes.get(name, False) for name in names})


def uri(*names: str) -> x509.SubjectAlternativeName:
    """Alternative names."""
    return x509.SubjectAlternativeName([x509.UniformResourceIdentifier(name) for name in names])


WRONG: dict[str, Change] = {
    "no key usage": without(x509.KeyUsage.oid),
    "another key usage": adding(usage(digital_signature=True, key_encipherment=True)),
    "a certificate authority": adding(x509.BasicConstraints(ca=True, path_length=None), critical=True),
    "no basic constraints": without(x509.BasicConstraints.oid),
    "no extended key usage": without(x509.ExtendedKeyUsage.oid),
    "two extended key usages": adding(x509.ExtendedKeyUsage([DEFAULT_ARC.signer_sign, DEFAULT_ARC.session_sign])),
    "any extended key usage": adding(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])),
    "no key identifier": without(x509.SubjectKeyIdentifier.oid),
    "another key identifier": adding(x509.SubjectKeyIdentifier(b"x" * 20)),
    "unknown critical extension": adding(
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\x00"), critical=True
    ),
    "another subject": lambda profile: replace(
        profile, subject=x509.Name([*profile.subject, x509.NameAttribute(NameOID.COUNTRY_NAME, "DE")])
    ),
    "no subject": lambda profile: replace(profile, subject=x509.Name([])),
}
WRONG_SIGNER: dict[str, Change] = {
    **WRONG,
    "no account": without(x509.SubjectAlternativeName.oid),
    "two accounts": adding(uri("urn:fourseal:account:alice", "urn:fourseal:account:bob")),
    "an agent": adding(uri("urn:fourseal:agent:alice")),
    "a host": adding(x509.SubjectAlternativeName([x509.DNSName("alice")])),
    "a session info": adding(x509.UnrecognizedExtension(DEFAULT_ARC.session_info, b"\x30\x00")),
}
WRONG_SESSION: dict[str, Change] = {
    **WRONG,
    "no session info": without(DEFAULT_ARC.session_info),
}


def issue_signer(authority: Issuer, change: Change, key: SignerKey = P256) -> x509.Certificate:
    """A signer's certificate with something wrong."""
    return authority.issue(change(signer_profile("alice", "Alice", Purpose.SIGN, key, DEFAULT_ARC)), key)


def test_signers_certificate_is_read(authority: Issuer, alice: Person) -> None:
    """What it says."""
    certificate = alice.sign.certificate
    read = SignerCertificate.from_der(certificate.public_bytes(Encoding.DER), DEFAULT_ARC)
    assert read == alice.sign
    assert (read.name, read.display_name, read.purpose) == ("alice", "Alice", Purpose.SIGN)
    assert read.fingerprint == fingerprint(certificate)
    assert alice.encrypt.purpose is Purpose.DECRYPT
    assert alice.signing_share is not None
    assert read.public_share() == alice.signing_share.public
    extra = adding(UNKNOWN)
    assert SignerCertificate(issue_signer(authority, extra), DEFAULT_ARC).name == "alice"


@pytest.mark.parametrize("change", WRONG_SIGNER.values(), ids=WRONG_SIGNER)
def test_signers_certificate_refused(authority: Issuer, change: Change) -> None:
    """One thing is not as the profile has it."""
    with malformed("CERTIFICATE_MALFORMED"):
        SignerCertificate(issue_signer(authority, change), DEFAULT_ARC)


@pytest.mark.parametrize("account", ["Alice", "alice%00", ""])
def test_signers_certificate_of_a_wrong_name(authority: Issuer, account: str) -> None:
    """Whatever the authority let pass."""
    with malformed("ACCOUNT_NAME_MALFORMED"):
        SignerCertificate(issue_signer(authority, adding(uri(f"urn:fourseal:account:{account}"))), DEFAULT_ARC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Al\u202eice")])
    with malformed("DISPLAY_NAME_MALFORMED"):
        SignerCertificate(issue_signer(authority, lambda profile: replace(profile, subject=subject)), DEFAULT_ARC)


def test_certificates_of_another_arc_or_kind(authority: Issuer, alice: Person, joint: World) -> None:
    """A session is no signer, and another installation's usage is none of ours."""
    with malformed("CERTIFICATE_MALFORMED"):
        SignerCertificate(alice.sign.certificate, Arc("1.2.3"))
    with malformed("CERTIFICATE_MALFORMED"):
        SignerCertificate(joint.sign.certificate, DEFAULT_ARC)
    with malformed("CERTIFICATE_MALFORMED"):
        SessionCertificate(alice.sign.certificate, DEFAULT_ARC)
    with malformed("CERTIFICATE_MALFORMED"):
        SignerCertificate(authority.certificate, DEFAULT_ARC)


KEYS: list[tuple[Purpose, object, bool]] = [
    (Purpose.SIGN, P256, True),
    (Purpose.SIGN, ed25519.Ed25519PrivateKey.generate().public_key(), True),
    (Purpose.DECRYPT, x25519.X25519PrivateKey.generate().public_key(), True),
    (Purpose.DECRYPT, P256, False),
    (Purpose.DECRYPT, ed25519.Ed25519PrivateKey.generate().public_key(), False),
    (Purpose.SIGN, x25519.X25519PrivateKey.generate().public_key(), False),
    (Purpose.SIGN, ec.generate_private_key(ec.SECP384R1()).public_key(), False),
    (Purpose.SIGN, ec.generate_private_key(ec.SECP256K1()).public_key(), False),
    (Purpose.SIGN, ed448.Ed448PrivateKey.generate().public_key(), False),
    *(
        (purpose, rsa.RSAPublicNumbers(exponent, (1 << (bits - 1)) + 1).public_key(), exponent == 65537 and fits)
        for purpose in Purpose
        for exponent, bits, fits in (
            *((65537, 2048, True), (65537, 8192, True), (3, 2048, False)),
            *((65537, 2040, False), (65537, 8200, False), (65537, 2049, False)),
        )
    ),
]


@pytest.mark.parametrize(("purpose", "key", "suitable"), KEYS)
def test_kinds_of_key(purpose: Purpose, key: object, suitable: bool) -> None:  # noqa: FBT001  # a parameter of a test
    """Which a signer may have for what."""
    if suitable:
        assert require_signer_key(purpose, key) is key
    else:
        with malformed("SIGNER_KEY_UNSUITABLE"):
            require_signer_key(purpose, key)


def test_key_usage_fits_the_key(separate: World) -> None:
    """X25519 agrees on keys and enciphers none (RFC 8410)."""
    usages = separate.person("bob").encrypt.certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usages.key_agreement, usages.key_encipherment) == (True, False)


def test_only_rsa_keys_of_a_half_make_a_joint_key(joint: World, separate: World) -> None:
    """Other kinds are for the separate scheme."""
    assert joint_key(joint.person("alice").sign, joint.sign).purpose is Purpose.SIGN
    with malformed("KEY_IS_NO_HALF"):
        joint_key(separate.person("bob").sign, separate.sign)
    with wrong_purpose():
        joint_key(joint.person("alice").encrypt, joint.sign)
    with wrong_purpose():
        require_same_purpose(Purpose.SIGN, joint.person("alice").sign, joint.encrypt)


def test_rsa_key_that_is_no_half(authority: Issuer) -> None:
    """Of a size that halves do not have."""
    key = rsa.RSAPublicNumbers(65537, (1 << 2559) + 1).public_key()
    certificate = SignerCertificate(issue_signer(authority, lambda profile: profile, key), DEFAULT_ARC)
    with blamed(Role.CLIENT, "MODULUS_SIZE_WRONG"):
        certificate.public_share()


def test_sessions_certificate_is_read(joint: World) -> None:
    """What it says, and that OpenSSL shows the extension as not critical."""
    read = SessionCertificate.from_der(joint.sign.certificate.public_bytes(Encoding.DER), DEFAULT_ARC)
    assert (read.info, read.purpose, read.public_share()) == (joint.info, Purpose.SIGN, joint.signing_share.public)
    assert joint.encrypt.purpose is Purpose.DECRYPT


@pytest.mark.parametrize("change", WRONG_SESSION.values(), ids=WRONG_SESSION)
def test_sessions_certificate_refused(joint: World, change: Change) -> None:
    """One thing is not as the profile has it."""
    key = joint.signing_share.public.to_cryptography()
    profile = change(session_profile(joint.info, Purpose.SIGN, key, DEFAULT_ARC))
    with malformed("CERTIFICATE_MALFORMED"):
        SessionCertificate(joint.authority.issue(profile, key), DEFAULT_ARC)


def test_sessions_certificate_with_a_wrong_info(joint: World) -> None:
    """Critical, garbage, of another session, of another size."""
    key = joint.signing_share.public.to_cryptography()
    profile = session_profile(joint.info, Purpose.SIGN, key, DEFAULT_ARC)

    def read(info: bytes, *, critical: bool = False) -> None:
        extension = x509.UnrecognizedExtension(DEFAULT_ARC.session_info, info)
        SessionCertificate(joint.authority.issue(adding(extension, critical=critical)(profile), key), DEFAULT_ARC)

    read(joint.info.to_der())
    with malformed("CERTIFICATE_MALFORMED"):
        read(joint.info.to_der(), critical=True)
    with malformed("SESSION_INFO_MALFORMED"):
        read(joint.info.to_der() + b"\x00")
    with malformed("CERTIFICATE_MALFORMED"):
        read(replace(joint.info, session_id="session-" + "b" * 26).to_der())
    with malformed("CERTIFICATE_MALFORMED"):
        read(replace(joint.info, half_bits=3072).to_der())


def test_sessions_certificate_of_another_kind_of_key(joint: World) -> None:
    """A session's key is a half."""
    info = session_info(Scheme.JOINT, joint.people)
    profile = session_profile(info, Purpose.SIGN, joint.signing_share.public.to_cryptography(), DEFAULT_ARC)
    with malformed("CERTIFICATE_MALFORMED"):
        SessionCertificate(joint.authority.issue(profile, P256), DEFAULT_ARC)


@pytest.mark.parametrize("data", [b"", b"\x30\x00", b"garbage"])
def test_bytes_that_are_no_certificate(data: bytes) -> None:
    """Refused by our error."""
    with malformed("CERTIFICATE_MALFORMED"):
        SignerCertificate.from_der(data, DEFAULT_ARC)


def test_certificate_that_is_too_long() -> None:
    """It is not looked at, whatever it is: that would take time and memory."""
    with pytest.raises(MalformedInput, match="longer than 131072 bytes"):
        load_certificate(bytes(MAX_CERTIFICATE_BYTES + 1))


def test_certificate_with_a_byte_behind(alice: Person) -> None:
    """One encoding."""
    with malformed("CERTIFICATE_MALFORMED"):
        load_certificate(alice.sign.certificate.public_bytes(Encoding.DER) + b"\x00")


@pytest.mark.parametrize("serial_number", ["00", "80", "ff", "", "01" * 21])
def test_serial_number_out_of_range(alice: Person, serial_number: str) -> None:
    """Refused by us, before the library warns of it on the standard error: zero, below it, none; too long."""
    data, number = alice.sign.certificate.public_bytes(Encoding.DER), bytes.fromhex(serial_number)
    version, outer, inner = bytes.fromhex("a003020102"), 4, 8
    start = inner + len(version)
    assert data[inner:start] == version
    rest = data[start + 2 + data[start + 1] :]
    signed_end = inner + int.from_bytes(data[inner - 2 : inner])
    tail = data[signed_end:]
    body = version + bytes([2, len(number)]) + number + rest[: len(rest) - len(tail)]
    signed = bytes.fromhex("3082") + len(body).to_bytes(2) + body
    assert data[:2] == signed[:2] == data[outer : outer + 2]
    with pytest.raises(MalformedInput, match="a serial number that is not positive"):
        load_certificate(data[:2] + len(signed + tail).to_bytes(2) + signed + tail)


def test_certificate_of_version_1(alice: Person) -> None:
    """It has no extensions, so nothing says what it is for."""
    data = alice.sign.certificate.public_bytes(Encoding.DER)
    with pytest.raises(MalformedInput, match="version 3"):
        load_certificate(data.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020100"), 1))


def test_certificate_with_a_second_encoding_of_its_signature(authority: Issuer) -> None:
    """A bit that is said to be unused: whoever reads leniently takes both, and they have two fingerprints."""
    profile = signer_profile("alice", "Alice", Purpose.SIGN, P256, DEFAULT_ARC)
    even = next(each for each in iter(lambda: authority.issue(profile, P256), None) if not each.signature[-1] & 1)
    data = bytearray(even.public_bytes(Encoding.DER))
    load_certificate(bytes(data))
    data[-len(even.signature) - 1] = 1
    assert x509.load_der_x509_certificate(bytes(data)).public_bytes(Encoding.DER) == data  # it is read, and kept
    with malformed("CERTIFICATE_MALFORMED"):
        load_certificate(bytes(data))


# a changed key identifier may read as the issuer's serial number, of which the library warns
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@pytest.mark.parametrize("whose", ["signer", "session"])
def test_changed_bytes_are_refused_by_an_error_of_ours(authority: Issuer, joint: World, whose: str) -> None:
    """Wherever the change is: when it is read, or when the chain is checked."""
    certificate = joint.person("alice").sign.certificate if whose == "signer" else joint.sign.certificate
    usage = DEFAULT_ARC.signer_sign if whose == "signer" else DEFAULT_ARC.session_sign
    kind = SignerCertificate if whose == "signer" else SessionCertificate
    data = certificate.public_bytes(Encoding.DER)
    for place in range(len(data)):
        changed = bytes([*data[:place], data[place] ^ (1 << place % 8), *data[place + 1 :]])
        with pytest.raises(FoursealError):
            check_chain(kind.from_der(changed, DEFAULT_ARC).certificate, authority.certificate, usage, NOW)
