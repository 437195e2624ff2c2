"""An authority for time stamps: ``openssl ts``, with a certificate of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

from cryptography import x509

_CONFIGURATION = """
[ca]
[tsa]
default_tsa = stamps
[stamps]
serial = serial
crypto_device = builtin
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512, sha1
[stamping]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[root]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
"""


class TimeStampAuthority:
    """Stamps by the machine's clock.

    Args:
        folder: empty; for its keys and files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "openssl.cnf").write_text(_CONFIGURATION, encoding="utf-8")
        (folder / "serial").write_text("01\n", encoding="utf-8")
        for name in ("root", "tsa"):
            self._run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{name}.key")
            self._run("req", "-new", "-key", f"{name}.key", "-subj", f"/CN=Test {name}", "-out", f"{name}.csr")
        years = ("-days", "3650", "-extfile", "openssl.cnf")
        self._run(
            *("x509", "-req", "-in", "root.csr", "-signkey", "root.key", "-out", "root.pem", "-extensions", "root"),
            *years,
        )
        self._run(
            *("x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial"),
            *("-out", "tsa.pem", "-extensions", "stamping", *years),
        )
        self.root_pem = (folder / "root.pem").read_bytes()
        self.root = x509.load_pem_x509_certificate(self.root_pem)

    def stamp(self, data: bytes, digest: str = "sha256") -> bytes:
        """TimeStampResp, DER."""
        (self._folder / "data").write_bytes(data)
        self._run("ts", "-query", "-data", "data", f"-{digest}", "-cert", "-out", "query")
        return self._reply()

    def answer(self, request: bytes) -> bytes:
        """TimeStampResp to a TimeStampReq, both DER."""
        (self._folder / "query").write_bytes(request)
        return self._reply()

    def _reply(self) -> bytes:
        self._run("ts", "-reply", "-config", "openssl.cnf", "-queryfile", "query", "-out", "reply")
        return (self._folder / "reply").read_bytes()

    def _run(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self._folder, check=True, capture_output=True)
