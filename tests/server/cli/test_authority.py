"""An outside authority above ours: its certificate is checked when it comes in, and leads others to their root."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server.config import load_settings
from server.identity import Authority
from server.identity.own_profiles import key_usage
from server.root.ground import open_ground
from tests.server.cli.test_cli import answer, refusal
from tests.server.harness import make_home, query, silent_log

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


class Outside:
    """An authority that others trust."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP384R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.certificate = self.issue(self.name, self.key.public_key())

    def issue(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        *,
        ca: bool = True,
        end: datetime = NOW + DAY,
        identifier: bytes | None = None,
        path_length: int | None = None,
    ) -> x509.Certificate:
        """A certificate, of an authority unless it is said otherwise."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 2 * DAY)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length if ca else None), critical=True)
            .add_extension(key_usage(signs_certificates=ca), critical=True)
        )
        own = x509.SubjectKeyIdentifier.from_public_key(key)
        named = own if identifier is None else x509.SubjectKeyIdentifier(identifier)
        return builder.add_extension(named, critical=False).sign(self.key, hashes.SHA384())


def write(path: Path, *certificates: x509.Certificate) -> str:
    """A file of certificates."""
    path.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in certificates))
    return str(path)


def test_others_find_the_way_to_their_root(tmp_path: Path) -> None:
    """What does not make ours a subordinate is refused; then OpenSSL goes from what we issue to the outside root."""
    home = make_home(tmp_path / "server")
    answer(home.folder, "authority", "request", "--out", str(tmp_path / "request.pem"))
    request = x509.load_pem_x509_csr((tmp_path / "request.pem").read_bytes())
    assert request.is_signature_valid
    key = request.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    root, other = Outside("A root"), Outside("Another root")
    chain = write(tmp_path / "chain.pem", root.certificate)
    stranger = ec.generate_private_key(ec.SECP256R1()).public_key()
    full = Outside("A root without room")
    full.certificate = full.issue(full.name, full.key.public_key(), path_length=0)
    wrong = {
        "another name or key": [
            (root.issue(request.subject, stranger), chain),
            (root.issue(root.name, key), chain),
        ],
        "another subject key identifier": [(root.issue(request.subject, key, identifier=b"x" * 20), chain)],
        "not one of an authority": [(root.issue(request.subject, key, ca=False), chain)],
        "is not valid now": [(root.issue(request.subject, key, end=NOW - DAY), chain)],
        "is not signed by the next": [
            (other.issue(request.subject, key), chain),
            (root.issue(request.subject, key), write(tmp_path / "wrong.pem", root.certificate, other.certificate)),
        ],
        "leaves no room": [(full.issue(request.subject, key), write(tmp_path / "full.pem", full.certificate))],
    }
    for problem, cases in wrong.items():
        for certificate, above in cases:
            given = write(tmp_path / "given.pem", certificate)
            assert problem in refusal(home.folder, "authority", "accept", given, "--chain", above)
    assert query(home, "SELECT count(*) FROM credentials WHERE name = 'authority-outside'") == [(0,)]

    issued = root.issue(request.subject, key, path_length=0)
    answer(home.folder, "authority", "accept", write(tmp_path / "issued.pem", issued), "--chain", chain)
    answer(home.folder, "trust", "--out", str(tmp_path / "trust"))
    kept = x509.load_pem_x509_certificate((tmp_path / "trust" / "authority-outside.pem").read_bytes())
    assert kept == issued
    own = x509.load_pem_x509_certificate((tmp_path / "trust" / "authority.pem").read_bytes())
    assert own.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == key.public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    with open_ground(home, load_settings(home.folder), silent_log()) as ground:
        authority = ground.database.read_now(lambda connection: Authority.load(connection, ground.custody.keys))
    leaf = write(tmp_path / "leaf.pem", authority.issue_for_agent(stranger, "laptop", NOW))
    checking = ("openssl", "verify", "-CAfile", chain, "-untrusted", str(tmp_path / "trust" / "authority-outside.pem"))
    assert subprocess.run([*checking, leaf], check=True, capture_output=True, text=True).stdout == f"{leaf}: OK\n"
