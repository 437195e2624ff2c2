"""``fourseal-server authority``: a request to an outside authority, and the certificate that comes back."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from server.cli.database import settings_of
from server.cli.output import show_json, show_line
from server.clock import system_clock
from server.errors import OperatorError
from server.identity import Authority, accept_outside_certificate
from server.root.ground import open_ground
from server.root.home import Home
from server.root.log import configure_log


def request(home: Home, out: Path, *, as_json: bool) -> None:
    """Write a PKCS#10 request for a certificate of our authority's key."""
    with open_ground(home, settings_of(home), configure_log("error")) as ground:
        authority = ground.database.read_now(lambda connection: Authority.load(connection, ground.custody.keys))
    content = authority.request_certificate().public_bytes(Encoding.PEM)
    try:
        out.write_bytes(content)
    except OSError as error:
        raise OperatorError(f"{out} cannot be written to: {error.strerror}", "Choose another file.") from None
    if as_json:
        show_json({"file": str(out), "subject": authority.certificate.subject.rfc4514_string()})
    else:
        show_line(f"Request: {out}. Give it to the authority that shall stand above this one.")


def accept(home: Home, certificate: Path, chain: Path, *, as_json: bool) -> None:
    """Check and keep the certificate that came back."""
    (issued, *more), above = _read(certificate), _read(chain)
    if more:
        raise OperatorError(f"{certificate} holds more than one certificate", "Put those above it into --chain.")
    with open_ground(home, settings_of(home), configure_log("error")) as ground:
        own = ground.database.read_now(Authority.find_certificate_pem)
        loaded, now = x509.load_pem_x509_certificate(own), system_clock()
        ground.database.write_now(lambda connection: accept_outside_certificate(connection, loaded, issued, above, now))
    end = issued.not_valid_after_utc.isoformat()
    if as_json:
        show_json({"issuer": issued.issuer.rfc4514_string(), "expire_time": end})
    else:
        show_line(f"Accepted: issued by {issued.issuer.rfc4514_string()}, until {end}. trust writes it out.")


def _read(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        raise OperatorError(f"{path} holds no certificates", "Give a file of certificates in PEM.") from None
