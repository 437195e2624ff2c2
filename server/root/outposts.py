"""Setting up a process that runs elsewhere: a media server, or a gateway. It has a folder, key and database of its own.

1. ``set_up``, there: makes a key, which never leaves, and a request for a certificate.
2. ``certify``, at the evidence server: its operator hands out a certificate for the request.
3. ``accept_certificate``, there. A renewal is 2 and 3 again, also under a running process.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from server.config import load_settings
from server.errors import OperatorError
from server.identity import Authority, ServerCertificate
from server.identity.own_profiles import general_name, normal_host, subject_name
from server.identity.server_certificate import LIFETIME
from server.root.home import Home
from server.root.setup import Step, make_folder, make_schema
from server.storage.backend import backend_of
from server.storage.revision import schema_state

_MOST_NAMES: Final = 16
_HEAD: Final = """\
# Configuration of a {title}. Every value can also be set by an environment variable, such as FOURSEAL_LISTEN.

listen = {listen}
public_host = {name}
server_names = {names}
"""
_MEDIA: Final = """\
# relay_envelope_days = 30               # for which an envelope waits for its recipients
# relay_upload_hours = 24                # for which an unfinished upload can be gone on with
# relay_envelope_mebibytes = 65536       # of one envelope's content
"""
_GATEWAY: Final = """\
# relay_address = ""                     # host:port of the media server, or of a server that relays itself: needed
# guard_address = ""                     # host:port of the server whose guard it works with; empty: none
# gateway_peers = []                     # host:port of the other gateways, which it asks where the guard is not there
# gateway_answer_seconds = 10            # for which it waits for them
# gateway_held_notices = 20000           # that it holds, or has released and are not acknowledged
# gateway_held_notices_per_mailbox = 2000
# gateway_quarantined_notices = 10000    # that it keeps as evidence
# gateway_history_agents = 4096          # that it remembers on either side
# gateway_history_facts_per_agent = 128  # that it remembers of each
"""
_TAIL: Final = """\
# max_calls = 2048                       # under way at a time
# max_calls_per_caller = 512             # the same for one agent
# health_interval_seconds = 5.0
# shutdown_grace_seconds = 30.0
# metrics_listen = ""                    # 127.0.0.1:9464, for Prometheus on this machine; empty: nowhere
# reflection = false                     # whether it describes its services
# log_level = "info"
"""


@dataclass(frozen=True, slots=True)
class Outpost:
    """A kind of process that runs elsewhere.

    Args:
        title: what people call it.
        name: of its commands and files.
        port: on which it listens by default.
        own: lines of its configuration that others have not.
        issue: makes its certificate; takes key, names, the present time and how long it holds.
    """

    title: str
    name: str
    port: int
    own: str
    issue: Callable[[Authority, ec.EllipticCurvePublicKey, Sequence[str], datetime, timedelta], x509.Certificate]

    @property
    def key(self) -> str:
        """The file of its private key."""
        return f"{self.name}.key"

    @property
    def request(self) -> str:
        """The file of its request for a certificate."""
        return f"{self.name}.csr"

    @property
    def certificate(self) -> str:
        """The file of its certificate, with the authority's."""
        return f"{self.name}.pem"


MEDIA_SERVER: Final = Outpost("media server", "media", 7445, _MEDIA, Authority.issue_for_media_server)
GATEWAY: Final = Outpost("gateway", "gateway", 7446, _GATEWAY, Authority.issue_for_gateway)


def set_up(outpost: Outpost, home: Home, names: list[str]) -> Iterator[Step]:
    """Make whatever it needs and has not yet; yields each step after it was done.

    Args:
        outpost: what it is.
        home: its folder.
        names: host names and IP addresses under which agents reach it.

    Raises:
        OperatorError: something cannot be made.
    """
    yield make_folder(home.folder)
    yield _make_config(outpost, home, names)
    settings = load_settings(home.folder)
    backend = backend_of(home.database_url(settings))
    backend.create()
    yield make_schema(backend, home.database_url(settings), schema_state(backend))
    yield _make_key(home.folder / outpost.key)
    yield _make_request(outpost, home.folder, names)


def certify(outpost: Outpost, authority: Authority, request_pem: bytes, own_names: list[str], now: datetime) -> bytes:
    """The certificate that is asked for, and the authority's, PEM.

    Args:
        outpost: what asks.
        authority: issues it.
        request_pem: from there.
        own_names: of this server, which no other may have: it could take its callers in.
        now: the present time.

    Raises:
        OperatorError: the request is none, or asks for a name that it must not have, or that is no host name.
    """
    try:
        request = x509.load_pem_x509_csr(request_pem)
        key, signed = request.public_key(), request.is_signature_valid
        asked = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [normal_host(str(name.value)) for name in asked if isinstance(name, x509.DNSName | x509.IPAddress)]
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.ExtensionNotFound, x509.DuplicateExtension):
        raise _no_request(outpost) from None
    if not signed or not isinstance(key, ec.EllipticCurvePublicKey) or not 1 <= len(names) == len(asked) <= _MOST_NAMES:
        raise _no_request(outpost)
    if not isinstance(key.curve, ec.SECP256R1):
        raise _no_request(outpost)
    own = set(map(_comparable, own_names))
    for name in names:
        if name in own:
            raise OperatorError(
                f"{name} is a name of the evidence server",
                f"Give the {outpost.title} a name or address of its own; on one machine, 127.0.0.2 will do.",
            )
    certificate = outpost.issue(authority, key, names, now, LIFETIME)
    return certificate.public_bytes(Encoding.PEM) + authority.certificate_pem


def _comparable(own_name: str) -> str:
    """A name of this server's, which may be one that nothing elsewhere gets."""
    try:
        return normal_host(own_name)
    except ValueError:
        return own_name


def accept_certificate(outpost: Outpost, home: Home, bundle_pem: bytes) -> ServerCertificate:
    """Take what ``certify`` made.

    Raises:
        OperatorError: it is for another key, or is none.
    """
    _read_bundle(outpost, home.folder, bundle_pem)
    path = home.folder / outpost.certificate
    draft = path.with_suffix(".new")
    draft.write_bytes(bundle_pem)
    draft.replace(path)
    return load_certificate(outpost, home)[0]


def load_certificate(outpost: Outpost, home: Home) -> tuple[ServerCertificate, x509.Certificate]:
    """Its TLS certificate with the key, and the authority's certificate.

    Raises:
        OperatorError: there is none yet, or they do not belong together.
    """
    try:
        bundle = (home.folder / outpost.certificate).read_bytes()
    except FileNotFoundError:
        raise OperatorError(
            f"the {outpost.title} has no certificate yet",
            f"Have the operator of the evidence server run fourseal-server {outpost.name} certify for "
            f"{home.folder / outpost.request}, then fourseal-server {outpost.name} accept.",
        ) from None
    except OSError as error:
        raise OperatorError(f"the certificate cannot be read: {error.strerror}", "Check its owner.") from error
    certificate, authority, key = _read_bundle(outpost, home.folder, bundle)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return ServerCertificate(certificate.public_bytes(Encoding.PEM), pem, certificate.not_valid_after_utc), authority


def _make_config(outpost: Outpost, home: Home, names: list[str]) -> Step:
    made = not home.config.exists()
    if made:
        listen = f"{names[0] if _is_address(names[0]) else '0.0.0.0'}:{outpost.port}"  # noqa: S104  # a name has some address
        head = _HEAD.format(
            title=outpost.title, listen=json.dumps(listen), name=json.dumps(names[0]), names=json.dumps(names)
        )
        home.config.write_text(head + outpost.own + _TAIL, encoding="utf-8")
    return Step("configuration", str(home.config), made)


def _is_address(name: str) -> bool:
    return isinstance(general_name(name), x509.IPAddress) and ":" not in name


def _make_key(path: Path) -> Step:
    made = not path.exists()
    if made:
        key = ec.generate_private_key(ec.SECP256R1())
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            file.flush()
            os.fsync(file.fileno())
    return Step("key of its own", str(path), made)


def _make_request(outpost: Outpost, folder: Path, names: list[str]) -> Step:
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject_name(f"Fourseal {outpost.title}"))
    try:
        alternatives = x509.SubjectAlternativeName(list(map(general_name, names)))
    except ValueError:
        raise OperatorError("a name is neither a host name nor an address", "Write host names in ASCII.") from None
    request = builder.add_extension(alternatives, critical=False).sign(_load_key(outpost, folder), hashes.SHA256())
    (folder / outpost.request).write_bytes(request.public_bytes(Encoding.PEM))
    return Step("request for a certificate", str(folder / outpost.request), made=True)


def _load_key(outpost: Outpost, folder: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key((folder / outpost.key).read_bytes(), None)
    except (OSError, ValueError, TypeError):
        raise _no_key(outpost) from None  # the cause could quote the key
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise _no_key(outpost)
    return key


def _read_bundle(
    outpost: Outpost, folder: Path, bundle: bytes
) -> tuple[x509.Certificate, x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = _load_key(outpost, folder)
    try:
        certificate, authority = x509.load_pem_x509_certificates(bundle)
        certificate.verify_directly_issued_by(authority)
        fits = certificate.public_key() == key.public_key()
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        raise OperatorError(
            f"this is no certificate of a {outpost.title}, with its authority's",
            f"Take what {outpost.name} certify has written.",
        ) from None
    if not fits:
        raise OperatorError("the certificate is for another key", "Ask for one with the request of this folder.")
    return certificate, authority, key


def _no_key(outpost: Outpost) -> OperatorError:
    return OperatorError(
        f"the {outpost.title}'s key is missing or damaged", f"Run fourseal-server {outpost.name} init."
    )


def _no_request(outpost: Outpost) -> OperatorError:
    return OperatorError(
        f"this is no request of a {outpost.title}",
        f"Use the file {outpost.request} that fourseal-server {outpost.name} init has written.",
    )
