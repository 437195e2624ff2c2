"""The three processes of the bare stream, with certificates of their own: mutual TLS as between the product's."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from bench.errors import BenchFailed
from bench.load.target import Target
from bench.rig.command import environment

_HOST = "localhost"


class BareStream:
    """A relay that is a queue in memory, one who posts and one who fetches, for as long as the context lasts.

    Args:
        folder: for certificates.
        tuned: see ``bench.peers.bare_stream``.
    """

    def __init__(self, folder: Path, *, tuned: bool) -> None:
        self._folder = folder
        self._arguments = ["tuned"] if tuned else []

    def __enter__(self) -> Self:
        server, client = _make_certificates(self._folder)
        self._relay = self._start("relay", server)
        port = _hear(self._relay)["port"]
        target = Target(f"{_HOST}:{port}", client.authority, client.key, client.certificate)
        self._post, self._fetch = self._start("post", target), self._start("fetch", target)
        for process in (self._post, self._fetch):
            _hear(process)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (self._post, self._fetch, self._relay):
            process.communicate()

    def seconds(self, segments: int) -> float:
        """Send that many segments of 1 MiB; from the first byte posted to the last one fetched."""
        _tell(self._fetch, "")
        _tell(self._post, str(segments))
        ended = _hear(self._fetch)
        if ended["bytes"] != segments << 20:
            raise BenchFailed("the bare stream lost something")
        return float(ended["ended"] - _hear(self._post)["began"])

    def _start(self, role: str, target: Target) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "bench.peers.bare_stream", role, target.to_json(), *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )


def _tell(process: subprocess.Popen[str], line: str) -> None:
    if process.stdin is not None:
        process.stdin.write(line + "\n")
        process.stdin.flush()


def _hear(process: subprocess.Popen[str]) -> dict[str, Any]:
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line:
        raise BenchFailed("a process of the bare stream has ended; its last words stand above")
    heard: dict[str, Any] = json.loads(line)
    return heard


def _make_certificates(folder: Path) -> tuple[Target, Target]:
    """One authority; for the relay and for its clients a certificate each."""
    folder.mkdir()
    authority, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    files = []
    for name in ("authority", "relay", "client"):
        key = authority if name == "authority" else ec.generate_private_key(ec.SECP256R1())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name("authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=name == "authority", path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(_HOST)]), critical=False)
            .sign(authority, hashes.SHA256())
        )
        key_file, certificate_file = folder / f"{name}.key", folder / f"{name}.pem"
        key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        certificate_file.write_bytes(certificate.public_bytes(Encoding.PEM))
        files.append((str(key_file), str(certificate_file)))
    (_, root), relay, client = files
    return Target("127.0.0.1:0", root, *relay), Target("", root, *client)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
