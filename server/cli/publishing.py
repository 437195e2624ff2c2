"""``fourseal-server crl`` and ``trust``: what others verify with, and get from the operator."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from contract.oids import Arc
from server.cli.database import settings_of
from server.cli.output import show_json, show_line
from server.errors import OperatorError
from server.identity import Authority, RevocationLists, find_outside_certificate
from server.root.ground import open_ground
from server.root.home import Home
from server.root.log import configure_log

_AUTHORITY: Final = "authority.pem"
_OUTSIDE: Final = "authority-outside.pem"
_LOG_KEY: Final = "log-key"


def crl(home: Home, out: Path, *, as_json: bool) -> None:
    """Write the list of revoked certificates."""
    settings = settings_of(home)
    with open_ground(home, settings, configure_log("error")) as ground:
        arc, lifetime = Arc(settings.oid_arc), timedelta(seconds=settings.revocation_list_seconds)
        authority = ground.database.read_now(lambda connection: Authority.load(connection, ground.custody.keys, arc))
        lists = RevocationLists(ground.database, authority, ground.clock, lifetime=lifetime)
        made = asyncio.run(lists.current())
    try:
        out.write_bytes(made.der)
    except OSError as error:
        raise OperatorError(f"the list cannot be written to {out}: {error.strerror}", "Choose another file.") from None
    if as_json:
        show_json({"number": made.number, "file": str(out), "end_time": made.end_time.isoformat()})
    else:
        show_line(f"List {made.number}: {out}, good until {made.end_time.isoformat()}.")


def trust(home: Home, out: Path, *, as_json: bool) -> None:
    """Write what a verifier of evidence must know: the authority's certificate and the log's key. Neither is secret."""
    settings = settings_of(home)
    with open_ground(home, settings, configure_log("error")) as ground:
        arc = Arc(settings.oid_arc)
        authority = ground.database.read_now(lambda connection: Authority.load(connection, ground.custody.keys, arc))
        outside = ground.database.read_now(find_outside_certificate)
        log_key = ground.log_key.verifier.to_text()
    certificate, key = out / _AUTHORITY, out / _LOG_KEY
    try:
        out.mkdir(exist_ok=True)
        certificate.write_bytes(authority.certificate.public_bytes(Encoding.PEM))
        if outside is not None:
            (out / _OUTSIDE).write_bytes(outside.public_bytes(Encoding.PEM))
        key.write_text(log_key + "\n", encoding="utf-8")
    except OSError as error:
        raise OperatorError(f"{out} cannot be written to: {error.strerror}", "Choose another folder.") from None
    fingerprint = authority.certificate.fingerprint(SHA256()).hex()
    if as_json:
        show_json(
            {"authority": str(certificate), "fingerprint": fingerprint, "log_key_file": str(key), "log_key": log_key}
        )
        return
    show_line(f"Authority  {certificate}")
    show_line(f"  SHA-256  {fingerprint}")
    show_line(f"Log key    {key}")
    show_line(f"           {log_key}")
