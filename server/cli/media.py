"""``fourseal-server media``: the media server's own commands, and the one that the evidence server's operator has."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Final

from contract.oids import Arc
from server.cli.database import settings_of
from server.cli.output import show_json, show_line
from server.cli.run import run_media
from server.clock import system_clock
from server.config import load_settings
from server.errors import OperatorError
from server.identity import Authority
from server.root.ground import open_ground
from server.root.home import Home
from server.root.log import configure_log
from server.root.media_setup import accept_certificate, certify_media, set_up_media
from server.root.relay import inspect_relay
from server.storage import Database
from server.storage.backend import backend_of

_MAX_FILE_BYTES: Final = 64 * 1024


def init(home: Home, names: list[str], *, as_json: bool) -> None:
    """Set a media server up and say what was done."""
    steps = []
    for step in set_up_media(home, names):
        steps.append(step)
        if not as_json:
            show_line(f"{'made' if step.made else 'kept'}  {step.what}: {step.where}")
    if as_json:
        show_json([asdict(step) for step in steps])
        return
    show_line("")
    show_line("Next, at the evidence server: fourseal-server media certify --request media.csr --out media.pem")
    show_line(f"Then, here: fourseal-server media accept --certificate media.pem --home {home.folder}")


def certify(home: Home, request: Path, out: Path) -> None:
    """Write a certificate for a media server's request."""
    settings = settings_of(home)
    content = _read(request)

    with open_ground(home, settings, configure_log("error")) as ground:
        arc = Arc(settings.oid_arc)
        authority = ground.database.read_now(lambda connection: Authority.load(connection, ground.custody.keys, arc))
        bundle = certify_media(authority, content, settings.server_names, system_clock())
    try:
        with out.open("xb") as file:
            file.write(bundle)
    except FileExistsError:
        raise OperatorError(f"the file {out} exists already", "Name another with --out.") from None
    except OSError as error:
        raise OperatorError(f"{out} cannot be written: {error.strerror}", "Name another with --out.") from error
    show_line(f"Certificate  {out}")


def accept(home: Home, certificate: Path) -> None:
    """Take the certificate that the evidence server's operator has made."""
    taken = accept_certificate(home, _read(certificate))
    show_line(f"Certificate  good until {taken.expire_time.date().isoformat()}")
    show_line(f"Next: fourseal-server media run --home {home.folder}")


def run(home: Home) -> None:
    """Serve until SIGTERM or SIGINT."""
    run_media(home)


def check(home: Home, *, as_json: bool) -> None:
    """Read all contents; exit status 1 if some are damaged."""
    database = Database(backend_of(home.database_url(load_settings(home.folder))), configure_log("error"))
    try:
        found = inspect_relay(database, home.folder)
    finally:
        database.close()
    if as_json:
        show_json({"well": not found.damaged} | asdict(found))
    else:
        damaged, left_over = len(found.damaged), len(found.left_over)
        show_line(f"{damaged} contents are damaged" if damaged else "All contents are as they were written")
        for envelope_id in found.damaged:
            show_line(envelope_id)
        if left_over:
            show_line(f"{left_over} files that nobody needs could not be deleted; the log says why")
        for name in found.left_over:
            show_line(name)
    if found.damaged:
        sys.exit(1)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE_BYTES)
    except OSError as error:
        raise OperatorError(f"{path} cannot be read: {error.strerror}", "Name another file.") from error
