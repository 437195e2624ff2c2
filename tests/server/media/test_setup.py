"""How a media server gets its certificate, and what it cannot do with it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from contract.chain import check_chain
from contract.errors import VerificationFailed
from server.clock import system_clock
from server.errors import OperatorError
from server.root.home import Home
from server.root.outposts import MEDIA_SERVER, accept_certificate, certify, load_certificate, set_up
from tests.server.harness import make_home, query
from tests.server.media.conftest import Scene, load_authority, make_media_home

OWN_NAMES = ["localhost", "127.0.0.1"]


def request_for(*names: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None) -> bytes:
    """A request, PEM."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    if names:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(alternatives, critical=False)
    request = builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return request.public_bytes(Encoding.PEM)


def test_openssl_accepts_the_certificate(scene: Scene, tmp_path: Path) -> None:
    """As one of a TLS server, issued by the authority."""
    authority = tmp_path / "authority.pem"
    authority.write_bytes(scene.authority.certificate_pem)
    command = ["openssl", "verify", "-purpose", "sslserver", "-verify_ip", "127.0.0.2", "-CAfile", str(authority)]
    done = subprocess.run(
        [*command, str(scene.media.folder / "media.pem")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


async def test_media_server_cannot_prove_to_be_the_evidence_server(scene: Scene) -> None:
    """What a signer's agent asks of the server that proves itself does not hold for this certificate."""
    shown, _ = load_certificate(MEDIA_SERVER, scene.media)
    certificate, now = x509.load_pem_x509_certificate(shown.certificate_pem), system_clock()
    with pytest.raises(VerificationFailed) as refused:
        check_chain(certificate, scene.authority.certificate, ExtendedKeyUsageOID.SERVER_AUTH, now)
    assert refused.value.reason == "CERTIFICATE_OF_OTHER_USAGE"


async def test_media_home_has_no_secret_of_the_evidence_server(scene: Scene) -> None:
    """No master key, no share, no authority, no account: only its own TLS key."""
    names = {path.name for path in scene.media.folder.rglob("*")}
    assert names == {"config.toml", "fourseal.db", "media.key", "media.csr", "media.pem"}
    assert (scene.media.folder / "media.key").stat().st_mode & 0o077 == 0
    for table in ("sealed_shares", "credentials", "custody_probes", "accounts", "contract_sessions"):
        assert query(scene.media, f"SELECT COUNT(*) FROM {table}") == [(0,)]  # noqa: S608  # of the test


@pytest.mark.parametrize(
    "request_pem",
    [
        pytest.param(lambda: b"", id="nothing"),
        pytest.param(
            lambda: b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", id="junk"
        ),
        pytest.param(request_for, id="no name"),
        pytest.param(lambda: request_for(*(f"m{number}.example" for number in range(17))), id="many names"),
        pytest.param(lambda: request_for("m.example", key=ec.generate_private_key(ec.SECP384R1())), id="other curve"),
        pytest.param(lambda: request_for("m.example", key=rsa.generate_private_key(65537, 2048)), id="RSA"),
    ],
)
def test_what_is_no_request_is_refused(request_pem: Callable[[], bytes], tmp_path: Path) -> None:
    """Nothing is certified that a media server would not ask for."""
    authority = load_authority(make_home(tmp_path / "evidence"))
    with pytest.raises(OperatorError, match="no request of a media server"):
        certify(MEDIA_SERVER, authority, request_pem(), OWN_NAMES, system_clock())


def test_name_of_the_evidence_server_is_refused(tmp_path: Path) -> None:
    """With it a media server could take in whoever calls the evidence server."""
    authority = load_authority(make_home(tmp_path / "evidence"))
    with pytest.raises(OperatorError, match="a name of the evidence server"):
        certify(MEDIA_SERVER, authority, request_for("media.example", "localhost"), OWN_NAMES, system_clock())


@pytest.mark.parametrize(
    ("own", "asked"),
    [
        ("localhost", "LocalHost"),
        ("localhost", "localhost."),
        ("Evidence.Example", "evidence.example"),
        ("evidence.example.", "EVIDENCE.example"),
        ("127.0.0.1", "::ffff:127.0.0.1"),
        ("2001:db8::1", "2001:DB8:0:0::1"),
    ],
)
def test_name_of_the_evidence_server_is_refused_however_it_is_written(own: str, asked: str, tmp_path: Path) -> None:
    """Clients compare names as DNS does, and addresses as numbers."""
    authority = load_authority(make_home(tmp_path / "evidence"))
    with pytest.raises(OperatorError, match="a name of the evidence server"):
        certify(MEDIA_SERVER, authority, request_for(asked), [own], system_clock())


@pytest.mark.parametrize(
    "name",
    [
        "*.example",
        "*",
        "a..b",
        ".example",
        "-a.example",
        "a-.example",
        "a_b.example",
        "x" * 64,
        "127.1",
        "a.b/c",
        "a b",
    ],
)
def test_what_is_no_host_name_is_refused(name: str, tmp_path: Path) -> None:
    """A wildcard would fit the evidence server's names too."""
    authority = load_authority(make_home(tmp_path / "evidence"))
    with pytest.raises(OperatorError, match="no request of a media server"):
        certify(MEDIA_SERVER, authority, request_for("media.example", name), OWN_NAMES, system_clock())


def test_certificate_of_another_is_refused(tmp_path: Path) -> None:
    """For another key, without its authority, of another authority, or junk."""
    authority = load_authority(make_home(tmp_path / "evidence"))
    media = make_media_home(tmp_path / "media", authority)
    kept = (media.folder / "media.pem").read_bytes()
    foreign = certify(MEDIA_SERVER, authority, request_for("media.example"), OWN_NAMES, system_clock())
    ours = kept.split(authority.certificate_pem)[0]
    for bundle in (foreign, ours, ours + foreign_authority(), b"junk", b""):
        with pytest.raises(OperatorError):
            accept_certificate(MEDIA_SERVER, media, bundle)
    assert (media.folder / "media.pem").read_bytes() == kept


def foreign_authority() -> bytes:
    """Another authority of the same name."""
    key, now = ec.generate_private_key(ec.SECP256R1()), system_clock()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Fourseal development authority")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now.replace(year=now.year + 1))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_setting_up_again_keeps_the_key(tmp_path: Path) -> None:
    """A renewal is for the same key."""
    media = Home(tmp_path / "media")
    made = [step.made for step in set_up(MEDIA_SERVER, media, ["127.0.0.2"])]
    key = (media.folder / "media.key").read_bytes()
    again = [step.made for step in set_up(MEDIA_SERVER, media, ["127.0.0.2"])]
    assert (made, again) == ([True] * 5, [False, False, False, False, True])
    assert (media.folder / "media.key").read_bytes() == key


def test_without_certificate_it_says_what_to_do(tmp_path: Path) -> None:
    """Instead of starting."""
    media = Home(tmp_path / "media")
    for _ in set_up(MEDIA_SERVER, media, ["127.0.0.2"]):
        pass
    with pytest.raises(OperatorError, match="no certificate yet") as refused:
        load_certificate(MEDIA_SERVER, media)
    assert "media certify" in refused.value.action
